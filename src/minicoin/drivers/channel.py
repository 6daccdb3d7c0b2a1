"""The slot between a socket and the node's session: bytes in, bytes out, events. Nothing above knows which is in it.

PlainChannel is Bitcoin's own transport: the bytes as they are. Libp2pChannel of the core is the other one; transport.py
chooses. Events are those of the core's channel.
"""

from collections import deque
from typing import Protocol

from minicoin.core.libp2p.channel import ChannelData, ChannelEvent, ChannelReady
from minicoin.core.limits import READ_BYTES
from minicoin.core.units import Micros


class Channel(Protocol):
    """A sans-I/O transport for one connection. Methods raise PeerFault when the remote breaks its protocol."""

    @property
    def queued_bytes(self) -> int:
        """Bytes accepted by send and not yet taken by take_output."""

    def receive(self, data: bytes, now: Micros) -> None:
        """Bytes from the socket."""

    def send(self, payload: bytes) -> None:
        """Application bytes for the remote."""

    def answer(self, stream: int, answer: bytes | None) -> None:
        """What ChannelAsked asked."""

    def take_output(self) -> bytes:
        """What the socket shall carry now; empty when nothing may go out."""

    def take_events(self) -> list[ChannelEvent]:
        """What happened since the last call."""

    def consumed(self, count: int) -> None:
        """The application dealt with `count` bytes: flow control may grant more."""

    def next_deadline(self) -> Micros | None:
        """When on_deadline has something to do."""

    def on_deadline(self, now: Micros) -> None:
        """Time-outs and keep-alives of the transport."""

    def close(self, reason: str, *, is_gated: bool = False) -> None:
        """Say goodbye, and whether for want of admission, where the transport has a way to."""


class PlainChannel:
    """Plain TCP: ready at once, no identity, no framing of its own."""

    def __init__(self) -> None:
        self._events: list[ChannelEvent] = [ChannelReady(b"")]
        self._output: deque[bytes] = deque()
        self._queued = 0

    @property
    def queued_bytes(self) -> int:
        return self._queued

    def receive(self, data: bytes, now: Micros) -> None:
        self._events.append(ChannelData(data))

    def send(self, payload: bytes) -> None:
        self._output.append(payload)
        self._queued += len(payload)

    def answer(self, stream: int, answer: bytes | None) -> None:
        """Nobody asks beside the wire where there is nothing beside it."""

    def take_output(self) -> bytes:
        """Small payloads are joined up to 64 KB, so that many messages cost one write; a large one goes alone."""
        if not self._output:
            return b""
        pieces = [self._output.popleft()]
        size = len(pieces[0])
        while self._output and size + len(self._output[0]) <= READ_BYTES:
            pieces.append(self._output.popleft())
            size += len(pieces[-1])
        self._queued -= size
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def take_events(self) -> list[ChannelEvent]:
        events, self._events = self._events, []
        return events

    def consumed(self, count: int) -> None:
        pass

    def next_deadline(self) -> Micros | None:
        return None

    def on_deadline(self, now: Micros) -> None:
        pass

    def close(self, reason: str, *, is_gated: bool = False) -> None:
        pass
