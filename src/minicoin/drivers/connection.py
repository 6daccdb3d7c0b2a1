"""One TCP connection: a reader, a writer with a bounded queue, the channel between socket and session.

The loop never waits for a socket: it hands frames to `send`, the writer task takes them, joined into few writes.
A peer that takes nothing for a minute, or lets the queue grow beyond its bound, is disconnected.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import trio

from minicoin.core.events import BytesReceived, ConnectionClosed, ConnectionOpened, QuestionAsked, SendQueueLow
from minicoin.core.faults import PeerFault
from minicoin.core.libp2p.channel import (
    ChannelAsked,
    ChannelClosed,
    ChannelData,
    ChannelIdentified,
    ChannelPinged,
    ChannelReady,
)
from minicoin.core.limits import (
    READ_BYTES,
    SEND_QUEUE_BYTES_MAX,
    SEND_QUEUE_LOW_BYTES,
    SEND_QUEUE_STUCK_US,
    TRANSPORT_HANDSHAKE_TIMEOUT_US,
)
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.drivers.channel import Channel
from minicoin.drivers.inbox import Inbox

_FLUSH_SECONDS = 2.0
_TIME_CHECK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ByteCounts:
    """What one connection carried. Bytes are those on the wire, the transport's own included; those by command are
    whole frames, counted as they are queued."""

    sent: int
    received: int
    last_sent_at: Micros
    """When the socket last took bytes; 0 before that."""
    sent_by_command: Mapping[str, int]


class Connection:
    """Runs until either side ends it; tells the inbox of its opening, bytes and end."""

    def __init__(
        self,
        conn: ConnId,
        stream: trio.SocketStream,
        channel: Channel,
        inbox: Inbox,
        clock: Callable[[], Micros],
        *,
        remote: NodeAddress,
        local: NodeAddress | None,
        inbound: bool,
    ) -> None:
        self.conn = conn
        self.remote = remote
        self.local = local
        self.inbound = inbound
        self._stream = stream
        self._channel = channel
        self._inbox = inbox
        self._clock = clock
        self._output_ready = trio.Event()
        self._is_writing = False
        self._unsent = b""
        """What the socket did not take of an output; goes in front of all others."""
        self._is_closing = False
        self._reason = ""
        self._score = 0
        self._scope: trio.CancelScope | None = None
        self._opened = trio.Event()
        self._written_since_low = 0
        self._accepted_bytes = 0
        # Grows while a long output is on its way, which left the queue as a whole.
        self._sliced_bytes = 0
        self._left_bytes = 0
        self._stuck_since: Micros | None = None
        self._bytes_sent = 0
        self._bytes_received = 0
        self._last_sent_at = Micros(0)
        self._sent_by_command: dict[str, int] = {}

    async def run(self) -> None:
        """Returns when the connection is over; never raises for what the remote did."""
        try:
            async with trio.open_nursery() as nursery:
                self._scope = nursery.cancel_scope
                nursery.start_soon(self._write)
                nursery.start_soon(self._keep_time)
                nursery.start_soon(self._guard_handshake)
                # The reader has no task of its own, nor has the guard of the queue: a task takes some 3 KB.
                await self._deliver()
                await self._read()
        finally:
            await self._shut()

    async def _shut(self) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _FLUSH_SECONDS):
            await trio.aclose_forcefully(self._stream)
        if self._opened.is_set():
            self._inbox.put_nowait(ConnectionClosed(self.conn, self._reason or "connection lost", self._score))

    @property
    def was_opened(self) -> bool:
        return self._opened.is_set()

    @property
    def is_half_open(self) -> bool:
        """Neither proven nor on its way out: only the handshake's time limit ends it."""
        return not self._opened.is_set() and not self._is_closing

    @property
    def reason(self) -> str:
        return self._reason

    def traffic(self) -> ByteCounts:
        """What it carried so far; safe to call from any thread."""
        return ByteCounts(self._bytes_sent, self._bytes_received, self._last_sent_at, self._sent_by_command.copy())

    def send(self, frame: bytes, command: str) -> None:
        """Queue one frame, of this command. A queue beyond its bound ends the connection."""
        if self._is_closing:
            return
        try:
            self._channel.send(frame)
        except PeerFault as fault:
            self._end(fault.reason)
            return
        self._accepted_bytes += len(frame)
        self._sent_by_command[command] = self._sent_by_command.get(command, 0) + len(frame)
        if self._channel.queued_bytes > SEND_QUEUE_BYTES_MAX:
            self._end("send queue full: the peer does not read")
        self._output_ready.set()

    async def answer(self, stream: int, answer: bytes | None) -> None:
        """What QuestionAsked asked; the next question may have come meanwhile."""
        try:
            self._channel.answer(stream, answer)
        except PeerFault as fault:
            self._blame(fault)
        await self._deliver()

    def flush_nowait(self) -> None:
        """Hand the socket what it takes at once of a short queue, which saves a small message the writer's turn.

        The loop calls this after each event, so that messages of one event still share a write.
        """
        if self._is_writing or self._is_closing or self._unsent or not isinstance(self._stream, trio.SocketStream):
            return
        output = self._channel.take_output()
        if not output:
            return
        try:
            taken = os.write(self._stream.socket.fileno(), output)
        except BlockingIOError:
            taken = 0
        except OSError as error:
            self._end(f"connection lost: {error.strerror or error}")
            return
        self._note_written(taken)
        self._unsent = output[taken:]
        if self._unsent:
            # The writer takes it from here, patiently.
            self._output_ready.set()

    def close(self, reason: str, *, is_gated: bool = False) -> None:
        """End it once what is queued is written, or after two seconds; `is_gated` for want of admission."""
        if self._is_closing:
            return
        self._is_closing = True
        self._reason = reason
        self._channel.close(reason, is_gated=is_gated)
        self._output_ready.set()
        if self._scope is not None:
            self._scope.deadline = trio.current_time() + _FLUSH_SECONDS

    def abort(self, reason: str) -> None:
        """End it now; what is queued is lost."""
        self._end(reason)
        # Where it has not begun to run, the writer finds the end.
        self._output_ready.set()

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._is_closing = True
        if self._scope is not None:
            self._scope.cancel()

    async def _read(self) -> None:
        while True:
            try:
                chunk = await self._stream.receive_some(READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
                self._end(f"connection lost: {error.__cause__ or error}")
                return
            if not chunk:
                self._end("closed by peer")
                return
            self._bytes_received += len(chunk)
            try:
                self._channel.receive(bytes(chunk), self._clock())
            except PeerFault as fault:
                # What the channel still wants to say (a go-away) goes out before the end.
                self._blame(fault)
                return
            await self._deliver()

    async def _deliver(self) -> None:
        for event in self._channel.take_events():
            match event:
                case ChannelReady(peer_id):
                    self._opened.set()
                    remote = NodeAddress(self.remote.host, self.remote.port, peer_id or self.remote.peer_id)
                    self.remote = remote
                    self._inbox.put_nowait(ConnectionOpened(self.conn, remote, self.inbound, self.local))
                case ChannelData(data):
                    await self._inbox.put_and_wait(BytesReceived(self.conn, data))
                    self._channel.consumed(len(data))
                case ChannelAsked(peer_id, stream, question):
                    # No wait for room: a connection has few streams, each with one question under way.
                    self._inbox.put_nowait(QuestionAsked(self.conn, stream, peer_id, question))
                case ChannelClosed(reason):
                    self.close(reason)
                case ChannelIdentified() | ChannelPinged():
                    # The version message says what the session needs; identify serves visitors.
                    pass
        self._output_ready.set()

    async def _write(self) -> None:
        while True:
            await self._output_ready.wait()
            self._output_ready = trio.Event()
            self._is_writing = True
            while output := self._unsent or self._channel.take_output():
                self._unsent = b""
                # In slices, so that a slow peer that takes a long block bit by bit is not taken for a frozen one.
                for start in range(0, len(output), READ_BYTES):
                    if not await self._write_slice(memoryview(output)[start : start + READ_BYTES]):
                        return
                    self._sliced_bytes += start
                self._note_written(len(output))
            self._is_writing = False
            # What waits for the peer's window still goes out, as long as the flush time lasts.
            if self._is_closing and not self._channel.queued_bytes:
                self._end(self._reason)
                return

    async def _write_slice(self, piece: memoryview) -> bool:
        with trio.move_on_after(SEND_QUEUE_STUCK_US / SECOND_US) as patience:
            try:
                await self._stream.send_all(piece)
            except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
                self._end(f"connection lost: {error.__cause__ or error}")
                return False
        if patience.cancelled_caught:
            self._end("send queue stuck: the peer does not read")
            return False
        return True

    def _note_written(self, count: int) -> None:
        self._written_since_low += count
        self._bytes_sent += count
        self._last_sent_at = self._clock()
        # At least one event per SEND_QUEUE_LOW_BYTES, whenever the queue is short: the core counts on it.
        if self._written_since_low >= SEND_QUEUE_LOW_BYTES and self._channel.queued_bytes < SEND_QUEUE_LOW_BYTES:
            self._written_since_low = 0
            self._inbox.put_nowait(SendQueueLow(self.conn))

    async def _keep_time(self) -> None:
        while True:
            deadline = self._channel.next_deadline()
            wait_s = _TIME_CHECK_SECONDS
            if deadline is not None:
                wait_s = min(wait_s, max(deadline - self._clock(), 0) / SECOND_US)
            # Woken at least this often, since a deadline may have moved earlier meanwhile.
            await trio.sleep(wait_s)
            if self._is_queue_stuck():
                self._end("send queue stuck: the peer grants no window")
                return
            deadline = self._channel.next_deadline()
            if deadline is None or deadline > self._clock():
                continue
            try:
                self._channel.on_deadline(self._clock())
            except PeerFault as fault:
                self._blame(fault)
                return
            await self._deliver()

    def _blame(self, fault: PeerFault) -> None:
        """The remote broke the transport's protocol."""
        self._score = max(self._score, fault.score)
        self.close(fault.reason)

    async def _guard_handshake(self) -> None:
        with trio.move_on_after(TRANSPORT_HANDSHAKE_TIMEOUT_US / SECOND_US):
            await self._opened.wait()
            return
        self._end("no transport handshake in time")

    def _is_queue_stuck(self) -> bool:
        """A peer may read the socket and answer pings, and yet grant no window to what it asked for."""
        now = self._clock()
        queued = self._channel.queued_bytes
        left = self._accepted_bytes - queued + self._sliced_bytes
        if not queued:
            self._stuck_since = None
        elif self._stuck_since is None or left != self._left_bytes:
            self._stuck_since, self._left_bytes = now, left
        return self._stuck_since is not None and now - self._stuck_since >= SEND_QUEUE_STUCK_US
