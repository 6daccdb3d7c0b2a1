"""A block right on the tip at a real node: what its loop and its worker exchange until it is the tip. Which files hand
it on is for tests/unit/node/test_tip_block.py."""

import trio
from tests.system.node_under_test import running_node
from tests.system.test_hostile_peers import ScriptedPeer
from tests.waiting import wait_until_async

from minicoin.core.effects import StoreBlock
from minicoin.core.events import BytesReceived, ChainMoved, DeadlineReached
from minicoin.core.node.node import Node
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import RawBlock
from minicoin.core.wire.messages import BlockMessage, GetData, Headers, InventoryVector, InvType
from minicoin.drivers.chain_worker import ChainWorker
from minicoin.drivers.inbox import Inbox
from minicoin.drivers.transport import TransportKind
from minicoin.testing.chain_maker import ChainMaker

NETWORK = lookup("regtest")


def note_calls(monkeypatch, log, owner, name):
    """Write down what a method is given, in order, from whatever thread."""
    called = getattr(owner, name)

    def noted(self, value, *rest):
        log.append((name, type(value)))
        return called(self, value, *rest)

    monkeypatch.setattr(owner, name, noted)


def test_a_tip_block_takes_two_turns_of_the_loop_and_two_crossings(tmp_path, monkeypatch):
    log = []
    for owner, name in ((Node, "handle"), (ChainWorker, "put"), (Inbox, "put_from_thread")):
        note_calls(monkeypatch, log, owner, name)
    trio.run(send_blocks, tmp_path, log)


async def send_blocks(tmp_path, log):
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, 3)
    async with running_node(NETWORK, tmp_path, transport=TransportKind.PLAIN) as node:
        peer = await ScriptedPeer(await trio.open_tcp_stream("127.0.0.1", node.port)).shake()
        for block in branch.blocks:
            await peer.send(Headers((block.header,)))
            await peer.receive(GetData)
            log.clear()
            await peer.send(BlockMessage(RawBlock(block.header, block.raw)))
            await wait_until_async(lambda block=block: node.tip == block.hash, "the block is the tip")
            until = log[: log.index(("handle", ChainMoved)) + 1]
            # A deadline of something else may fall between.
            taken = [call for call in until if call != ("handle", DeadlineReached)]
            assert taken == [
                ("handle", BytesReceived),
                ("put", StoreBlock),
                ("put_from_thread", ChainMoved),
                ("handle", ChainMoved),
            ]
        # What is newest is served without the worker.
        log.clear()
        await peer.send(GetData((InventoryVector(InvType.WITNESS_BLOCK, block.hash),)))
        assert (await peer.receive(BlockMessage)).block.hash == block.hash
        assert [call for call in log if call[0] != "handle"] == []
        await peer.stream.aclose()
