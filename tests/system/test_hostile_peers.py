"""A real node on real sockets under attack by scripted peers. After each attack the node is up, an honest peer was
never disturbed, and sessions, queues and tables are back to where they were."""

import os
import struct
from contextlib import asynccontextmanager

import pytest
import trio
from tests.system.node_under_test import running_node
from tests.waiting import hang_guard, wait_until_async

from minicoin.core.commands import Generate
from minicoin.core.limits import HALF_OPEN_PER_ADDRESS_MAX
from minicoin.core.notices import MessageDropped, PeerPenalised
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.block import BlockHeader
from minicoin.core.wire.frame import FrameDecoder, encode_frame
from minicoin.core.wire.messages import (
    BlockMessage,
    GetBlocks,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InventoryVector,
    InvType,
    NetAddress,
    NotFound,
    Ping,
    Pong,
    SendAddrV2,
    Verack,
    Version,
)
from minicoin.drivers.transport import TransportKind
from minicoin.testing.chain_maker import ChainMaker

NETWORK = lookup("regtest")
MAGIC = NETWORK.magic
NOBODY = b"\x00\x14" + bytes(20)
WITNESS = InvType.WITNESS_BLOCK


class ScriptedPeer:
    """A peer over a socket that says what the test tells it to."""

    def __init__(self, stream):
        self.stream = stream
        self.decoder = FrameDecoder(MAGIC)

    async def send(self, *messages):
        await self.stream.send_all(b"".join(encode_frame(MAGIC, message) for message in messages))

    async def receive(self, kind):
        """The next message of this kind; others are passed over."""
        with hang_guard(f"a message of {kind}"):
            while True:
                while (found := self.decoder.next_message()) is not None:
                    if isinstance(found[0], kind):
                        return found[0]
                chunk = await self.stream.receive_some(65_536)
                if not chunk:
                    raise EOFError
                self.decoder.feed(chunk)

    async def shake(self):
        nonce = int.from_bytes(os.urandom(8), "little")
        await self.send(Version(70016, 9, 1_700_000_000, NetAddress(), NetAddress(), nonce, "/scripted/", 0))
        await self.receive(Verack)
        await self.send(Verack())
        return self

    async def ping(self):
        """Answered means served: everything sent before was dealt with."""
        nonce = int.from_bytes(os.urandom(8), "little")
        await self.send(Ping(nonce))
        while (await self.receive(Pong)).nonce != nonce:
            pass

    async def closed(self):
        """Until the node hangs up."""
        with hang_guard("the node hangs up"):
            try:
                while await self.stream.receive_some(65_536):
                    pass
            except trio.BrokenResourceError:
                pass


async def dial(node):
    return ScriptedPeer(await trio.open_tcp_stream("127.0.0.1", node.port))


@asynccontextmanager
async def attacked(tmp_path, **policy):
    """A node with an honest peer; afterwards both must be as they were."""
    policy = NodePolicy(use_dns_seeds=False, **policy)
    async with running_node(NETWORK, tmp_path, policy, transport=TransportKind.PLAIN) as node:
        honest = await (await dial(node)).shake()
        await honest.ping()
        yield node
        await honest.ping()
        await wait_until_async(lambda: len(node.core.view.sessions) == 1, "the attackers' sessions end")
        await wait_until_async(
            lambda: len(node.built.runtime.network.traffic()) == 1, "the attackers' sockets are closed"
        )
        assert not node.core.view.failure
        assert node.core.view.served().keys() <= node.core.view.sessions.keys()
        snapshot = node.core.view.sync.snapshot(node.built.runtime.clock())
        assert (snapshot.in_flight, snapshot.storing) == (0, 0)
        assert node.core.view.relay.requested_count == 0
        assert len((await node.ask(Generate(1, NOBODY))).blocks) == 1
        # The new block reaches the honest peer.
        assert await honest.receive((Headers, Inv, BlockMessage)) is not None


def run(test, *arguments):
    trio.run(test, *arguments)


def frame(command, payload, *, magic=MAGIC, length=None, checksum=None):
    good = encode_frame(MAGIC, Ping(1))
    size = len(payload) if length is None else length
    return magic + command.ljust(12, b"\0") + struct.pack("<I", size) + (checksum or good[20:24]) + payload


BROKEN = {
    "garbage": b"GET / HTTP/1.1\r\nHost: example\r\n\r\n" * 20,
    "random": bytes(range(256)) * 20,
    "wrong magic": encode_frame(b"\xf9\xbe\xb4\xd9", Ping(1)),
    "oversized length": frame(b"block", b"", length=0xFFFF_FFFF),
}
DAMAGED = {
    "wrong checksum": frame(b"ping", bytes(8), checksum=b"\0\0\0\1"),
    "malformed": encode_frame(MAGIC, Headers(()))[:24].replace(b"headers", b"version") + b"\0",
    "too long": frame(b"ping", bytes(100_000)),
}


@pytest.mark.parametrize("is_ready", [False, True], ids=["at once", "after the handshake"])
@pytest.mark.parametrize("attack", BROKEN)
def test_broken_bytes_end_that_connection_only(tmp_path, attack, is_ready):
    async def play():
        async with attacked(tmp_path) as node:
            for _ in range(3):
                peer = await dial(node)
                if is_ready:
                    await peer.shake()
                await peer.stream.send_all(BROKEN[attack])
                await peer.closed()

    run(play)


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_message_ends_nothing(tmp_path, damage):
    async def play():
        async with attacked(tmp_path) as node:
            peer = await (await dial(node)).shake()
            for _ in range(3):
                await peer.stream.send_all(DAMAGED[damage])
            await peer.ping()
            assert node.reasons(PeerPenalised) == []
            await peer.stream.aclose()

    run(play)


def test_a_greeting_of_another_transport_hears_nothing_and_this_one_is_open_to_it(tmp_path):
    async def play():
        async with attacked(tmp_path) as node:
            stream = await trio.open_tcp_stream("127.0.0.1", node.port)
            await stream.send_all(bytes(range(130, 194)))
            with hang_guard("the node hangs up"):
                assert await stream.receive_some(1) == b""
            await stream.aclose()
            again = await (await dial(node)).shake()
            await again.ping()
            await again.stream.aclose()

    run(play)


def test_mute_sockets_from_one_address_keep_nobody_out(tmp_path):
    async def play():
        async with attacked(tmp_path) as node:
            mute = [await dial(node) for _ in range(130)]
            late = await (await dial(node)).shake()
            await late.ping()
            assert len(node.core.view.sessions) <= HALF_OPEN_PER_ADDRESS_MAX + 2
            for peer in (*mute, late):
                await peer.stream.aclose()

    run(play)


def test_mute_sockets_and_half_frames_hold_nothing(tmp_path):
    async def play():
        async with attacked(tmp_path) as node:
            mute = [await dial(node) for _ in range(20)]
            half = await dial(node)
            await half.stream.send_all(encode_frame(MAGIC, Ping(1))[:13])
            long = await (await dial(node)).shake()
            await long.stream.send_all(frame(b"block", bytes(100_000), length=4_000_000))
            await wait_until_async(lambda: len(node.core.view.sessions) == 23, "all are sessions")
            for peer in (*mute, half, long):
                await peer.stream.aclose()

    run(play)


def test_a_peer_that_asks_for_blocks_and_never_reads(tmp_path):
    async def play():
        async with attacked(tmp_path) as node:
            blocks = (await node.ask(Generate(50, NOBODY))).blocks
            greedy = await (await dial(node)).shake()
            vectors = tuple(InventoryVector(WITNESS, block) for block in blocks) * 200
            await greedy.send(GetData(vectors), GetData(vectors))
            seen = node.core.view
            await wait_until_async(lambda: len(seen.served()) == 1, "what was asked stands in line")
            (conn,) = seen.served()
            channel = node.built.runtime.network._connections[conn]._channel
            sizes = []

            def is_stuck():
                """Looked at again and again: it fills up to a point, and stays there."""
                sizes.append((seen.served()[conn], channel.queued_bytes))
                assert sizes[-1][0] <= 50_000
                assert sizes[-1][1] < 4 << 20
                return len(sizes) > 20 and len(set(sizes[-20:])) == 1

            await wait_until_async(is_stuck, "the node waits for the peer to read")
            assert sizes[-1][0] > 0 and sizes[-1][1] > 0
            await greedy.stream.aclose()

    run(play)


def test_floods_of_requests(tmp_path):
    async def play():
        async with attacked(tmp_path) as node:
            blocks = (await node.ask(Generate(20, NOBODY))).blocks
            flood = await (await dial(node)).shake()
            unknown = tuple(InventoryVector(WITNESS, struct.pack("<QQQQ", 9, 9, 9, at)) for at in range(5_000))
            known = InventoryVector(WITNESS, blocks[0])
            await flood.send(GetData(unknown), GetData((known,) * 100))
            await flood.send(*[GetHeaders(70016, (NETWORK.genesis.hash,))] * 300)
            await flood.send(*[GetBlocks(70016, (NETWORK.genesis.hash,))] * 300)
            assert len((await flood.receive(NotFound)).inventory) == 5_000
            await flood.receive(BlockMessage)
            await flood.ping()
            await flood.stream.aclose()

    run(play)


def test_floods_of_announcements(tmp_path):
    async def play():
        async with attacked(tmp_path) as node:
            await node.ask(Generate(2, NOBODY))
            attackers = [await (await dial(node)).shake() for _ in range(3)]
            for number, attacker in enumerate(attackers):
                for start in range(0, 60_000, 20_000):
                    await attacker.send(
                        Inv(
                            tuple(
                                InventoryVector(InvType.WTX, struct.pack("<QQQQ", 1, number % 2, 3, start + at))
                                for at in range(20_000)
                            )
                        ),
                        Inv(
                            tuple(InventoryVector(WITNESS, struct.pack("<QQQQ", 2, 2, start, at)) for at in range(500))
                        ),
                    )
            assert node.core.view.relay.requested_count <= 3 * 5_000
            for attacker in attackers:
                await attacker.ping()
            for attacker in attackers:
                await attacker.stream.aclose()

    run(play)


def test_floods_of_headers(tmp_path):
    async def play():
        async with attacked(tmp_path) as node:
            await node.ask(Generate(2, NOBODY))
            maker = ChainMaker(NETWORK)
            branch = maker.new_branch()
            maker.mine_empty(branch, 20)
            headers = [block.header for block in branch.blocks]
            nowhere = await (await dial(node)).shake()
            for _ in range(60):
                await nowhere.send(Headers(tuple(headers[10:])))
            # They may be the announcement of a chain we lack: it costs nothing, and leaves nothing.
            await nowhere.ping()
            await nowhere.stream.aclose()
            assert headers[-1].hash not in node.tree
            worthless = await (await dial(node)).shake()
            first = headers[0]
            easy = BlockHeader(first.version, first.previous, first.merkle_root, first.time, 0x207FFFFE, first.nonce)
            await worthless.send(Headers((easy,)))
            await worthless.closed()
            assert len(node.tree) <= 3 + 20

    run(play)


def test_300_connections_come_and_go(tmp_path):
    async def play():
        async with attacked(tmp_path) as node:
            for number in range(300):
                peer = await dial(node)
                if number % 3 == 0:
                    await peer.shake()
                if number % 3 == 1:
                    await peer.stream.send_all(b"\0")
                await peer.stream.aclose()

    run(play)


def test_the_inbound_limit_refuses_the_next_and_frees_its_places(tmp_path):
    async def play():
        async with attacked(tmp_path, inbound_slots=6) as node:
            taken = [await (await dial(node)).shake() for _ in range(5)]
            for peer in taken:
                # Ready at the other end, too: the half-open would give way.
                await peer.ping()
            await (await dial(node)).closed()
            assert len(node.core.view.sessions) == 6
            await taken.pop().stream.aclose()
            await wait_until_async(lambda: len(node.core.view.sessions) == 5, "the place is free")
            late = await (await dial(node)).shake()
            await late.ping()
            for peer in (*taken, late):
                await peer.stream.aclose()

    run(play)


def test_a_fault_has_a_reason_in_the_log(tmp_path):
    async def play():
        async with attacked(tmp_path) as node:
            peer = await (await dial(node)).shake()
            await peer.stream.send_all(DAMAGED["wrong checksum"])
            await peer.send(SendAddrV2())
            await peer.closed()
            assert any("sendaddrv2 after verack" in reason for reason in node.reasons(PeerPenalised))
            assert any("checksum" in reason for reason in node.reasons(MessageDropped))

    run(play)
