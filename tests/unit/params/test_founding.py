"""New networks from known ones."""

import tomllib

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import lookup
from minicoin.core.params.founding import found_network
from minicoin.core.params.network import Network
from minicoin.core.params.toml import network_from_mapping
from minicoin.core.params.toml_text import network_to_toml


def _found(base: str, message: str = "our own chain") -> Network:
    return found_network(lookup(base), "ours", message=message, time=1_700_000_000, hrp="our", default_port=9000)


@pytest.mark.parametrize("base", ["regtest", "bitcoin-regtest", "btcd-simnet"])
def test_founded_network_is_valid_and_apart(base: str) -> None:
    network = _found(base)
    assert network.network_id != lookup(base).network_id
    assert network.magic == network.network_id[:4] != lookup(base).magic
    assert (network.default_port, network.rpc_port) == (9000, 8999)
    assert network.deployments == lookup(base).deployments
    # Reading the file checks the genesis block's work.
    assert network_from_mapping(tomllib.loads(network_to_toml(network))) == network


def test_the_message_makes_the_network() -> None:
    assert _found("regtest", "one").network_id != _found("regtest", "two").network_id


def test_message_must_fit() -> None:
    with pytest.raises(MisuseError, match="genesis message"):
        _found("regtest", "")
