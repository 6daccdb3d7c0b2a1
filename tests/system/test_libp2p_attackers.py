"""Scripted attackers over real sockets against a real node that speaks libp2p. After each attack the node is up, an
honest peer is still connected and gets new blocks, and connections, sessions, tasks, file handles and memory are back
to where they were."""

import gc
import os
import random
import signal
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from tests.waiting import HANG_S, wait_until_async

from minicoin.core.commands import AddNode, DisconnectNode, PingPeers, SubmitBlock
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multistream import encode_message
from minicoin.core.libp2p.yamux_frames import DATA, FIN, GO_AWAY, PING, RST, SYN, WINDOW_UPDATE, encode_header
from minicoin.core.limits import HALF_OPEN_PER_ADDRESS_MAX, INBOUND_SOCKETS_MAX
from minicoin.core.notices import PeerClosed, PeerReady, PeerUnreachable
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.units import SECOND_US
from minicoin.core.wire.frame import encode_frame
from minicoin.core.wire.messages import GetData, InventoryVector, InvType
from minicoin.testing.chain_maker import ChainMaker

from .forked import started
from .libp2p_attacker import OFFER, WIRE_STREAM, Attacker, data_frame
from .node_under_test import NodeUnderTest, running_node

NETWORK = lookup("regtest")
CYCLES = 10_000 if os.environ.get("MINICOIN_SOAK") else 1_000
DESCRIPTORS = Path("/proc/self/fd")
SHORT_US = SECOND_US
SETTLED_LOOKS = 6
NEVER_US = int(10 * HANG_S) * SECOND_US
# What an attack may leave behind: notices and headers, and none of the megabytes that it sent.
GROWTH_BYTES_MAX = 500_000
# What the cycles may; a leak of a hundred bytes each would be more.
CYCLES_GROWTH_BYTES_MAX = 100 * CYCLES

Counts = tuple[int, int, int, int, int]
Attack = Callable[["Siege"], Awaitable[None]]


class Siege:
    """A node, and an honest peer that is connected to it."""

    def __init__(self, node: NodeUnderTest, honest: NodeUnderTest) -> None:
        self.node = node
        self.honest = honest
        self._maker = ChainMaker(NETWORK)
        self._branch = self._maker.new_branch()
        self._before: Counts | None = None
        self.bytes_before = 0

    def counts(self) -> Counts:
        """Connections and sessions of both, tasks, file handles."""
        gc.collect()
        sides = (self.node, self.honest)
        return (
            len(self.node.built.runtime.network.traffic()),
            sum(len(side.core.view.sessions) for side in sides),
            sum(len(side.core.view.connections.snapshot()) for side in sides),
            trio.lowlevel.current_statistics().tasks_living,
            len(os.listdir(DESCRIPTORS)) if DESCRIPTORS.exists() else 0,
        )

    async def dial(self, identity: Identity | None = None) -> Attacker:
        return await Attacker.dial(self.node.port, identity)

    async def enter(self) -> Attacker:
        """An attacker that may open streams."""
        attacker = await self.dial()
        await attacker.enter()
        return attacker

    async def enter_wire(self, nonce: int = 0) -> Attacker:
        """An attacker that is a full peer."""
        attacker = await self.enter()
        await attacker.open_wire(NETWORK)
        await attacker.become_ready(NETWORK, nonce or random.getrandbits(63) | 1)
        return attacker

    async def mine(self, outputs: int = 1) -> bytes:
        """A block that the honest peer takes from the node; its hash."""
        height = self._branch.height + 1
        filler = tuple(TxOut(0, b"\x6a" + bytes(9_000)) for _ in range(outputs - 1))
        reward = TxOut(NETWORK.subsidy(height), b"\x51")
        coinbase = self._maker.coinbase(height, outputs=(reward, *filler))
        # Recent, or the node is not current and announces nothing.
        block = self._maker.assemble(self._branch, coinbase, (), time=int(time.time()) + height)
        self._branch.blocks.append(block)
        verdict = await self.node.ask(SubmitBlock(RawBlock.parse(block.raw)))
        assert not verdict.refusal
        await wait_until_async(lambda: self.honest.height == self.node.height == height, "a new block travels")
        return block.hash

    async def settle(self) -> None:
        """Remember how things are before the attack."""
        await self.mine()
        seen: list[Counts] = []

        def is_settled() -> bool:
            seen.append(self.counts())
            return len(seen) >= SETTLED_LOOKS and len(set(seen[-SETTLED_LOOKS:])) == 1

        await wait_until_async(is_settled, "both come to rest")
        self._before = seen[-1]
        self.settle_memory()

    def settle_memory(self) -> None:
        gc.collect()
        self.bytes_before = tracemalloc.get_traced_memory()[0]

    async def check_unharmed(self) -> None:
        """Both are up, still connected to each other by the same connection, and nothing is left of the attack."""
        await wait_until_async(lambda: self.counts() == self._before, f"all counts are back at {self._before}")
        growth = tracemalloc.get_traced_memory()[0] - self.bytes_before
        assert growth < GROWTH_BYTES_MAX, f"{growth} bytes of memory are left of the attack"
        await ping_and_wait(self.honest)
        await self.mine()
        assert self.honest.reasons(PeerClosed) == []


@asynccontextmanager
async def besieged(directory: Path) -> AsyncIterator[Siege]:
    async with running_node(NETWORK, directory / "node") as node:
        assert node.built.identity is not None
        address = NodeAddress("127.0.0.1", node.port, node.built.identity.peer_id.multihash)
        policy = NodePolicy(connect=(address,), listens=False)
        async with running_node(NETWORK, directory / "honest", policy, listens=False) as honest:
            await wait_until_async(
                lambda: any(isinstance(notice, PeerReady) for notice in honest.notices), "the handshake"
            )
            siege = Siege(node, honest)
            await siege.settle()
            yield siege


def run(directory: Path, *attacks: Attack) -> None:
    """Each attack, and a look at the damage after each."""

    async def main() -> None:
        async with besieged(directory) as siege:
            for attack in attacks:
                await attack(siege)
                await siege.check_unharmed()

    tracemalloc.start()
    try:
        trio.run(main)
    finally:
        tracemalloc.stop()


def set_time_limits(monkeypatch: pytest.MonkeyPatch, handshake_us: int) -> None:
    """Of the handshake and of the streams."""
    monkeypatch.setattr("minicoin.drivers.connection.TRANSPORT_HANDSHAKE_TIMEOUT_US", 2 * handshake_us)
    monkeypatch.setattr("minicoin.core.libp2p.upgrade.LIBP2P_HANDSHAKE_TIMEOUT_US", handshake_us)
    monkeypatch.setattr("minicoin.core.libp2p.channel.LIBP2P_WIRE_STREAM_TIMEOUT_US", handshake_us)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time limit ends what must end for another reason, nor a handshake on a machine that is busy."""
    set_time_limits(monkeypatch, NEVER_US)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, patient: None) -> None:
    """The time limits cut short, where they are what ends a connection; long enough for a busy machine's handshake."""
    set_time_limits(monkeypatch, 2 * SHORT_US)


@pytest.fixture
def attentive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep-alives and stuck queues are noticed in a second or so."""
    monkeypatch.setattr("minicoin.core.libp2p.yamux_guard.YAMUX_PING_INTERVAL_US", SHORT_US)
    monkeypatch.setattr("minicoin.drivers.connection.SEND_QUEUE_STUCK_US", SHORT_US)


async def expect_drop(attacker: Attacker, what: str) -> None:
    await attacker.wait_dropped(what)
    await attacker.close()


async def expect_drops(attackers: dict[str, Attacker]) -> None:
    """Of all, each with what it did: one time limit passes for all of them."""
    for what, attacker in attackers.items():
        await expect_drop(attacker, what)


# --- silence ---


@pytest.mark.usefixtures("hasty")
def test_a_socket_that_goes_mute_at_any_stage_is_dropped_in_time(tmp_path: Path) -> None:
    async def attack(siege: Siege) -> None:
        mute = [await siege.dial() for _ in range(6)]
        await mute[1].write(OFFER[:5])
        await mute[2].agree_on_noise()
        await mute[3].agree_on_noise()
        await mute[3].write(b"\x00")
        await mute[4].agree_on_noise()
        await mute[4].begin_handshake()
        # Authenticated, and no wire stream follows.
        await mute[5].enter()
        await expect_drops({f"mute at stage {stage}": attacker for stage, attacker in enumerate(mute)})

    run(tmp_path, attack)


def test_half_open_sockets_of_one_address_are_few_and_let_others_in(tmp_path: Path) -> None:
    async def attack(siege: Siege) -> None:
        mute = [await siege.dial() for _ in range(INBOUND_SOCKETS_MAX + 50)]
        # Everybody is on one address here: a newcomer gets in all the same.
        late = await siege.enter_wire()
        open_now = len(siege.node.built.runtime.network.traffic())
        assert open_now <= HALF_OPEN_PER_ADDRESS_MAX + 2, f"{open_now} connections"
        await late.close()
        for attacker in mute:
            await attacker.close()

    run(tmp_path, attack)


@pytest.mark.usefixtures("hasty")
def test_a_peer_of_another_protocol_may_identify_and_then_goes(tmp_path: Path) -> None:
    async def attack(siege: Siege) -> None:
        attacker = await siege.enter()
        other = encode_message("/multistream/1.0.0") + encode_message("/minicoin/0000000000000000/wire/1")
        await attacker.send_frames(data_frame(1, other, SYN))
        answer = b""
        while not answer.endswith(b"na\n"):
            answer += await attacker.read_body(1)
        identify = encode_message("/multistream/1.0.0") + encode_message("/ipfs/id/1.0.0")
        await attacker.send_frames(data_frame(3, identify, SYN))
        told = b""
        while siege.node.core.view.policy.user_agent.encode() not in told:
            told += await attacker.read_body(3)
        await expect_drop(attacker, "speaks another protocol")
        assert len(siege.node.core.view.sessions) == 1

    run(tmp_path, attack)


# --- garbage ---


@pytest.mark.usefixtures("hasty")
def test_garbage_before_encryption(tmp_path: Path) -> None:
    noise = random.Random(1)

    async def multistream(siege: Siege) -> None:
        attackers: dict[str, Attacker] = {}
        for garbage in (
            noise.randbytes(4_096),
            b"\xff" * 64,
            b"\x00" * 64,
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x05\xff\xfe\xfd\xfc\n",
            encode_message("/multistream/1.0.0") + b"\x05\xff\xfe\xfd\xfc\n",
            encode_message("/multistream/1.0.0") + encode_message("/plaintext/2.0.0") * 100,
            encode_message("/multistream/2.0.0"),
        ):
            attacker = attackers[repr(garbage[:40])] = await siege.dial()
            await attacker.try_write(garbage)
        await expect_drops(attackers)

    async def first_message(siege: Siege) -> None:
        attackers: dict[str, Attacker] = {}
        for garbage in (b"\x00\x00", b"\xff\xff", b"\x00\x20" + bytes(32), b"\x00\x04abcd", noise.randbytes(5_000)):
            attacker = attackers[repr(garbage[:40])] = await siege.dial()
            await attacker.agree_on_noise()
            await attacker.try_write(garbage)
        await expect_drops(attackers)

    async def third_message(siege: Siege) -> None:
        attackers: dict[str, Attacker] = {}
        for garbage in (b"\x00\x00", b"\xff\xff", b"\x00\xd0" + noise.randbytes(0xD0), noise.randbytes(5_000)):
            attacker = await siege.dial()
            await attacker.agree_on_noise()
            await attacker.begin_handshake()
            await attacker.try_write(garbage)
            attackers[repr(garbage[:40])] = attacker
        await expect_drops(attackers)

    run(tmp_path, multistream, first_message, third_message)


def test_garbage_after_encryption_and_in_the_muxer(tmp_path: Path) -> None:
    noise = random.Random(2)

    async def ciphertext(siege: Siege) -> None:
        attacker = await siege.enter()
        await attacker.try_write(b"\x00\x40" + noise.randbytes(64))
        await expect_drop(attacker, "a message that does not decrypt")

    async def muxer(siege: Siege) -> None:
        for what, garbage in (
            ("version", b"\x01" + bytes(11)),
            ("type", encode_header(7, 0, 0, 0)),
            ("session data", encode_header(DATA, 0, 0, 10) + bytes(10)),
            ("ping of a stream", encode_header(PING, SYN, 1, 0)),
            ("never opened", data_frame(99, b"hello")),
            ("our id", encode_header(WINDOW_UPDATE, SYN, 2, 0)),
            ("opened twice", encode_header(WINDOW_UPDATE, SYN, 5, 0) * 2),
            ("after the end", data_frame(5, encode_message("/multistream/1.0.0"), SYN | FIN) + data_frame(5, b"more")),
            ("window too wide", encode_header(WINDOW_UPDATE, SYN, 5, 0xFFFF_FFFF)),
            ("stream negotiation", data_frame(5, b"\x05\xff\xfe\xfd\xfc\n", SYN)),
            ("noise", noise.randbytes(4_096)),
            ("go-away", encode_header(GO_AWAY, 0, 0, 1)),
        ):
            attacker = await siege.enter()
            await attacker.try_frames(garbage)
            await expect_drop(attacker, what)

    async def wire(siege: Siege) -> None:
        attacker = await siege.enter()
        await attacker.open_wire(NETWORK)
        await attacker.try_frames(data_frame(WIRE_STREAM, noise.randbytes(4_096)))
        await expect_drop(attacker, "not our frames")

    run(tmp_path, ciphertext, muxer, wire)


def test_garbage_from_whom_the_node_dials(tmp_path: Path) -> None:
    noise = random.Random(3)

    async def attack(siege: Siege) -> None:
        async def garble_greeting(attacker: Attacker) -> None:
            await attacker.write(noise.randbytes(200))

        async def garble_second_message(attacker: Attacker) -> None:
            await attacker.accept_noise()
            await attacker.write(b"\x00\xc8" + noise.randbytes(200))

        async def refuse_noise(attacker: Attacker) -> None:
            await attacker.write(encode_message("/multistream/1.0.0") + encode_message("na"))

        async def leave(attacker: Attacker) -> None:
            await attacker.close()

        for behave in (garble_greeting, garble_second_message, refuse_noise, leave):
            reason = await dialled_reason(siege, behave, b"")
            assert reason, behave.__name__

    run(tmp_path, attack)


async def dialled_reason(siege: Siege, behave: Callable[[Attacker], Awaitable[None]], peer_id: bytes) -> str:
    """Why the node gave up a dial to somebody who behaves like that."""
    known = len(siege.node.reasons(PeerUnreachable))
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    async with listeners[0]:
        await siege.node.ask(AddNode(NodeAddress("127.0.0.1", port, peer_id), permanent=False))
        attacker = Attacker(await listeners[0].accept())
        await behave(attacker)
        await wait_until_async(lambda: len(siege.node.reasons(PeerUnreachable)) > known, "the dial ends")
        await attacker.close()
    return siege.node.reasons(PeerUnreachable)[-1]


# --- identity ---


def test_wrong_identities(tmp_path: Path) -> None:
    class Impostor(Attacker):
        """Shows one identity's key and signs with another's."""

        def __init__(self, stream: trio.SocketStream, shown: Identity) -> None:
            own = Identity.from_seed(os.urandom(32))
            super().__init__(stream, replace(own, public_key=shown.public_key, peer_id=shown.peer_id))

    async def other_than_dialled(siege: Siege) -> None:
        expected = Identity.from_number(77).peer_id

        async def behave(attacker: Attacker) -> None:
            with pytest.raises(trio.BrokenResourceError):
                await attacker.accept()

        reason = await dialled_reason(siege, behave, expected.multihash)
        assert reason.startswith(f"expected peer {expected} and found "), reason

    async def stolen(siege: Siege) -> None:
        honest = siege.honest.built.identity
        assert honest is not None
        stream = await trio.open_tcp_stream("127.0.0.1", siege.node.port)
        attacker = Impostor(stream, honest)
        await attacker.agree_on_noise()
        await attacker.shake_hands()
        await expect_drop(attacker, "the identity of somebody else")

    async def own(siege: Siege) -> None:
        attacker = await siege.dial(siege.node.built.identity)
        await attacker.agree_on_noise()
        with pytest.raises(Exception, match="connected to ourselves"):
            await attacker.shake_hands()
        await attacker.close()

    run(tmp_path, other_than_dialled, stolen, own)


@pytest.mark.usefixtures("hasty")
def test_replayed_and_truncated_handshakes(tmp_path: Path) -> None:
    async def attack(siege: Siege) -> None:
        genuine = await siege.enter()
        record = bytes(genuine.sent)
        await genuine.close()
        replayer = await siege.dial()
        await replayer.try_write(record)
        await expect_drop(replayer, "a replayed handshake")
        for length in range(0, len(record), 7):
            attacker = await siege.dial()
            await attacker.try_write(record[:length])
            await attacker.stream.send_eof()
            await expect_drop(attacker, f"{length} bytes of a handshake")

    run(tmp_path, attack)


# --- floods ---


def test_a_window_that_is_not_kept(tmp_path: Path) -> None:
    async def at_once(siege: Siege) -> None:
        attacker = await siege.enter_wire()
        await attacker.try_frames(encode_header(DATA, 0, WIRE_STREAM, 1 << 30), bytes(1 << 16))
        await expect_drop(attacker, "a frame of a gigabyte")

    async def slowly(siege: Siege) -> None:
        attacker = await siege.enter()
        proposal = encode_message("/multistream/1.0.0") + encode_message("/ipfs/ping/1.0.0")
        # Echoes that are never read: the node must not keep them either.
        await attacker.send_frames(data_frame(1, proposal, SYN))
        for _ in range(400):
            await attacker.try_frames(data_frame(1, bytes(8_192)))
        await expect_drop(attacker, "3 MB into a window of 256 KB")

    run(tmp_path, at_once, slowly)


def test_a_flood_of_streams(tmp_path: Path) -> None:
    async def held(siege: Siege) -> None:
        attacker = await siege.enter()
        for first in range(1, 4_000, 200):
            await attacker.try_frames(*(encode_header(DATA, SYN, first + i, 0) for i in range(0, 200, 2)))
        await expect_drop(attacker, "2,000 streams")

    async def thrown_away(siege: Siege) -> None:
        attacker = await siege.enter()
        for first in range(1, 40_000, 200):
            await attacker.try_frames(
                *(
                    encode_header(WINDOW_UPDATE, SYN, first + i, 0) + encode_header(WINDOW_UPDATE, RST, first + i, 0)
                    for i in range(0, 200, 2)
                )
            )
        await expect_drop(attacker, "20,000 streams opened and reset")

    run(tmp_path, held, thrown_away)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(encode_header(PING, SYN, 0, 7), id="pings"),
        pytest.param(encode_header(WINDOW_UPDATE, 0, WIRE_STREAM, 0), id="window updates"),
        pytest.param(encode_header(DATA, 0, WIRE_STREAM, 0), id="empty data"),
    ],
)
def test_a_flood_of_frames(tmp_path: Path, frame: bytes) -> None:
    async def attack(siege: Siege) -> None:
        attacker = await siege.enter_wire()
        for _ in range(300):
            await attacker.try_frames(frame * 500)
        await expect_drop(attacker, "150,000 frames")

    run(tmp_path, attack)


def test_messages_in_frames_of_one_byte_are_answered(tmp_path: Path) -> None:
    async def attack(siege: Siege) -> None:
        attacker = await siege.enter_wire()
        message = encode_frame(NETWORK.magic, GetData((InventoryVector(InvType.BLOCK, bytes(32)),)))
        for _ in range(100):
            await attacker.send_frames(*(data_frame(WIRE_STREAM, bytes((byte,))) for byte in message))
        answer = b""
        while answer.count(b"notfound") < 100:
            answer += await attacker.read_body(WIRE_STREAM)
        await attacker.close()

    run(tmp_path, attack)


# --- peers that stop ---


@pytest.mark.usefixtures("attentive")
def test_a_peer_that_asks_for_blocks_and_never_reads(tmp_path: Path) -> None:
    async def attack(siege: Siege, is_reading: bool) -> None:
        big = await siege.mine(outputs=60)
        attacker = await siege.enter_wire()
        requests = GetData(tuple(InventoryVector(InvType.BLOCK, big) for _ in range(100)))
        # The block itself is remembered, and that is no leak.
        siege.settle_memory()
        tracemalloc.reset_peak()
        await attacker.send_messages(NETWORK, requests)
        if is_reading:
            # Takes what the socket gives and answers pings, and grants no window.
            with pytest.raises(trio.BrokenResourceError):
                while True:
                    await attacker.read_frames()
        else:
            await wait_until_async(lambda: len(siege.node.core.view.sessions) == 1, "the node gives it up")
        peak = tracemalloc.get_traced_memory()[1] - siege.bytes_before
        assert peak < 10 << 20, f"{peak} bytes for one peer"
        await attacker.close()

    async def deaf(siege: Siege) -> None:
        await attack(siege, is_reading=False)

    async def greedy(siege: Siege) -> None:
        await attack(siege, is_reading=True)

    run(tmp_path, deaf, greedy)


@pytest.mark.usefixtures("attentive")
def test_a_peer_that_stops_answering(tmp_path: Path) -> None:
    async def attack(siege: Siege) -> None:
        attacker = await siege.enter_wire()
        await wait_until_async(lambda: len(siege.node.core.view.sessions) == 1, "the node gives it up")
        assert "pings without an answer" in siege.node.reasons(PeerClosed)[-1]
        await attacker.close()

    run(tmp_path, attack)


@pytest.mark.usefixtures("attentive")
def test_a_frozen_process_is_dropped_and_comes_back_when_it_thaws(tmp_path: Path) -> None:
    async def attack(siege: Siege) -> None:
        identity = siege.node.built.identity
        assert identity is not None
        target = f"/ip4/127.0.0.1/tcp/{siege.node.port}/p2p/{identity.peer_id}"
        line = f"minicoin startnode --datadir {tmp_path}/frozen --listen 0 --rpcport 0 --connect {target}"
        process = await trio.to_thread.run_sync(started, line, NETWORK.name, tmp_path / "log")
        seen = siege.node.core.view
        try:
            await wait_until_async(lambda: len(seen.sessions) == 2 and seen.ready_peers(), "a second peer")
            process.send_signal(signal.SIGSTOP)
            await wait_until_async(lambda: len(seen.sessions) == 1, "the frozen process is given up")
            await siege.mine()
            process.send_signal(signal.SIGCONT)
            await wait_until_async(lambda: len(seen.sessions) == 2, "it comes back")
        finally:
            process.send_signal(signal.SIGCONT)
            await trio.to_thread.run_sync(process.stop)

    run(tmp_path, attack)


# --- connections ---


def test_two_nodes_that_dial_each_other_at_the_same_time_keep_one_connection(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_node(NETWORK, tmp_path / "a") as a, running_node(NETWORK, tmp_path / "b") as b:
            assert a.built.identity is not None and b.built.identity is not None
            for with_ids in (True, False, True, False):
                ids = [node.built.identity.peer_id.multihash if with_ids else b"" for node in (a, b)]
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(a.ask, AddNode(NodeAddress("127.0.0.1", b.port, ids[1]), False))
                    nursery.start_soon(b.ask, AddNode(NodeAddress("127.0.0.1", a.port, ids[0]), False))
                await wait_until_async(lambda: both_have_one(a, b), "one connection on each side")
                await ping_both(a, b)
                assert both_have_one(a, b), "it stays at one"
                await disconnect(a)
                await wait_until_async(lambda: not a.core.view.sessions and not b.core.view.sessions, "the end of it")

    trio.run(main)


def both_have_one(a: NodeUnderTest, b: NodeUnderTest) -> bool:
    sides = [list(node.core.view.sessions.values()) for node in (a, b)]
    links = [len(node.built.runtime.network.traffic()) for node in (a, b)]
    if [len(side) for side in sides] != [1, 1] or links != [1, 1]:
        return False
    one, other = sides[0][0], sides[1][0]
    return bool(one.is_ready and other.is_ready and one.inbound != other.inbound)


async def ping_and_wait(node: NodeUnderTest) -> None:
    """Until the one peer of the node has answered."""
    (session,) = node.core.view.sessions.values()
    await node.ask(PingPeers())
    await wait_until_async(
        lambda: node.core.view.sessions[session.conn].last_receive_at > session.last_receive_at, "a pong"
    )


async def ping_both(a: NodeUnderTest, b: NodeUnderTest) -> None:
    """Until each has heard the other's answer: whatever was on its way before has arrived."""
    for node in (a, b):
        await ping_and_wait(node)


async def disconnect(node: NodeUnderTest) -> None:
    for conn in list(node.core.view.sessions):
        await node.ask(DisconnectNode(int(conn)))


def test_connect_and_disconnect_cycles_leave_nothing_behind(tmp_path: Path) -> None:
    async def cycle(siege: Siege, number: int) -> None:
        attacker = await siege.dial()
        match number % 4:
            case 0:
                await attacker.enter()
                await attacker.open_wire(NETWORK)
            case 1:
                await attacker.agree_on_noise()
                await attacker.begin_handshake()
            case 2:
                await attacker.enter()
        await attacker.close()

    async def attack(siege: Siege) -> None:
        for number in range(200):
            await cycle(siege, number)
        await siege.check_unharmed()
        siege.node.notices.clear()
        before = ours_now()
        for number in range(CYCLES):
            await cycle(siege, number)
            siege.node.notices.clear()
        await siege.check_unharmed()
        siege.node.notices.clear()
        growth = sum(found.size_diff for found in ours_now().compare_to(before, "filename"))
        assert growth < CYCLES_GROWTH_BYTES_MAX, f"{growth} bytes after {CYCLES} cycles"

    run(tmp_path, attack)


def ours_now() -> tracemalloc.Snapshot:
    """Our own memory: trio's heap of deadlines only fills up."""
    gc.collect()
    return tracemalloc.take_snapshot().filter_traces((tracemalloc.Filter(True, "*/minicoin/*"),))
