"""Commands that nodes of every role take: the same answers and the same effects."""

import pytest
from tests.unit.header_only.watcher import Watcher
from tests.unit.node.bench import NETWORK, Bench

from minicoin.core import commands
from minicoin.core.answers import Done, Reason, Refused
from minicoin.core.effects import Close, Dial, Send
from minicoin.core.notices import NetworkSwitched
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHeader
from minicoin.core.wire.messages import Ping

SOMEBODY = NodeAddress("10.1.2.3", 18_333)


class Full(Bench):
    """With a Watcher's ways of asking."""

    def answer(self, command):
        return self.replies[self.command(command)].answer


class HeaderOnly(Watcher):
    def __init__(self):
        super().__init__(Bench().now)

    def answer(self, command):
        return self.command(command).answer


@pytest.fixture(params=[Full, HeaderOnly])
def node(request):
    made = request.param()
    made.connect(1)
    made.seen.clear()
    return made


def of(node, kind):
    return [effect for effect in node.seen if isinstance(effect, kind)]


def test_a_node_is_dialled_once(node):
    assert node.answer(commands.AddNode(SOMEBODY, permanent=False)) == Done()
    assert [effect.address for effect in of(node, Dial)] == [SOMEBODY]


def test_a_node_is_added_and_forgotten(node):
    assert node.answer(commands.AddNode(SOMEBODY)) == Done()
    assert [effect.address for effect in of(node, Dial)] == [SOMEBODY]
    assert node.answer(commands.RemoveNode(SOMEBODY)) == Done()
    assert isinstance(node.answer(commands.RemoveNode(SOMEBODY)), Refused)


def test_a_peer_is_pinged_and_left(node):
    # The ping of the handshake is out; none is sent beside it.
    assert node.answer(commands.PingPeers()) == Done()
    assert not [effect for effect in of(node, Send) if isinstance(effect.message, Ping)]
    assert node.answer(commands.DisconnectNode(1)) == Done()
    assert [effect.conn for effect in of(node, Close)] == [1]
    assert node.answer(commands.DisconnectNode(1)) == Refused(Reason.UNKNOWN_PEER, "no peer with id 1")


def test_a_ban_ends_connections_and_is_lifted(node):
    assert node.answer(commands.SetBan("127.0.0.1", 4_000_000_000)) == Done()
    assert [effect.conn for effect in of(node, Close)] == [1]
    assert node.answer(commands.ClearBan("127.0.0.1")) == Done()
    assert node.answer(commands.ClearBan()) == Done()
    assert isinstance(node.answer(commands.SetBan("nowhere", 1)), Refused)


def test_the_network_is_switched_off_and_on(node):
    node.answer(commands.SetNetworkActive(is_active=False))
    assert [effect.conn for effect in of(node, Close)] == [1]
    node.answer(commands.SetNetworkActive(is_active=True))
    assert of(node, NetworkSwitched) == [NetworkSwitched(False), NetworkSwitched(True)]


def test_a_header_without_its_parent_or_without_work_is_refused(node):
    genesis = NETWORK.genesis
    stray = BlockHeader(4, b"p" * 32, bytes(32), genesis.header.time + 1, genesis.header.bits, 0)
    assert "Must submit previous header" in node.answer(commands.SubmitHeader(stray)).text
    weak = BlockHeader(4, genesis.hash, bytes(32), genesis.header.time + 1, 0x1D00FFFF, 0)
    assert node.answer(commands.SubmitHeader(weak)) == Refused(Reason.HEADER_REFUSED, "high-hash")
    assert node.answer(commands.SubmitHeader(genesis.header)) == Done()
