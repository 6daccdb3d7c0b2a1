"""A Yamux session: many streams over one ordered byte pipe. Specification: libp2p/specs yamux.

1. Control frames leave before data, and data leaves in turns, so that no stream keeps the others waiting.
2. Bodies are handed out as they arrive and never collected. The caller tells what the application has read, which
   grants credit; what a peer may send ahead of that is bounded for each stream, and what all windows together may grow
   to is, too.
3. What waits to be sent is bounded: a peer that does not read ends the session, without blame. What answers to its
   frames pile up is bounded too, and to blame.
4. Streams are bounded each way. One too many of the peer's is reset; a flood of them is its fault.
5. Frames that carry no data cost their sender nothing: each takes of a budget (yamux_guard.py), which time and our own
   data refill.
6. A stream's id is used once. A frame for one that ended was under way and is ignored; for one that was never opened it
   is a fault.
"""

from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.libp2p.yamux_frames import (
    ACK,
    DATA,
    FIN,
    GO_AWAY,
    HEADER_BYTES,
    PING,
    RST,
    STREAM_ID_MAX,
    SYN,
    VERSION,
    WINDOW_UPDATE,
    Data,
    GoAwayCode,
    InboundStream,
    PingAnswered,
    RemoteClosed,
    RemoteReset,
    WentAway,
    YamuxEvent,
    encode_header,
)
from minicoin.core.libp2p.yamux_guard import FrameBudget, KeepAlive
from minicoin.core.libp2p.yamux_reader import FrameReader
from minicoin.core.libp2p.yamux_stream import Stream
from minicoin.core.limits import (
    YAMUX_CONNECTION_WINDOW_BYTES_MAX,
    YAMUX_CONTROL_QUEUE_BYTES_MAX,
    YAMUX_SEND_QUEUE_BYTES_MAX,
    YAMUX_STREAMS_INBOUND_MAX,
    YAMUX_STREAMS_OUTBOUND_MAX,
    YAMUX_STREAMS_REFUSED_MAX,
    YAMUX_WINDOW_INITIAL_BYTES,
)
from minicoin.core.units import Micros

# With several streams sending, none keeps the others waiting for longer than this.
_TURN_BYTES = 16 << 10
# A frame is not begun in less room than this: its head would cost more than it carries.
_FRAME_BYTES_MIN = 1 << 10


class Yamux:
    """One side of a session. `receive` raises PeerFault on a violation; the caller then sends `go_away`."""

    __slots__ = (
        "_body_flags",
        "_body_stream",
        "_budget",
        "_chunk_stream",
        "_chunks",
        "_control",
        "_credits",
        "_dialler",
        "_events",
        "_farewell",
        "_highest_inbound",
        "_inbound_count",
        "_keep_alive",
        "_next_id",
        "_now",
        "_reader",
        "_ready",
        "_refused",
        "_streams",
        "_windows",
        "is_closed",
        "queued_bytes",
    )

    def __init__(self, dialler: bool, now: Micros) -> None:
        self._dialler = dialler
        self._next_id = 1 if dialler else 2
        self._highest_inbound = 0
        self._inbound_count = 0
        self._refused = 0
        self._streams: dict[int, Stream] = {}
        self._windows = 0
        self._ready: dict[int, Stream] = {}
        self._credits: dict[int, Stream] = {}
        self._control = bytearray()
        self._farewell: GoAwayCode | None = None
        self.is_closed = False
        self.queued_bytes = 0
        """Application bytes of all streams that wait to be sent."""
        self._reader = FrameReader()
        self._body_stream: Stream | None = None
        self._body_flags = 0
        self._chunk_stream = 0
        self._chunks: list[bytes] = []
        self._events: list[YamuxEvent] = []
        self._now = now
        self._budget = FrameBudget(now)
        self._keep_alive = KeepAlive(now)
        self.on_deadline(now)

    @property
    def rtt_us(self) -> int | None:
        """The round trip, once the first ping was answered."""
        return self._keep_alive.rtt_us

    # --- the application's side ---

    def open(self) -> int:
        """A new stream's id. Raises MisuseError at the limit, which is ours to keep."""
        if len(self._streams) - self._inbound_count >= YAMUX_STREAMS_OUTBOUND_MAX:
            raise MisuseError(f"more than {YAMUX_STREAMS_OUTBOUND_MAX} streams opened")
        if self._next_id > STREAM_ID_MAX:
            raise MisuseError("stream ids are used up")
        stream = Stream(self._next_id, inbound=False, flags=SYN, now=self._now)
        self._next_id += 2
        self._add(stream)
        self._credits[stream.id] = stream
        return stream.id

    def send(self, stream_id: int, payload: bytes) -> None:
        """Queue bytes. Ignored on a stream that is gone; raises PeerFault when the peer lets too much pile up."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if stream.fin_queued:
            raise MisuseError("send after close_write")
        if self.queued_bytes + len(payload) > YAMUX_SEND_QUEUE_BYTES_MAX:
            raise PeerFault(f"yamux: the peer does not read: {self.queued_bytes} bytes wait", score=0)
        stream.out += payload
        self.queued_bytes += len(payload)
        if stream.send_window:
            self._ready[stream_id] = stream

    def close_write(self, stream_id: int) -> None:
        """Half-close: what is queued leaves first."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.fin_queued = True
            if stream.has_to_send:
                self._ready[stream_id] = stream

    def reset(self, stream_id: int) -> None:
        """Throw a stream away, in both directions."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            # A stream that was not announced yet needs no farewell.
            if not stream.flags & SYN:
                self._push(encode_header(WINDOW_UPDATE, RST, stream_id, 0))
            self._remove(stream)

    def consumed(self, stream_id: int, count: int) -> None:
        """The application has read `count` bytes of this stream. Ignored on a stream that is gone."""
        stream = self._streams.get(stream_id)
        if stream is not None and stream.consume(count):
            self._credits[stream_id] = stream

    def queued(self, stream_id: int) -> int:
        """Bytes of this stream that wait to be sent."""
        stream = self._streams.get(stream_id)
        return len(stream.out) if stream is not None else 0

    def go_away(self, code: GoAwayCode, at_once: bool) -> None:
        """End the session: behind the data that is queued, or leaving it behind."""
        self._farewell = code
        if at_once:
            for stream in self._streams.values():
                stream.out.clear()
            self.queued_bytes = 0
            self._ready.clear()
            self._credits.clear()

    # --- the socket's side ---

    def receive(self, data: bytes, now: Micros) -> None:
        """Take bytes of the peer. Raises PeerFault; events that came before the fault are kept."""
        self._now = now
        if self.is_closed:
            return
        try:
            for item in self._reader.read(data):
                if isinstance(item, bytes):
                    self._on_body(item)
                else:
                    self._on_header(*item)
                    if self.is_closed:
                        break
        finally:
            self._flush_chunks()

    def take_events(self) -> list[YamuxEvent]:
        """What happened, in order."""
        events, self._events = self._events, []
        return events

    def take_output(self, limit: int) -> bytes | bytearray:
        """At most `limit` bytes to send, empty when there is nothing: control frames first, then data in turns."""
        if self.is_closed:
            return b""
        for stream in self._credits.values():
            self._write_credit(stream)
        self._credits.clear()
        out, self._control = self._control, bytearray()
        if len(out) > limit:
            out, self._control = out[:limit], out[limit:]
            return out
        while self._ready and limit - len(out) >= _FRAME_BYTES_MIN:
            self._write_data(out, limit - len(out) - 2 * HEADER_BYTES)
        if self._farewell is not None and not self._ready and not self.queued_bytes:
            out += encode_header(GO_AWAY, 0, 0, self._farewell)
            self.is_closed = True
        return out

    def next_deadline(self) -> Micros:
        """When on_deadline wants to be called."""
        return self._keep_alive.next_at

    def on_deadline(self, now: Micros) -> None:
        """Ping, and count the answers that are missing. Raises PeerFault when there are too many."""
        self._now = now
        if now >= self._keep_alive.next_at:
            self._refused = 0
            self._push(self._keep_alive.ping(now))

    # --- reading ---

    def _on_header(self, version: int, frame_type: int, flags: int, stream_id: int, length: int) -> None:
        if version != VERSION:
            raise PeerFault(f"yamux: version {version}")
        if frame_type == DATA and length and not flags:
            stream = self._streams.get(stream_id)
            if stream is not None:
                stream.accept(length)
                self._body_stream, self._body_flags = stream, 0
                return
        self._budget.charge(self._now)
        if frame_type in (DATA, WINDOW_UPDATE):
            if stream_id == 0:
                raise PeerFault("yamux: stream frame for the session")
            self._on_stream_frame(frame_type, flags, stream_id, length)
        elif stream_id != 0:
            raise PeerFault("yamux: session frame for a stream")
        elif frame_type == PING:
            self._on_ping(flags, length)
        elif frame_type == GO_AWAY:
            self._emit(WentAway(length))
            self.is_closed = True
        else:
            raise PeerFault(f"yamux: frame type {frame_type}")

    def _on_stream_frame(self, frame_type: int, flags: int, stream_id: int, length: int) -> None:
        self._body_stream = None
        if flags & SYN:
            self._on_syn(stream_id)
        stream = self._streams.get(stream_id)
        if stream is None:
            self._check_was_open(stream_id)
            # Frames that were under way when the stream ended.
            return
        if flags & RST:
            self._remove(stream)
            self._emit(RemoteReset(stream_id))
            return
        if frame_type == WINDOW_UPDATE:
            stream.widen(length)
            if stream.has_to_send:
                self._ready[stream_id] = stream
        elif length:
            stream.accept(length)
            self._body_stream, self._body_flags = stream, flags
            return
        if flags & FIN:
            self._on_fin(stream)

    def _on_syn(self, stream_id: int) -> None:
        if (stream_id % 2 == 1) == self._dialler:
            raise PeerFault("yamux: the peer opened a stream with an id of ours")
        if stream_id in self._streams:
            raise PeerFault("yamux: a stream opened twice")
        self._highest_inbound = max(self._highest_inbound, stream_id)
        if self._inbound_count >= YAMUX_STREAMS_INBOUND_MAX or self._farewell is not None:
            self._refused += 1
            if self._refused > YAMUX_STREAMS_REFUSED_MAX:
                raise PeerFault(f"yamux: stream flood: {self._refused} streams beyond the limit")
            self._push(encode_header(WINDOW_UPDATE, RST, stream_id, 0))
            return
        self._add(Stream(stream_id, inbound=True, flags=ACK, now=self._now))
        self._emit(InboundStream(stream_id))

    def _on_body(self, chunk: bytes) -> None:
        stream = self._body_stream
        if stream is None:
            return
        # Our own reset in the middle of a body: the rest counts for nobody.
        if self._streams.get(stream.id) is not stream:
            return
        if self._chunk_stream != stream.id:
            self._flush_chunks()
            self._chunk_stream = stream.id
        self._chunks.append(chunk)
        if self._body_flags & FIN and self._reader.body_left == 0:
            self._on_fin(stream)

    def _on_fin(self, stream: Stream) -> None:
        if stream.fin_received:
            raise PeerFault("yamux: a stream closed twice")
        stream.fin_received = True
        self._credits.pop(stream.id, None)
        self._emit(RemoteClosed(stream.id))
        if stream.is_finished:
            self._remove(stream)

    def _on_ping(self, flags: int, value: int) -> None:
        if flags & SYN:
            self._push(encode_header(PING, ACK, 0, value))
        else:
            rtt_us = self._keep_alive.on_answer(value, self._now)
            if rtt_us is not None:
                self._emit(PingAnswered(rtt_us))

    def _check_was_open(self, stream_id: int) -> None:
        ours = (stream_id % 2 == 1) == self._dialler
        if stream_id >= self._next_id if ours else stream_id > self._highest_inbound:
            raise PeerFault("yamux: frame for a stream that was never opened")

    # --- writing ---

    def _write_credit(self, stream: Stream) -> None:
        # What is left of the connection's bound, which a window may grow into.
        growth_max = YAMUX_CONNECTION_WINDOW_BYTES_MAX - self._windows
        credit, growth = (
            stream.take_credit(self._now, self._keep_alive.rtt_us, growth_max) if stream.uncredited else (0, 0)
        )
        self._windows += growth
        self._control += encode_header(WINDOW_UPDATE, stream.flags, stream.id, credit)
        stream.flags = 0

    def _write_data(self, out: bytearray, room: int) -> None:
        """One data frame of the stream whose turn it is."""
        stream = next(iter(self._ready.values()))
        del self._ready[stream.id]
        count = min(len(stream.out), stream.send_window, room, _TURN_BYTES if self._ready else room)
        if count:
            out += encode_header(DATA, stream.flags, stream.id, count)
            stream.flags = 0
            if count == len(stream.out):
                out += stream.out
                stream.out = bytearray()
            else:
                with memoryview(stream.out) as view:
                    out += view[:count]
                del stream.out[:count]
            stream.send_window -= count
            self.queued_bytes -= count
        if stream.fin_queued and not stream.out:
            # In a frame of its own: js-libp2p drops the body of a frame that also closes.
            out += encode_header(WINDOW_UPDATE, FIN | stream.flags, stream.id, 0)
            stream.flags = 0
            stream.fin_sent = True
        self._budget.credit()
        if stream.has_to_send:
            self._ready[stream.id] = stream
        elif stream.is_finished:
            self._remove(stream)

    def _push(self, frame: bytes) -> None:
        self._control += frame
        if len(self._control) > YAMUX_CONTROL_QUEUE_BYTES_MAX:
            raise PeerFault("yamux: the peer causes answers and does not read them")

    # --- bookkeeping ---

    def _add(self, stream: Stream) -> None:
        self._streams[stream.id] = stream
        self._windows += YAMUX_WINDOW_INITIAL_BYTES
        self._inbound_count += stream.inbound

    def _remove(self, stream: Stream) -> None:
        del self._streams[stream.id]
        self._ready.pop(stream.id, None)
        self._credits.pop(stream.id, None)
        self._windows -= stream.window
        self._inbound_count -= stream.inbound
        self.queued_bytes -= len(stream.out)

    def _emit(self, event: YamuxEvent) -> None:
        self._flush_chunks()
        self._events.append(event)

    def _flush_chunks(self) -> None:
        """Bytes of one stream that came in one piece leave as one event, however small their frames were."""
        if self._chunks:
            joined = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
            self._events.append(Data(self._chunk_stream, joined))
            self._chunks.clear()
        self._chunk_stream = 0
