"""Links of the virtual world: bytes from one node to another after a latency, as they are or through libp2p.

A libp2p link runs the real channel machines on both ends (multistream, Noise, Yamux, identify); what travels between
them is what would travel on a socket.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from minicoin.core.faults import PeerFault
from minicoin.core.libp2p.channel import ChannelClosed, ChannelData, ChannelReady, Libp2pChannel
from minicoin.core.units import ConnId, Micros

Schedule = Callable[[int, Callable[[], None]], None]
"""Run something after so many microseconds."""


class LinkEnd(Protocol):
    """One node's end of a connection."""

    def send(self, frame: bytes) -> None:
        """Application bytes for the other end."""

    def close(self, reason: str) -> None:
        """End the connection; the other end hears of it after the latency."""


@dataclass(slots=True)
class LinkOwner:
    """What a link end tells its node."""

    conn: ConnId
    opened: Callable[[bytes], None]
    received: Callable[[bytes], None]
    closed: Callable[[str], None]


@dataclass(slots=True)
class Wire:
    """One direction of a virtual socket: keeps order, adds the latency."""

    schedule: Schedule
    now: Callable[[], Micros]
    latency_us: int
    _last_arrival: int = 0

    def carry(self, arrive: Callable[[], None]) -> None:
        """Run `arrive` at the far end, never before what was sent earlier."""
        self._last_arrival = max(self.now() + self.latency_us, self._last_arrival)
        self.schedule(self._last_arrival - self.now(), arrive)


@dataclass(slots=True)
class PlainEnd:
    """Bytes as they are."""

    owner: LinkOwner
    wire: Wire
    other: "PlainEnd | None" = None
    is_open: bool = True

    def start(self) -> None:
        """The connection is up."""
        self.owner.opened(b"")

    def send(self, frame: bytes) -> None:
        if self.is_open and self.other is not None:
            self.wire.carry(lambda: self._arrive(frame))

    def close(self, reason: str) -> None:
        if not self.is_open:
            return
        self.is_open = False
        self.owner.closed(reason)
        self.wire.carry(self._other_closed)

    def _arrive(self, frame: bytes) -> None:
        if self.other is not None and self.other.is_open:
            self.other.owner.received(frame)

    def _other_closed(self) -> None:
        if self.other is not None and self.other.is_open:
            self.other.is_open = False
            self.other.owner.closed("closed by peer")


@dataclass(slots=True)
class Libp2pEnd:
    """The real libp2p machines over virtual bytes."""

    owner: LinkOwner
    wire: Wire
    channel: Libp2pChannel
    other: "Libp2pEnd | None" = None
    is_open: bool = True
    bytes_carried: int = 0
    _wake_at: int = field(default=0)

    def start(self) -> None:
        """The socket is up: let the handshake begin."""
        self._pump()

    def send(self, frame: bytes) -> None:
        if self.is_open:
            self.channel.send(frame)
            self._pump()

    def close(self, reason: str) -> None:
        if not self.is_open:
            return
        self.channel.close(reason)
        self._flush()
        self._end(reason)
        self.wire.carry(self._other_gone)

    def _pump(self) -> None:
        """Hand on what happened, write what is to be written, wake up in time."""
        while self.is_open:
            events = self.channel.take_events()
            for event in events:
                match event:
                    case ChannelReady(peer_id):
                        self.owner.opened(peer_id)
                    case ChannelData(data):
                        self.owner.received(data)
                        self.channel.consumed(len(data))
                    case ChannelClosed(reason):
                        self._flush()
                        self._end(reason)
                        self.wire.carry(self._other_gone)
                        return
                    case _:
                        pass
            if not self._flush() and not events:
                break
        self._wake()

    def _flush(self) -> bool:
        wrote = False
        while output := self.channel.take_output():
            wrote = True
            self.bytes_carried += len(output)
            self.wire.carry(lambda piece=output: self._arrive(piece))  # type: ignore[misc]
        return wrote

    def _arrive(self, piece: bytes) -> None:
        other = self.other
        if other is not None and other.is_open:
            other._take(lambda: other.channel.receive(piece, self.wire.now()))

    def _take(self, step: Callable[[], None]) -> None:
        """What the remote broke stands among the channel's events as its end."""
        with contextlib.suppress(PeerFault):
            step()
        self._pump()

    def _other_gone(self) -> None:
        if self.other is not None and self.other.is_open:
            self.other._end("closed by peer")

    def _end(self, reason: str) -> None:
        self.is_open = False
        self.owner.closed(reason)

    def _wake(self) -> None:
        deadline = self.channel.next_deadline()
        now = self.wire.now()
        if deadline is None or (now < self._wake_at <= deadline):
            return
        self._wake_at = max(deadline, now)
        self.wire.schedule(self._wake_at - now, self._on_deadline)

    def _on_deadline(self) -> None:
        if self.is_open and self.wire.now() >= (self.channel.next_deadline() or 0):
            self._take(lambda: self.channel.on_deadline(self.wire.now()))
