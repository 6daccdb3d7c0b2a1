"""What the network id commits to, and what it leaves out."""

import dataclasses

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import lookup
from minicoin.core.params.network import Network, canonical_form
from minicoin.core.params.rules import Buried, Deployments, Retarget, RetargetKind, SignersKind, SignetKind, VersionBits

REGTEST = lookup("regtest")
SIGNERS = SignersKind((bytes(31) + b"\1", bytes(31) + b"\2"), ("A", "B"), allocation=((b"\x51", 7),))
VOTE = VersionBits(bit=3, start_time=0, timeout=None, window=10, threshold=8)

SAME = {
    "name": {"name": "other"},
    "seeds": {"dns_seeds": ("seed.example",)},
    "nodes": {"nodes": ("node.example:1",)},
    "ports": {"default_port": 1, "rpc_port": 2},
    "limits": {"ping_after_s": 7, "drop_after_s": 70},
    "address format": {"address_format": lookup("main").address_format},
    "a later vote": {"deployments": Deployments(extra=(("later", VOTE),))},
    "height 1 instead of 0": {"deployments": Deployments(bip34=Buried(1))},
    "checkpoints": {"checkpoints": ((5, REGTEST.genesis.hash),)},
    "a parameter without effect": {"retarget": Retarget(RetargetKind.NONE, half_life_s=1)},
}
DIFFERENT = {
    "genesis": {"genesis_recipe": dataclasses.replace(REGTEST.genesis_recipe, message="another")},
    "spacing": {"spacing_s": 61},
    "subsidy": {"subsidy_sat": 1},
    "halving": {"halving_interval": 150},
    "maturity": {"coinbase_maturity": 10},
    "pow limit": {"pow_limit": REGTEST.pow_limit >> 1},
    "retarget": {"retarget": Retarget(RetargetKind.ASERT)},
    "proof": {"proof": SignetKind(b"\x51")},
    "a rule that begins later": {"deployments": Deployments(taproot=Buried(100))},
    "a rule put to the vote": {"deployments": Deployments(segwit=VOTE)},
    "script flags": {"base_script_flags": 1},
}


def _changed(changes: dict[str, object]) -> Network:
    return dataclasses.replace(REGTEST, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", SAME.values(), ids=SAME)
def test_id_ignores_what_is_no_genesis_rule(changes: dict[str, object]) -> None:
    assert _changed(changes).network_id == REGTEST.network_id


@pytest.mark.parametrize("changes", DIFFERENT.values(), ids=DIFFERENT)
def test_id_commits_to_the_genesis_rules(changes: dict[str, object]) -> None:
    changed = _changed(changes)
    assert changed.network_id != REGTEST.network_id
    assert changed.magic != REGTEST.magic
    assert changed.protocol_id != REGTEST.protocol_id


SIGNERS_SAME = {
    "names": {"names": ("B", "A")},
    "time-outs": {"propose_timeout_ms": 1, "prevote_timeout_ms": 2, "precommit_timeout_ms": 3, "timeout_step_ms": 4},
    "empty blocks": {"empty_after_s": 5},
}
SIGNERS_DIFFERENT = {
    "members": {"members": (bytes(31) + b"\1", bytes(31) + b"\3")},
    "interval": {"min_interval_s": 2},
    "who is paid": {"allocation": ((b"\x52", 7),)},
    "how much": {"allocation": ((b"\x51", 8),)},
    "who may connect": {"admission": b"a"},
}


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [(changes, True) for changes in SIGNERS_SAME.values()]
    + [(changes, False) for changes in SIGNERS_DIFFERENT.values()],
    ids=[*SIGNERS_SAME, *SIGNERS_DIFFERENT],
)
def test_id_commits_to_what_signed_blocks_are_judged_by(changes: dict[str, object], is_same: bool) -> None:
    network = _changed({"proof": SIGNERS})
    changed = _changed({"proof": dataclasses.replace(SIGNERS, **changes)})  # type: ignore[arg-type]
    assert (changed.network_id == network.network_id) == is_same


def test_signers_are_spelt_out() -> None:
    lines = canonical_form(_changed({"proof": dataclasses.replace(SIGNERS, admission=b"who")})).decode().splitlines()
    assert lines[2] == f"proof=signers:{SIGNERS.founding_list.hash.hex()}:1:51/7:77686f"


def test_canonical_form_is_spelt_out() -> None:
    lines = canonical_form(REGTEST).decode().splitlines()
    assert lines[0] == "form=minicoin-network-1"
    assert lines[1] == f"genesis={REGTEST.genesis.raw.hex()}"
    assert lines[2:] == [
        "proof=work",
        f"pow_limit={'7' + 'f' * 63}",
        "spacing_s=60",
        "retarget=none",
        "subsidy_sat=5000000000",
        "halving_interval=210000",
        "coinbase_maturity=100",
        "script_flags=134677",
        "active=bip34,bip65,bip66,csv,segwit,taproot",
    ]


def test_magic_of_a_wrong_length_is_refused() -> None:
    with pytest.raises(MisuseError, match="4 bytes, not 3"):
        _changed({"own_magic": b"abc"})
