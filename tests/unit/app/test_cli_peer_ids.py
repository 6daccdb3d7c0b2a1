"""`minicoin net find`, `tell`, `letters` and `overlay`, in words."""

from dataclasses import replace

import pytest
from tests.unit.app.conftest import SimulatedClient

from minicoin.app import invocation
from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.params.builtin import REGTEST
from minicoin.drivers.kernel import KernelVerifier
from minicoin.rpc.dispatch import Dispatcher
from minicoin.rpc.table import METHODS
from minicoin.testing.host_port import HostPort
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World

STRANGER = "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5"
SECOND_US = 1_000_000


@pytest.fixture
def pair(cli, monkeypatch):
    """The command line beside one of two connected nodes, the other's peer id, and a way to change sides."""
    verifier = KernelVerifier(1)
    network = replace(REGTEST, own_messages=True)
    world = World(network, verifier, uniform(20_000), WorldSettings(b"app", encodes=True, has_peer_ids=True))
    ports = [HostPort(world, world.add_node(), cli.datadir) for _ in range(2)]
    clients = [SimulatedClient(Dispatcher(METHODS, port)) for port in ports]

    def sit_at(number):
        monkeypatch.setattr(invocation, "RpcClient", lambda place: clients[number])
        return cli

    one, other = (port.host.address for port in ports)
    sit_at(0)("net", "add", f"{other.host}:{other.port}")
    world.run(world.now + 5 * SECOND_US)
    yield sit_at, encode_base58(one.peer_id), encode_base58(other.peer_id)
    verifier.close()


def test_telling_finding_and_reading(pair) -> None:
    sit_at, one, other = pair
    here = sit_at(0)
    told = here("net", "tell", other, "good morning")
    assert told.code == 0
    first, second = told.out.splitlines()
    assert first == "delivered in 1 hop: the addressee signed that it has it"
    letter_id = second.removeprefix("letter ")
    assert here("net", "tell", other, "good morning", "--id", letter_id).out == told.out
    assert here("net", "letters").out == "no letters\n"
    there = sit_at(1)
    head, row = there("net", "letters").out.splitlines()
    assert head.split() == ["received", "from", "text"]
    assert row.endswith(f"{one}  good morning")
    assert there("net", "letters", "--json").json[0]["id"] == letter_id
    found = there("net", "find", one)
    assert found.out.splitlines() == [
        f"/ip4/10.0.0.0/tcp/8333/p2p/{one}",
        "known  it is connected to this node",
        "       certain",
    ]


def test_nobody_is_found_and_a_maybe_is_no_failure(pair) -> None:
    here = pair[0](0)
    nobody = here("net", "find", STRANGER)
    assert (nobody.code, nobody.out) == (1, "nobody here knows where it is\n")
    maybe = here("net", "tell", STRANGER, "hello")
    assert maybe.code == 0 and maybe.out.startswith("maybe: no way to the addressee is known")


def test_a_failure_is_one(pair) -> None:
    here = pair[0](0)
    here("rpc", "setnetworkactive", "false")
    failed = here("net", "tell", STRANGER, "hello")
    assert failed.code == 1 and failed.out.startswith("failed at hop 1 of at most 3: ")
    refused = here("net", "tell", "nobody", "hello")
    assert refused.code == 1 and refused.err.startswith("error: not a peer id: 'nobody'")


def test_the_model_in_words(pair) -> None:
    lines = pair[0](0)("net", "overlay").out.splitlines()
    assert lines[0] == "model  random, member"
    assert lines[1].split() == ["id", "role", "address"]
    assert len(lines) == 3


def test_the_model_of_a_node_alone(running) -> None:
    assert running("net", "overlay").out == "model  random, member (no letters)\nno neighbours\n"
