"""Networks of signers as text: what is written reads back the same, and every mistake is named with its key."""

import dataclasses
import tomllib
from base64 import b64encode

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import MEMBERS_MAX, RECOVERIES_NAMED_MAX
from minicoin.core.overlay.table import OVERLAYS
from minicoin.core.params.builtin import lookup
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.params.toml import network_from_mapping
from minicoin.core.params.toml_text import network_to_toml
from minicoin.core.primitives.block import BlockHash
from minicoin.core.script.standard import address_script, script_address
from minicoin.core.signers.admission import (
    ADMISSION_BYTES_MAX,
    AdmissionRow,
    AdmittedRole,
    admission_record,
    first_admission,
)
from minicoin.core.signers.members import member_list
from minicoin.core.signers.recovery import NO_RECOVERY, Recovery
from minicoin.core.units import MONEY_MAX_SAT

KEYS = tuple(bytes((count,)) * 32 for count in (1, 2, 3, 4, 5))
ADMITTED = first_admission(
    (AdmissionRow("Auditor", AdmittedRole.OBSERVER, None, (Identity.from_number(1).peer_id.multihash,)),)
)
ADMISSION = ADMITTED.encode()
NAMES = ("Bank A", 'Bank "B"', "C", "D", "Bänk E")
SCRIPT = b"\x00\x14" + bytes(20)
ADDRESS = script_address(SCRIPT, lookup("regtest").address_format)

MINIMAL = f"""
name = "five"
pow_limit = "7fffff0000000000000000000000000000000000000000000000000000000000"
spacing_s = 60
subsidy_sat = 0
halving_interval = 1
default_port = 4000
rpc_port = 4001

[genesis]
message = "five banks"
time = 1700000000
bits = 0x207fffff
nonce = NONCE
reward_sat = 0

[proof]
kind = "signers"

[[proof.members]]
name = "Bank B"
key = "{KEYS[1].hex()}"

[[proof.members]]
name = "Bank A"
key = "{KEYS[0].hex()}"

[[proof.allocation]]
address = "{ADDRESS}"
amount_sat = 700

[[proof.allocation]]
script = "51"
amount_sat = 300

[retarget]
kind = "none"

[address]
p2pkh = 111
p2sh = 196
hrp = "mcrt"

[keys]
wif = 239
"""


def _read(text: str) -> Network:
    """With the genesis' nonce found: one try in two has the work."""
    for nonce in range(64):
        try:
            return network_from_mapping(tomllib.loads(text.replace("NONCE", str(nonce))), OVERLAYS)
        except MisuseError as error:
            if "genesis.nonce" not in str(error):
                raise
    raise AssertionError("no nonce of 64")


def _edited(old: str, new: str) -> str:
    assert old in MINIMAL
    return MINIMAL.replace(old, new, 1)


def _signers(network: Network) -> SignersKind:
    assert isinstance(network.proof, SignersKind)
    return network.proof


def test_members_come_in_the_order_of_their_keys() -> None:
    proof = _signers(_read(MINIMAL))
    assert proof.members == KEYS[:2]
    assert proof.names == ("Bank A", "Bank B")
    assert proof.founding_list.keys == KEYS[:2]


def test_what_is_left_out_takes_the_defaults_of_signers() -> None:
    network = _read(MINIMAL)
    proof = _signers(network)
    assert network.own_messages
    assert network.coinbase_maturity == 1
    assert proof == SignersKind(KEYS[:2], ("Bank A", "Bank B"), allocation=((SCRIPT, 700), (b"\x51", 300)))
    assert (proof.min_interval_s, proof.empty_after_s, proof.timeout_step_ms) == (1, 60, 250)
    assert (proof.propose_timeout_ms, proof.prevote_timeout_ms, proof.precommit_timeout_ms) == (1_000, 500, 500)


def test_an_address_pays_its_script() -> None:
    assert ADDRESS is not None
    assert _signers(_read(MINIMAL)).allocation[0] == (address_script(ADDRESS, lookup("regtest").address_format), 700)


def test_all_of_it_survives_the_text() -> None:
    proof = SignersKind(KEYS, NAMES, 7, ((b"\x51", 1), (SCRIPT, 2), (b"\x51", 3)), ADMISSION, 11, 12, 13, 14, 15)
    network = dataclasses.replace(_read(MINIMAL), proof=proof)
    again = _read(network_to_toml(network))
    assert again == network
    assert again.network_id == network.network_id


def test_recoveries_that_the_operator_names_are_no_part_of_the_id() -> None:
    keys = member_list(KEYS[:1])
    first = Recovery(NO_RECOVERY, 7, BlockHash(b"b" * 32), keys, ("Bank A",))
    second = dataclasses.replace(first, previous=first.hash, height=9)
    network = _read(MINIMAL)
    proof = dataclasses.replace(_signers(network), recoveries=(second, first))
    named = dataclasses.replace(network, proof=proof)
    again = _read(network_to_toml(named))
    assert _signers(again).recoveries == (first, second)
    assert again.network_id == network.network_id


def test_admission_is_hexadecimal_or_base64() -> None:
    for text in (ADMISSION.hex(), b64encode(ADMISSION).decode()):
        network = _read(_edited('kind = "signers"', f'kind = "signers"\nadmission = "{text}"'))
        assert _signers(network).admission == ADMISSION


MANY = "".join(f'[[proof.members]]\nname = "{n}"\nkey = "{n:064x}"\n' for n in range(1, MEMBERS_MAX + 2))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('kind = "signers"', 'kind = "signer"', "proof.kind must be work, signet or signers, not 'signer'"),
        ('kind = "signers"', 'kind = "signers"\nmin_interval_s = 0', "proof.min_interval_s must be 1 to"),
        ('kind = "signers"', 'kind = "signers"\nempty_after = 3', r"empty_after is not .*; did you mean empty_after_s"),
        ('kind = "signers"', 'kind = "signers"\nrecoveries = ["00"]', "proof.recoveries cannot be read: a truncated"),
        ('kind = "signers"', 'kind = "signers"\nrecoveries = ["zz"]', "proof.recoveries cannot be read"),
        (
            'kind = "signers"',
            f'kind = "signers"\nrecoveries = {["00"] * (RECOVERIES_NAMED_MAX + 1)}',
            "proof.recoveries holds 65, at most 64",
        ),
        ('kind = "signers"', 'kind = "signers"\nadmission = "!"', "proof.admission must be hexadecimal or base64"),
        (
            'kind = "signers"',
            f'kind = "signers"\nadmission = "{"00" * (ADMISSION_BYTES_MAX + 1)}"',
            f"proof.admission cannot be read: an admission of {ADMISSION_BYTES_MAX + 1} bytes",
        ),
        (
            'kind = "signers"',
            f'kind = "signers"\nadmission = "{admission_record(1, 1, bytes(32), ADMITTED.rows).encode().hex()}"',
            "proof.admission is version 1: a network file has version 0",
        ),
        (KEYS[0].hex(), KEYS[1].hex(), r"members\[2\].key is 0202.*, which Bank B has already"),
        (KEYS[0].hex(), KEYS[0].hex() + "00", r"members\[2\].key must have 32 bytes, has 33"),
        (KEYS[0].hex(), "bank", r"members\[2\].key must be hexadecimal"),
        ('"Bank A"', '"Bank B"', r"members\[2\].name is Bank B, and another member has that name"),
        ('"Bank A"', '""', r"members\[2\].name must have 1 to 64 bytes"),
        ('"Bank A"', '"Bank\\nA"', r"members\[2\].name must have .* all of which can be shown"),
        ('"Bank A"', f'"{"ä" * 33}"', r"members\[2\].name must have 1 to 64 bytes"),
        ("[retarget]", MANY + "[retarget]", "proof.members must be a list of at most 100 tables"),
        (f'address = "{ADDRESS}"', 'address = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"', "is no address of this"),
        ("amount_sat = 700", "amount_sat = 0", r"allocation\[1\].amount_sat must be 1 to"),
        ("amount_sat = 700", "amount = 700", r"allocation\[1\].amount_sat is missing"),
        ("amount_sat = 700", f"amount_sat = {MONEY_MAX_SAT}", "proof.allocation adds up to .* more than there can be"),
        ('script = "51"', 'script = ""', r"allocation\[2\].script must have 1 to 520 bytes"),
        ("spacing_s", "own_messages = false\nspacing_s", "own_messages must be true"),
        ("spacing_s", "magic = '01020304'\nspacing_s", "magic is for Bitcoin's networks"),
        ("subsidy_sat = 0", "subsidy_sat = 1", "subsidy_sat must be 0, not 1: only the allocation makes coins"),
        ('[retarget]\nkind = "none"', '[retarget]\nkind = "asert"', "retarget.kind must be none, not asert"),
        ("7fffff00", "7ffffe00", "easier than pow_limit"),
        ("bits = 0x207fffff", "bits = 0x207ffffe", "genesis.bits must be 0x207fffff"),
        ("[keys]", "[deployments]\nsegwit = 2\ntaproot = 2\n[keys]", "deployments.segwit must be 0"),
    ],
)
def test_nonsense_is_refused_by_its_key(old: str, new: str, problem: str) -> None:
    with pytest.raises(MisuseError, match=problem):
        _read(_edited(old, new))


def test_a_network_without_members_is_refused() -> None:
    head, rest = MINIMAL.split("[[proof.members]]", 1)
    with pytest.raises(MisuseError, match=r"proof\.members is missing: name at least one"):
        _read(head + "[retarget]" + rest.split("[retarget]")[1])


def test_members_are_tables() -> None:
    head, rest = MINIMAL.split("[[proof.members]]", 1)
    with pytest.raises(MisuseError, match=r"proof\.members must hold tables only, not 'a'"):
        _read(head + 'members = ["a"]\n[retarget]' + rest.split("[retarget]")[1])


def test_any_limit_of_the_same_bits_will_do() -> None:
    _read(_edited("7fffff00", "7fffffff"))
