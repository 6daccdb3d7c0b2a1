"""Networks as text: what is written reads back the same, and every mistake is named with its key."""

import tomllib

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import MANUAL_ADDRESSES_MAX
from minicoin.core.overlay.table import OVERLAYS
from minicoin.core.params.builtin import NETWORKS, lookup
from minicoin.core.params.network import Network
from minicoin.core.params.rules import Buried
from minicoin.core.params.toml import GenesisUnmined, network_from_mapping
from minicoin.core.params.toml_text import network_to_toml

FOUNDER = "12D3KooWQzh94LCsDcPSSxYBDVZjquTKwKqpH4Lb9fxvMFDgckur"

MINIMAL = """
name = "acme"
pow_limit = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
spacing_s = 30
subsidy_sat = 1000
halving_interval = 1000
default_port = 4000
rpc_port = 4001

[genesis]
message = "acme's chain"
time = 1700000000
bits = 0x207fffff
nonce = 1
reward_sat = 1000

[retarget]
kind = "none"

[address]
p2pkh = 10
p2sh = 11
hrp = "ac"

[keys]
wif = 12
"""


def _read(text: str) -> Network:
    return network_from_mapping(tomllib.loads(text), OVERLAYS)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=lambda network: network.name)
def test_every_built_in_network_survives_the_text(network: Network) -> None:
    again = _read(network_to_toml(network))
    assert again == network
    assert again.network_id == network.network_id
    assert again.magic == network.magic


def test_who_signs_for_the_network_survives_the_text() -> None:
    text = _edited(
        "spacing_s = 30", f"spacing_s = 30\nalert_keys = {[FOUNDER]}\nfounders = {[FOUNDER]}\nfounder_quorum = 1"
    )
    network = _read(text)
    assert network.alert_keys == network.founders == (PeerId.parse(FOUNDER).multihash,)
    assert _read(network_to_toml(network)) == network
    assert network.network_id == _read(MINIMAL).network_id


def _edited(old: str, new: str) -> str:
    assert old in MINIMAL
    return MINIMAL.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("spacing_s = 30", "spacings = 30", r"spacing_s is missing; did you mean it by spacings\?"),
        ("rpc_port = 4001", "rpcport = 4001", r"rpc_port is missing; did you mean it by rpcport\?"),
        ("p2pkh = 10", "", "address.p2pkh is missing$"),
        (
            "subsidy_sat = 1000",
            "subsidy_sat = 1000\noverlays = 'random'",
            r"overlays is not .*; did you mean overlay\?",
        ),
        ("wif = 12", "wif = 12\nfoo = 1", "keys.foo is not a known key; known are wif, bip32_public"),
        (
            "subsidy_sat = 1000",
            "subsidy_sat = 1000\noverlay = 'nonsense'",
            "overlay must be one of random, everybody.*, not 'nonsense'",
        ),
        (
            "[keys]",
            "[overlay_settings]\nfanout = 3\n[keys]",
            "overlay_settings.fanout is no setting of this network model; it has none",
        ),
        ("[keys]", "[overlay_settings]\n[keys]\nfoo = 1", "keys.foo is not a known key"),
        (
            "subsidy_sat = 1000",
            "subsidy_sat = 1000\nmagic = '01020304'\nown_messages = true",
            "own_messages cannot be true with a magic",
        ),
        ('hrp = "ac"', 'hrp = "bc"', "address.hrp 'bc' is Bitcoin's own"),
        ("[keys]", "[deployments]\nsegwit = 'never'\n[keys]", "deployments.taproot needs segwit"),
        ("[keys]", "[deployments]\nsegwit = 10\ntaproot = 9\n[keys]", "deployments.taproot needs segwit"),
    ],
)
def test_nonsense_is_refused_by_its_key(old: str, new: str, problem: str) -> None:
    with pytest.raises(MisuseError, match=problem):
        _read(_edited(old, new))


def test_rules_that_go_together_pass() -> None:
    _read(_edited("[keys]", "[deployments]\nsegwit = 10\ntaproot = 10\n[keys]"))
    _read(_edited("[keys]", "[deployments]\nsegwit = 'never'\ntaproot = 'never'\n[keys]"))


def test_a_changed_genesis_is_told_apart_so_that_it_can_be_mined() -> None:
    text = network_to_toml(lookup("main")).replace("a network you can run", "a network I run")
    with pytest.raises(GenesisUnmined, match=r"genesis\.nonce"):
        _read(text)


def test_minimal_file_takes_the_defaults_of_a_new_network() -> None:
    network = _read(MINIMAL)
    assert network.deployments.named() == lookup("main").deployments.named()
    assert network.base_script_flags == lookup("main").base_script_flags
    assert network.coinbase_maturity == 100
    assert network.overlay == "random"
    assert not network.allow_private_addresses
    assert network.magic == network.network_id[:4]


def test_never_is_a_height() -> None:
    network = _read(MINIMAL + '[deployments]\ntaproot = "never"\nsegwit = 5\n')
    assert network.deployments.taproot == Buried(None)
    assert network.deployments.segwit == Buried(5)
    assert _read(network_to_toml(network)) == network


def test_a_message_with_quotes_survives() -> None:
    text = MINIMAL.replace('"acme\'s chain"', "'say \"hi\" \\ twice'").replace("nonce = 1", "nonce = 0")
    network = _read(text)
    assert network.genesis_recipe.message == 'say "hi" \\ twice'
    assert _read(network_to_toml(network)) == network


VOTE = "{ bit = 0, start_time = 0, window = 10, threshold = 11 }"
MISTAKES = {
    "missing key": ("spacing_s = 30\n", "", r"network file: spacing_s is missing"),
    "unknown key": ("spacing_s = 30", "spacing_s = 30\nspacing = 3", r"spacing is not a known key"),
    "unknown nested key": ("[retarget]", "[retarget]\nhalf_live_s = 5", r"retarget\.half_live_s is not a known key"),
    "wrong type": ("spacing_s = 30", 'spacing_s = "30"', r"spacing_s must be a whole number, not '30'"),
    "bool as number": ("spacing_s = 30", "spacing_s = true", r"spacing_s must be a whole number"),
    "out of range": ("default_port = 4000", "default_port = 70000", r"default_port must be 1 to 65535, not 70000"),
    "same ports": ("rpc_port = 4001", "rpc_port = 4000", r"rpc_port must differ from default_port"),
    "name": ('"acme"', '"Acme Inc"', r"name must be 1 to 32 lower-case letters"),
    "no hex": ('"7fff', '"zfff', r"pow_limit must be hexadecimal"),
    "short hex": ('"7fff', '"', r"pow_limit must have 32 bytes, has 30"),
    "retarget kind": ('kind = "none"', 'kind = "daily"', r"retarget\.kind must be one of bitcoin, bip94, asert, none"),
    "proof kind": ("[retarget]", '[proof]\nkind = "stake"\n[retarget]', r"proof\.kind must be work, signet or signers"),
    "no table": ("[keys]\nwif = 12", "", r"keys\.wif is missing"),
    "genesis without work": ("nonce = 1", "nonce = 0", r"genesis\.nonce 0 does not give"),
    "genesis above the limit": ("bits = 0x207fffff", "bits = 0x21008000", r"genesis\.bits 0x21008000 is easier"),
    "message": ("acme's chain", "x" * 92, r"genesis message must have 1 to 91 characters"),
    "hrp": ('"ac"', '"a-c"', r"address\.hrp must be 1 to 20"),
    "prefixes": ("p2sh = 11", "p2sh = 10", r"address\.p2sh must differ from p2pkh"),
    "threshold": ("[keys]", f"[deployments]\ncsv = {VOTE}\n[keys]", r"deployments\.csv\.threshold must be 1 to 10"),
    "vote for a height": ("[keys]", f"[deployments]\nbip34 = {VOTE}\n[keys]", r"deployments\.bip34 must be a whole"),
    "misspelt deployment": (
        "[keys]",
        f"[deployments]\nsegwitt = {VOTE}\n[keys]",
        r"deployments\.segwitt is not a known",
    ),
    "signal named as a rule": (
        "[keys]",
        "[signals]\ncsv = { bit = 0, start_time = 0, window = 10, threshold = 1 }\n[keys]",
        r"signals\.csv must have a name of its own",
    ),
    "checkpoint height": (
        "[keys]",
        f'[checkpoints]\nten = "{"00" * 32}"\n[keys]',
        r"checkpoints\.ten must be a height",
    ),
    "checkpoint hash": ("[keys]", '[checkpoints]\n10 = "00"\n[keys]', r"checkpoints\.10 is no block hash"),
    "script flag": ("spacing_s = 30", 'spacing_s = 30\nbase_script_flags = ["SCHNORR"]', r"holds 'SCHNORR'; known are"),
    "seeds": ("spacing_s = 30", "spacing_s = 30\ndns_seeds = [1]", r"dns_seeds must hold strings only"),
    "nodes": (
        "spacing_s = 30",
        f"spacing_s = 30\nnodes = {['a.example:1'] * (MANUAL_ADDRESSES_MAX + 1)}",
        r"nodes holds 257 addresses, at most 256",
    ),
    "alert key": ("spacing_s = 30", 'spacing_s = 30\nalert_keys = ["x"]', r"alert_keys must hold peer ids with their"),
    "alert key without its key": (
        "spacing_s = 30",
        'spacing_s = 30\nalert_keys = ["QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"]',
        r"alert_keys must hold peer ids with their keys",
    ),
    "founder twice": ("spacing_s = 30", f"spacing_s = 30\nfounders = {[FOUNDER, FOUNDER]}", r"holds \w+ twice"),
    "no quorum": ("spacing_s = 30", f"spacing_s = 30\nfounders = {[FOUNDER]}", r"founder_quorum must be 1 to the"),
    "great quorum": (
        "spacing_s = 30",
        f"spacing_s = 30\nfounders = {[FOUNDER]}\nfounder_quorum = 2",
        r"founder_quorum must be 1 to the number of founders \(1\)",
    ),
    "silence": (
        "spacing_s = 30",
        "spacing_s = 30\ndrop_after_s = 60",
        r"drop_after_s must be greater",
    ),
    "magic": ("spacing_s = 30", 'spacing_s = 30\nmagic = "00"', r"magic must have 4 bytes, has 1"),
}


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(old: str, new: str, message: str) -> None:
    assert old in MINIMAL
    with pytest.raises(MisuseError, match=message):
        _read(MINIMAL.replace(old, new, 1))
