"""One connection over a stream in memory and a clock that jumps: writing, closing, time limits, back-pressure."""

import math

import pytest
import trio
from tests.waiting import hang_guard
from trio.testing import MockClock, memory_stream_pair

from minicoin.core.events import BytesReceived, ConnectionClosed, ConnectionOpened, QuestionAsked, SendQueueLow
from minicoin.core.faults import PeerFault
from minicoin.core.libp2p.channel import ChannelAsked
from minicoin.core.limits import READ_BYTES, SEND_QUEUE_BYTES_MAX, SEND_QUEUE_LOW_BYTES, SEND_QUEUE_STUCK_US
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US, Micros
from minicoin.drivers.channel import PlainChannel
from minicoin.drivers.connection import ByteCounts, Connection
from minicoin.drivers.inbox import Inbox

REMOTE = NodeAddress("127.0.0.1", 5)
STUCK_S = SEND_QUEUE_STUCK_US / SECOND_US


class Stage:
    def __init__(self, channel=None, stream=None):
        self.near, self.far = memory_stream_pair()
        self.writes = []
        self.inbox = Inbox()
        self.events = []
        self.channel = channel or PlainChannel()
        near = stream or self.near
        send_all = near.send_all

        async def counted(piece):
            self.writes.append(len(piece))
            await send_all(bytes(piece))

        near.send_all = counted
        self.connection = Connection(
            1, near, self.channel, self.inbox, lambda: Micros(0), remote=REMOTE, local=None, inbound=True
        )

    async def drain(self):
        """Let everything settle, then take what the loop would take."""
        for _ in range(5):
            await trio.testing.wait_all_tasks_blocked()
            while (event := self.inbox.take_nowait()) is not None:
                self.events.append(event)


class Frozen:
    """A stream whose other end never reads, or takes a slice now and then."""

    def __init__(self, slices_every_s=None):
        self.every_s = slices_every_s

    async def send_all(self, piece):
        await trio.sleep(math.inf if self.every_s is None else self.every_s)

    async def receive_some(self, count):
        await trio.sleep_forever()

    async def aclose(self):
        await trio.lowlevel.checkpoint()


def run(test, clock=None):
    trio.run(test, clock=clock or MockClock(autojump_threshold=0))


def closed(stage):
    return [event.reason for event in stage.events if isinstance(event, ConnectionClosed)]


def test_opens_delivers_in_order_and_ends_with_the_peer():
    async def play():
        stage = Stage()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.connection.run)
            await stage.drain()
            await stage.far.send_all(b"one")
            await stage.drain()
            await stage.far.send_all(b"two")
            await stage.drain()
            await stage.far.send_eof()
            await stage.drain()
        assert stage.events == [
            ConnectionOpened(1, REMOTE, True, None),
            BytesReceived(1, b"one"),
            BytesReceived(1, b"two"),
            ConnectionClosed(1, "closed by peer"),
        ]
        assert stage.connection.traffic().received == 6

    run(play)


def test_small_frames_are_written_together():
    async def play():
        stage = Stage()
        for number in range(100):
            stage.connection.send(bytes([number]) * 10, "x")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.connection.run)
            received = await stage.far.receive_some(10_000)
            assert received == b"".join(bytes([number]) * 10 for number in range(100))
            assert stage.writes == [1_000]
            nursery.cancel_scope.cancel()

    run(play)


def test_a_peer_is_not_read_faster_than_the_loop_takes():
    async def play():
        stage = Stage()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.connection.run)
            await stage.drain()
            stage.events.clear()
            for _ in range(5):
                await stage.far.send_all(bytes(READ_BYTES))
            await trio.testing.wait_all_tasks_blocked()
            assert len(stage.inbox) == 1
            await stage.drain()
            assert sum(len(event.data) for event in stage.events) == 5 * READ_BYTES
            nursery.cancel_scope.cancel()

    run(play)


def test_closing_writes_what_is_queued_first():
    async def play():
        stage = Stage()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.connection.run)
            await trio.testing.wait_all_tasks_blocked()
            stage.connection.send(b"goodbye", "x")
            stage.connection.close("enough")
            stage.connection.send(b"too late", "x")
            assert await stage.far.receive_some(100) == b"goodbye"
            await stage.drain()
        assert closed(stage) == ["enough"]

    run(play)


def test_closing_a_peer_that_does_not_read_takes_two_seconds():
    async def play():
        stage = Stage(stream=Frozen())
        started = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.connection.run)
            await trio.testing.wait_all_tasks_blocked()
            stage.connection.send(b"goodbye", "x")
            stage.connection.close("enough")
        assert trio.current_time() - started == pytest.approx(2, abs=0.1)
        await stage.drain()
        assert closed(stage) == ["enough"]

    run(play)


def test_a_frozen_reader_is_closed_after_a_minute():
    async def play():
        stage = Stage(stream=Frozen())
        started = trio.current_time()
        stage.connection.send(bytes(1_000), "x")
        with trio.fail_after(10 * STUCK_S):
            await stage.connection.run()
        assert trio.current_time() - started == pytest.approx(STUCK_S, abs=1)
        await stage.drain()
        assert "does not read" in closed(stage)[0]

    run(play)


def test_a_slow_reader_that_takes_a_long_block_bit_by_bit_is_not():
    async def play():
        stage = Stage(stream=Frozen(slices_every_s=STUCK_S - 10))
        for _ in range(2):
            stage.connection.send(bytes(10 * READ_BYTES), "x")
        with trio.move_on_after(15 * STUCK_S):
            await stage.connection.run()
        assert sum(stage.writes) >= 15 * READ_BYTES
        await stage.drain()
        assert closed(stage) == ["connection lost"]

    run(play)


def test_a_queue_beyond_its_bound_ends_the_connection():
    async def play():
        stage = Stage(stream=Frozen())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.connection.run)
            await trio.testing.wait_all_tasks_blocked()
            for _ in range(2 + SEND_QUEUE_BYTES_MAX // (1 << 20)):
                stage.connection.send(bytes(1 << 20), "x")
        await stage.drain()
        assert closed(stage) == ["send queue full: the peer does not read"]
        assert stage.channel.queued_bytes <= SEND_QUEUE_BYTES_MAX + (1 << 20)

    run(play)


@pytest.mark.parametrize("size", [1_000, 60_000, SEND_QUEUE_LOW_BYTES - 1, SEND_QUEUE_LOW_BYTES, 3_000_000])
def test_every_256_kilobytes_written_are_told_once_the_queue_is_short(size):
    async def play():
        stage = Stage()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.connection.run)
            total = 0
            while total < 1 << 20:
                stage.connection.send(bytes(size), "x")
                total += size
            await stage.drain()
            lows = [event for event in stage.events if isinstance(event, SendQueueLow)]
            assert lows
            assert len(lows) <= total // SEND_QUEUE_LOW_BYTES
            nursery.cancel_scope.cancel()

    run(play)


class Curious(PlainChannel):
    """Asks what the peer sends, and the next thing when it is answered."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def receive(self, data, now):
        self._events.append(ChannelAsked(b"somebody", 3, data))

    def answer(self, stream, answer):
        self.asked.append((stream, answer))
        if answer is None:
            raise PeerFault("asks on and on")
        self._events.append(ChannelAsked(b"somebody", 3, answer + b" again"))


def test_what_is_asked_beside_the_wire_reaches_the_loop_and_its_answer_the_channel():
    async def main():
        stage = Stage(Curious())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.connection.run)
            await stage.far.send_all(b"what?")
            await stage.drain()
            await stage.connection.answer(3, b"this")
            await stage.drain()
            asked = [event for event in stage.events if isinstance(event, QuestionAsked)]
            assert asked == [
                QuestionAsked(1, 3, b"somebody", b"what?"),
                QuestionAsked(1, 3, b"somebody", b"this again"),
            ]
            await stage.connection.answer(3, None)
            await stage.drain()
        assert stage.channel.asked == [(3, b"this"), (3, None)]
        assert stage.connection.reason == "asks on and on"

    trio.run(main, clock=MockClock(autojump_threshold=0))


class Choosy(PlainChannel):
    """A transport that is never ready, or faults at what it reads."""

    def __init__(self, *, faults):
        super().__init__()
        self.faults = faults
        self.take_events()

    def receive(self, data, now):
        if self.faults:
            raise PeerFault("not our transport")


def test_no_transport_handshake_in_time_ends_it_unopened():
    async def play():
        stage = Stage(Choosy(faults=False))
        with trio.fail_after(STUCK_S):
            await stage.connection.run()
        await stage.drain()
        assert stage.events == []
        assert not stage.connection.was_opened
        assert stage.connection.reason == "no transport handshake in time"

    run(play)


def test_a_fault_of_the_transport_is_the_reason():
    async def play():
        stage = Stage(Choosy(faults=True))
        await stage.far.send_all(b"?")
        with trio.fail_after(STUCK_S):
            await stage.connection.run()
        assert stage.connection.reason == "not our transport"

    run(play)


async def socket_pair():
    """Two ends of a real socket with short buffers."""
    near, far = trio.socket.socketpair()
    for end in (near, far):
        end.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_SNDBUF, 4096)
        end.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 4096)
    return trio.SocketStream(near), trio.SocketStream(far)


def connected(stream):
    return Connection(1, stream, PlainChannel(), Inbox(), lambda: Micros(0), remote=REMOTE, local=None, inbound=True)


def test_a_flush_writes_at_once_what_one_event_sent_in_one_write():
    async def main():
        near, far = await socket_pair()
        connection = connected(near)
        for frame in (b"one ", b"event's ", b"messages"):
            connection.send(frame, "x")
        # No task ever runs: what arrives was written by the flush itself.
        connection.flush_nowait()
        assert await far.receive_some(1000) == b"one event's messages"
        assert connection.traffic().sent == len(b"one event's messages")

    trio.run(main)


def test_a_flush_into_a_full_socket_leaves_the_rest_to_the_writer_in_order():
    async def main():
        near, far = await socket_pair()
        connection = connected(near)
        frames = [bytes((number,)) * 3_000 for number in range(40)]
        received = bytearray()

        async def read_all():
            while len(received) < 40 * 3_000:
                received.extend(await far.receive_some(1_000))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            await trio.testing.wait_all_tasks_blocked()
            for frame in frames:
                connection.send(frame, "x")
                connection.flush_nowait()
            with hang_guard("all that was sent"):
                await read_all()
            assert bytes(received) == b"".join(frames)
            assert connection.traffic().sent == 40 * 3_000
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_a_flush_into_a_broken_socket_ends_the_connection():
    async def main():
        near, far = await socket_pair()
        connection = connected(near)
        await far.aclose()
        connection.send(b"into the void", "x")
        connection.flush_nowait()
        assert "connection lost" in connection.reason

    trio.run(main)


def test_what_a_connection_carried_is_told_by_command_and_when_it_last_sent():
    async def main():
        near, far = await socket_pair()
        times = iter((Micros(5), Micros(9)))
        connection = Connection(
            1, near, PlainChannel(), Inbox(), lambda: next(times), remote=REMOTE, local=None, inbound=True
        )
        assert connection.traffic() == ByteCounts(0, 0, Micros(0), {})
        for frame, command in ((b"12", "ping"), (b"345", "inv"), (b"6", "ping")):
            connection.send(frame, command)
        connection.flush_nowait()
        assert connection.traffic() == ByteCounts(6, 0, Micros(5), {"ping": 3, "inv": 3})
        await far.receive_some(1000)

    trio.run(main)
