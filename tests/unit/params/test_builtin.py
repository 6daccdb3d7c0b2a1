"""The built-in networks against the numbers the world knows them by."""

from dataclasses import replace

import pytest

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import MisuseError
from minicoin.core.params.bitcoin import BITCOIN_NETWORKS, chain_name
from minicoin.core.params.builtin import NETWORKS, lookup
from minicoin.core.params.network import Network
from minicoin.core.primitives.target import bits_to_target, meets_target
from minicoin.core.units import MONEY_MAX_SAT

TIMES_ROOT = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
# name: (genesis hash, merkle root, magic, port)
KNOWN = {
    "bitcoin": ("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f", TIMES_ROOT, "f9beb4d9", 8333),
    "bitcoin-testnet3": (
        "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
        TIMES_ROOT,
        "0b110907",
        18333,
    ),
    "bitcoin-testnet4": (
        "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
        "7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e",
        "1c163f28",
        48333,
    ),
    "bitcoin-signet": (
        "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
        TIMES_ROOT,
        "0a03cf40",
        38333,
    ),
    "bitcoin-regtest": (
        "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
        TIMES_ROOT,
        "fabfb5da",
        18444,
    ),
    "btcd-simnet": (
        "683e86bd5c6d110d91b94b97137ba6bfe02dbbdb8e3dff722a669b5d69d77af6",
        TIMES_ROOT,
        "161c1412",
        18555,
    ),
}
# A change here moves every running node to another network.
OWN_IDS = {
    "main": "0c9411199207b4201975045d17c9b30bbc9aaab6217e6690250a31fb39f0b7eb",
    "test": "bc12d820d636f76a909cb299a13d85beef329a5aaf6496f8ed0c02a5cd4d8e07",
    "regtest": "d523e4431406fc458432b0ec6ce3fb328e056fa1ce27c71b24ada6a804b39d06",
}
OWN_GENESIS = {
    "main": "00000084ecb6a7b903d03ed3ea433cf3aece96f08df40cb8d67b11c1dc4e46c2",
    "test": "00000001e7381593d48ef911125b1c88fa4bff9dd4d4c83c429b6a8f3a40e362",
    "regtest": "60a330a5d80b93b43ed44282f253bebb36fc2afe493cc27480fe6a3f6d23176f",
}


@pytest.mark.parametrize("name", KNOWN)
def test_bitcoin_networks_have_their_real_numbers(name: str) -> None:
    genesis, root, magic, port = KNOWN[name]
    network = lookup(name)
    assert str(network.genesis.header) == genesis
    assert hash_to_hex(network.genesis.header.merkle_root) == root
    assert network.magic.hex() == magic
    assert network.default_port == port
    assert network.is_bitcoin


@pytest.mark.parametrize("name", OWN_IDS)
def test_own_networks_derive_magic_and_protocol_from_a_stable_id(name: str) -> None:
    network = lookup(name)
    assert str(network.genesis.header) == OWN_GENESIS[name]
    assert network.network_id.hex() == OWN_IDS[name]
    assert network.magic == network.network_id[:4]
    assert network.protocol_id == f"/minicoin/{OWN_IDS[name][:16]}/wire/1"
    assert not network.is_bitcoin


@pytest.mark.parametrize("network", NETWORKS.values(), ids=lambda network: network.name)
def test_genesis_meets_its_target_within_the_limit(network: Network) -> None:
    target = bits_to_target(network.genesis.header.bits)
    assert target is not None
    assert target <= network.pow_limit
    assert meets_target(network.genesis.hash, target)
    assert network.pow_limit_bits == network.genesis.header.bits


def test_no_two_networks_share_a_magic_an_id_or_a_port() -> None:
    networks = list(NETWORKS.values())
    for values in (
        {network.magic for network in networks},
        {network.network_id for network in networks},
        {port for network in networks for port in (network.default_port, network.rpc_port)},
    ):
        assert len(values) % len(networks) == 0


@pytest.mark.parametrize("name", ["main", "bitcoin", "regtest"])
def test_subsidies_sum_up_to_the_money_there_is(name: str) -> None:
    network = lookup(name)
    interval = network.halving_interval
    total = sum(interval * network.subsidy(halving * interval) for halving in range(70))
    assert MONEY_MAX_SAT - interval * 64 <= total <= MONEY_MAX_SAT


def test_subsidy_halves_at_the_interval() -> None:
    network = lookup("bitcoin-regtest")
    assert [network.subsidy(height) for height in (0, 149, 150, 299, 300)] == [
        5_000_000_000,
        5_000_000_000,
        2_500_000_000,
        2_500_000_000,
        1_250_000_000,
    ]
    assert network.subsidy(150 * 64) == 0


def test_unknown_network_names_the_known_ones() -> None:
    with pytest.raises(MisuseError, match=r"unknown network 'mian'; known are main, test, regtest, bitcoin"):
        lookup("mian")


def test_bitcoin_s_networks_have_the_names_that_clients_branch_on() -> None:
    names = [chain_name(network) for network in BITCOIN_NETWORKS]
    assert names == ["main", "test", "testnet4", "signet", "regtest", "btcd-simnet"]
    # The same name with other rules is another network.
    other = replace(lookup("bitcoin-regtest"), subsidy_sat=1)
    assert chain_name(other) == "bitcoin-regtest"
    assert chain_name(lookup("regtest")) == "regtest"
