"""The small protocols that every libp2p connection carries beside the application's: identify, its push, and ping.

Serves the peer's questions and asks ours, each on a stream of its own with a deadline; gives back what was learned.
Specifications: libp2p/specs identify and ping.
"""

from dataclasses import dataclass
from typing import Final

from minicoin.core.faults import PeerFault
from minicoin.core.libp2p.events import StreamClosed, StreamData, StreamOpened, StreamRefused, StreamReset
from minicoin.core.libp2p.identify import IDENTIFY, IDENTIFY_PUSH, Identify, IdentifyReader, encode_delimited
from minicoin.core.libp2p.ping import PING, PING_BYTES, Pinger
from minicoin.core.libp2p.upgrade import Upgrade
from minicoin.core.limits import (
    IDENTIFY_PUSHES_PER_MINUTE_MAX,
    LIBP2P_STREAM_TIMEOUT_US,
    PING_STREAMS_INBOUND_MAX,
    PING_UNREAD_BYTES_MAX,
)
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, Micros

SERVICE_PROTOCOLS: Final = (IDENTIFY, IDENTIFY_PUSH, PING)

StreamEvent = StreamOpened | StreamRefused | StreamData | StreamClosed | StreamReset


@dataclass(frozen=True, slots=True)
class Identified:
    """What the peer says about itself, by identify or by a push; None when it does not speak identify."""

    description: Identify | None


@dataclass(frozen=True, slots=True)
class Pinged:
    """The answer to `ping`: the round trip, or None when the peer does not answer."""

    rtt_us: int | None


ServiceEvent = Identified | Pinged


class ServiceStreams:
    """The service streams of one connection. `description` is what identify tells the peer about us."""

    __slots__ = (
        "_closing",
        "_deadlines",
        "_events",
        "_now",
        "_pingers",
        "_pings_served",
        "_push",
        "_pushes",
        "_pushes_since",
        "_readers",
        "_remote_key",
        "_request",
        "_rng",
        "_told",
        "_upgrade",
        "description",
        "has_told",
        "known",
    )

    def __init__(self, upgrade: Upgrade, description: Identify, rng: Rng, now: Micros) -> None:
        self._upgrade = upgrade
        self._rng = rng
        self._now = now
        self.description = description
        self.known: Identify | None = None
        """What the peer has said so far."""
        self.has_told = False
        """The peer has asked who we are."""
        self._remote_key = b""
        self._readers: dict[int, IdentifyReader] = {}
        self._pingers: dict[int, Pinger | None] = {}
        self._request: int | None = None
        self._push: int | None = None
        self._pings_served: set[int] = set()
        self._told: set[int] = set()
        self._closing: set[int] = set()
        self._deadlines: dict[int, Micros] = {}
        self._pushes = 0
        self._pushes_since = now
        self._events: list[ServiceEvent] = []

    def start(self, remote_key: bytes) -> None:
        """The peer is authenticated: ask who it is."""
        self._remote_key = remote_key
        self._request = self._open(IDENTIFY)
        self._readers[self._request] = IdentifyReader()

    def ping(self) -> None:
        """Measure a round trip; answered by Pinged. One at a time, as the specification wants it."""
        if not self._pingers:
            self._pingers[self._open(PING)] = None

    def push(self) -> None:
        """Tell the peer that `description` changed, if it listens to that. A push under way will tell the latest."""
        if self._push is None and self.known is not None and IDENTIFY_PUSH in self.known.protocols:
            self._push = self._open(IDENTIFY_PUSH)
            self._told.add(self._push)

    def owns(self, event: StreamEvent) -> bool:
        """Is this event for a service?"""
        if isinstance(event, StreamOpened) and event.inbound:
            return event.protocol in SERVICE_PROTOCOLS
        tables = (self._readers, self._pingers, self._pings_served, self._told, self._closing)
        return any(event.stream in table for table in tables)

    def on_event(self, event: StreamEvent, now: Micros) -> list[ServiceEvent]:
        """Serve an event that this owns; gives what was learned. Raises PeerFault."""
        self._now = now
        match event:
            case StreamOpened(stream, protocol, inbound):
                if inbound:
                    self._on_inbound(stream, protocol)
                else:
                    self._on_agreed(stream)
            case StreamData(stream, data):
                self._on_data(stream, data)
            case StreamClosed(stream):
                self._on_closed(stream)
            case StreamRefused(stream) | StreamReset(stream):
                self._on_gone(stream)
        events, self._events = self._events, []
        return events

    def next_deadline(self) -> Micros | None:
        """When on_deadline wants to be called."""
        return next(iter(self._deadlines.values()), None)

    def on_deadline(self, now: Micros) -> list[ServiceEvent]:
        """Throw away the exchanges that took too long."""
        self._now = now
        for stream in [stream for stream, deadline in self._deadlines.items() if deadline <= now]:
            self._upgrade.reset(stream)
            self._on_gone(stream)
        events, self._events = self._events, []
        return events

    def _open(self, protocol: str) -> int:
        stream = self._upgrade.open_stream(protocol)
        self._deadlines[stream] = Micros(self._now + LIBP2P_STREAM_TIMEOUT_US)
        return stream

    def _on_inbound(self, stream: int, protocol: str) -> None:
        if protocol == PING:
            if len(self._pings_served) == PING_STREAMS_INBOUND_MAX:
                self._upgrade.reset(stream)
            else:
                # Without a deadline: peers keep this stream for later pings.
                self._pings_served.add(stream)
            return
        self._deadlines[stream] = Micros(self._now + LIBP2P_STREAM_TIMEOUT_US)
        if protocol == IDENTIFY:
            self._told.add(stream)
            self._tell(stream)
            self.has_told = True
        else:
            self._count_push()
            self._readers[stream] = IdentifyReader()

    def _on_agreed(self, stream: int) -> None:
        """The peer speaks the protocol of a stream that we opened."""
        if stream in self._pingers:
            payload = self._rng.bytes(PING_BYTES)
            self._pingers[stream] = Pinger(payload, self._now)
            self._upgrade.send(stream, payload)
        elif stream in self._told:
            self._push = None
            self._tell(stream)
        else:
            self._upgrade.close_write(stream)

    def _tell(self, stream: int) -> None:
        self._upgrade.send(stream, encode_delimited(self.description))
        self._upgrade.close_write(stream)

    def _count_push(self) -> None:
        if self._now - self._pushes_since >= MINUTE_US:
            self._pushes, self._pushes_since = 0, self._now
        self._pushes += 1
        if self._pushes > IDENTIFY_PUSHES_PER_MINUTE_MAX:
            raise PeerFault(f"identify: more than {IDENTIFY_PUSHES_PER_MINUTE_MAX} pushes a minute")

    def _on_data(self, stream: int, data: bytes) -> None:
        self._upgrade.consumed(stream, len(data))
        if stream in self._readers:
            self._readers[stream].receive(data)
        elif stream in self._pings_served:
            self._upgrade.send(stream, data)
            if self._upgrade.queued_bytes(stream) > PING_UNREAD_BYTES_MAX:
                raise PeerFault("ping: the peer does not read the answers")
        elif (pinger := self._pingers.get(stream)) is not None:
            rtt_us = pinger.receive(data, self._now)
            if rtt_us is not None:
                self._upgrade.close_write(stream)
                # The stream itself lives until the peer closes its side too, or its deadline.
                del self._pingers[stream]
                self._closing.add(stream)
                self._events.append(Pinged(rtt_us))

    def _on_closed(self, stream: int) -> None:
        """The peer closed its side: whatever it had to say is here."""
        reader = self._readers.get(stream)
        if reader is not None:
            self._learn(reader.finish())
        elif stream in self._pingers:
            self._on_gone(stream)
            return
        # Ours is closed already, or closes behind what is queued.
        self._upgrade.close_write(stream)
        self._end(stream)

    def _on_gone(self, stream: int) -> None:
        """The stream was refused, reset or took too long."""
        if stream in self._pingers:
            self._events.append(Pinged(None))
        elif (reader := self._readers.get(stream)) is not None and reader.is_whole:
            self._learn(reader.finish())
        elif stream == self._request:
            self._events.append(Identified(None))
        self._end(stream)

    def _learn(self, found: Identify) -> None:
        if found.public_key and found.public_key != self._remote_key:
            raise PeerFault("identify: another key than the handshake proved")
        self.known = found if self.known is None else self.known.updated(found)
        self._events.append(Identified(self.known))

    def _end(self, stream: int) -> None:
        if stream == self._push:
            self._push = None
        self._readers.pop(stream, None)
        self._pingers.pop(stream, None)
        self._deadlines.pop(stream, None)
        self._pings_served.discard(stream)
        self._told.discard(stream)
        self._closing.discard(stream)
