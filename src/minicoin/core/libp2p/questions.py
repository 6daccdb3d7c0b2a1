"""Questions that a peer asks on streams of its own, and that the application answers: one protocol, beside the wire.

Each message is a Protocol Buffers message behind its length (unsigned varint), as libp2p's kad-dht frames them; a
stream carries one question after the other, and an answer for each. What the messages say is the application's.

Bounded: so many streams, each with one question under way; so many questions; a stream on which nothing comes is reset.
A question too many, or one that is refused, resets its stream, which tells the peer so.
"""

from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.libp2p.events import StreamClosed, StreamData, StreamOpened, StreamRefused, StreamReset
from minicoin.core.libp2p.services import StreamEvent
from minicoin.core.libp2p.upgrade import Upgrade
from minicoin.core.libp2p.varint import decode_varint, encode_varint
from minicoin.core.limits import (
    STREAM_ANSWERS_UNREAD_BYTES_MAX,
    STREAM_QUESTION_BYTES_MAX,
    STREAM_QUESTION_EVERY_US,
    STREAM_QUESTIONS_BURST,
    STREAM_QUESTIONS_IDLE_US,
    STREAMS_OF_QUESTIONS_MAX,
)
from minicoin.core.units import Micros


class _Asking:
    """One stream."""

    __slots__ = ("buffer", "has_ended", "is_waiting", "until")

    def __init__(self, until: Micros) -> None:
        self.buffer = b""
        self.is_waiting = False
        """A question was handed out and is not answered yet."""
        self.has_ended = False
        """The peer will ask no more on it."""
        self.until = until


class QuestionStreams:
    """The streams of one connection."""

    __slots__ = ("_free_at", "_protocol", "_streams", "_upgrade")

    def __init__(self, upgrade: Upgrade, protocol: str) -> None:
        self._upgrade = upgrade
        self._protocol = protocol
        self._streams: dict[int, _Asking] = {}
        self._free_at = 0

    def owns(self, event: StreamEvent) -> bool:
        """Is this event for a stream of questions?"""
        if isinstance(event, StreamOpened):
            return event.inbound and event.protocol == self._protocol
        return event.stream in self._streams

    def on_event(self, event: StreamEvent, now: Micros) -> list[tuple[int, bytes]]:
        """Serve an event that this owns; gives the questions that came, by stream. Raises PeerFault."""
        match event:
            case StreamOpened(stream):
                if len(self._streams) >= STREAMS_OF_QUESTIONS_MAX:
                    self._upgrade.reset(stream)
                else:
                    self._streams[stream] = _Asking(Micros(now + STREAM_QUESTIONS_IDLE_US))
            case StreamData(stream, data):
                self._upgrade.consumed(stream, len(data))
                self._streams[stream].buffer += data
                return self._next_question(stream, now)
            case StreamClosed(stream):
                self._streams[stream].has_ended = True
                self._end_if_done(stream)
            case StreamRefused(stream) | StreamReset(stream):
                del self._streams[stream]
        return []

    def answer(self, stream: int, answer: bytes | None, now: Micros) -> list[tuple[int, bytes]]:
        """The application's answer, None where it refuses the question, empty where that needs none; gives the next
        question, where one has come meanwhile. Raises PeerFault."""
        asking = self._streams.get(stream)
        if asking is None or not asking.is_waiting:
            return []
        asking.is_waiting = False
        if answer is None:
            self._drop(stream)
            return []
        if answer:
            self._upgrade.send(stream, encode_varint(len(answer)) + answer)
        if self._upgrade.queued_bytes(stream) > STREAM_ANSWERS_UNREAD_BYTES_MAX:
            raise PeerFault(f"{self._protocol}: the peer does not read the answers")
        found = self._next_question(stream, now)
        self._end_if_done(stream)
        return found

    def next_deadline(self) -> Micros | None:
        """When on_deadline wants to be called."""
        return min((asking.until for asking in self._streams.values()), default=None)

    def on_deadline(self, now: Micros) -> None:
        """Reset the streams on which nothing came for long."""
        for stream in [stream for stream, asking in self._streams.items() if asking.until <= now]:
            self._drop(stream)

    # --- inside ---

    def _next_question(self, stream: int, now: Micros) -> list[tuple[int, bytes]]:
        asking = self._streams[stream]
        if asking.is_waiting:
            # One at a time: what comes meanwhile waits, and no more than one may be that long.
            self._bound(asking)
            return []
        question = self._take(asking)
        if question is None:
            return []
        free_at = max(self._free_at, now)
        if free_at + STREAM_QUESTION_EVERY_US > now + STREAM_QUESTIONS_BURST * STREAM_QUESTION_EVERY_US:
            self._drop(stream)
            return []
        self._free_at = free_at + STREAM_QUESTION_EVERY_US
        asking.is_waiting = True
        asking.until = Micros(now + STREAM_QUESTIONS_IDLE_US)
        return [(stream, question)]

    def _take(self, asking: _Asking) -> bytes | None:
        """The next question, once all of it is here."""
        try:
            head = decode_varint(asking.buffer)
        except DecodeError as error:
            raise PeerFault(f"{self._protocol}: {error}") from error
        if head is None:
            return None
        length, at = head
        if length > STREAM_QUESTION_BYTES_MAX:
            raise PeerFault(f"{self._protocol}: message of {length} bytes (at most {STREAM_QUESTION_BYTES_MAX})")
        if len(asking.buffer) - at < length:
            return None
        question, asking.buffer = asking.buffer[at : at + length], asking.buffer[at + length :]
        return question

    def _bound(self, asking: _Asking) -> None:
        if len(asking.buffer) > 2 * STREAM_QUESTION_BYTES_MAX:
            raise PeerFault(f"{self._protocol}: asks on without waiting for answers")

    def _end_if_done(self, stream: int) -> None:
        """What is left of a question behind the peer's end will never be whole."""
        asking = self._streams.get(stream)
        if asking is not None and asking.has_ended and not asking.is_waiting:
            self._upgrade.close_write(stream)
            del self._streams[stream]

    def _drop(self, stream: int) -> None:
        self._upgrade.reset(stream)
        del self._streams[stream]
