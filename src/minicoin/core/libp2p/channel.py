"""The channel between a socket and the node's session: one libp2p connection that carries one wire stream.

The dialler opens the wire stream, the acceptor takes it; identify, its push and ping run beside it, and questions where
the application answers any. A peer that does not speak the wire protocol is kept only as long as identify needs, or
until the wire's time limit where it dialled us: long enough to ask. What the frames on the stream mean is session's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.libp2p.events import (
    ConnectionSide,
    Failed,
    PeerAuthenticated,
    StreamClosed,
    StreamData,
    StreamOpened,
    StreamRefused,
    StreamReset,
    UpgradeEvent,
)
from minicoin.core.libp2p.identify import Identify
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.libp2p.questions import QuestionStreams
from minicoin.core.libp2p.secure import Entropy
from minicoin.core.libp2p.services import (
    SERVICE_PROTOCOLS,
    Identified,
    Pinged,
    ServiceEvent,
    ServiceStreams,
    StreamEvent,
)
from minicoin.core.libp2p.upgrade import Upgrade
from minicoin.core.limits import LIBP2P_WIRE_STREAM_TIMEOUT_US
from minicoin.core.rng import Rng
from minicoin.core.units import Micros


@dataclass(frozen=True, slots=True)
class ChannelReady:
    """The remote proved to be `peer_id` and the wire stream is open in both directions."""

    peer_id: bytes


@dataclass(frozen=True, slots=True)
class ChannelIdentified:
    """What the peer says about itself, also where it sees us; `description` is None when it does not speak identify."""

    peer_id: bytes
    description: Identify | None


@dataclass(frozen=True, slots=True)
class ChannelData:
    """Bytes of the wire stream, in order; `consumed` makes room for more."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChannelAsked:
    """The peer asks something beside the wire, as a peer does that has none: `answer` with the same stream."""

    peer_id: bytes
    stream: int
    question: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChannelPinged:
    """The answer to `ping`; None when the peer does not answer."""

    rtt_us: int | None


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """The end; nothing follows. What take_output still gives should be written before the socket closes."""

    reason: str


ChannelEvent = ChannelReady | ChannelIdentified | ChannelData | ChannelAsked | ChannelPinged | ChannelClosed


@dataclass(frozen=True, slots=True)
class LocalPeer:
    """What we are to every peer of a network."""

    identity: Identity
    protocol: str | None
    """The wire protocol; None for a visitor that only identifies and pings."""
    agent_version: str = ""
    listen_addresses: tuple[Multiaddr, ...] = ()
    questions: str | None = None
    """A protocol by which anybody may ask us something on streams of its own; None where there is none."""
    admits: Callable[[bytes], bool] | None = None
    """Whether the peer of this id may connect; None where anybody may."""


class Libp2pChannel:
    """One connection to one peer."""

    __slots__ = (
        "_events",
        "_fault",
        "_is_closed",
        "_is_identified",
        "_is_ready",
        "_is_refused",
        "_now",
        "_peer",
        "_protocol",
        "_questions",
        "_services",
        "_side",
        "_upgrade",
        "_wire",
        "_wire_deadline",
    )

    def __init__(
        self,
        side: ConnectionSide,
        ours: LocalPeer,
        expected_peer: PeerId | None,
        observed: Multiaddr | None,
        *,
        entropy: Entropy,
        rng: Rng,
        now: Micros,
    ) -> None:
        """`observed` is the socket's remote address, which identify tells the peer."""
        self._side = side
        self._protocol = ours.protocol
        self._now = now
        protocols = tuple(one for one in (ours.protocol, *SERVICE_PROTOCOLS, ours.questions) if one is not None)
        self._upgrade = Upgrade(
            side, ours.identity, expected_peer, supported=protocols, entropy=entropy, now=now, admits=ours.admits
        )
        description = Identify(
            public_key=ours.identity.public_key,
            listen_addresses=ours.listen_addresses,
            protocols=protocols,
            observed_address=observed,
            protocol_version="minicoin/1",
            agent_version=ours.agent_version,
        )
        self._services = ServiceStreams(self._upgrade, description, rng, now)
        self._questions = None if ours.questions is None else QuestionStreams(self._upgrade, ours.questions)
        self._peer: PeerId | None = None
        self._wire: int | None = None
        self._wire_deadline: Micros | None = None
        self._is_ready = False
        self._is_refused = False
        self._is_identified = False
        self._is_closed = False
        self._fault: PeerFault | None = None
        self._events: list[ChannelEvent] = []

    # --- the socket's side ---

    def receive(self, data: bytes, now: Micros) -> None:
        """Take bytes of the socket. Raises PeerFault when the peer broke the protocol; ChannelClosed stands among the
        events then too, and take_output has the last words."""
        self._now = now
        self._upgrade.receive(data, now)
        self._settle()

    def take_output(self) -> bytes:
        """Bytes to write to the socket now, at most one encrypted message of 64 KB; call until empty."""
        return self._upgrade.take_output()

    def take_events(self) -> list[ChannelEvent]:
        """What happened, in order."""
        events, self._events = self._events, []
        return events

    def next_deadline(self) -> Micros | None:
        """When on_deadline wants to be called."""
        if self._is_closed:
            return None
        asked = None if self._questions is None else self._questions.next_deadline()
        deadlines = (self._upgrade.next_deadline(), self._services.next_deadline(), self._wire_deadline, asked)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def on_deadline(self, now: Micros) -> None:
        """Time has come for something: handshake, wire stream, service exchange or keep-alive. Raises PeerFault."""
        self._now = now
        if self._is_closed:
            return
        self._upgrade.on_deadline(now)
        for event in self._services.on_deadline(now):
            self._on_service(event)
        if self._questions is not None:
            self._questions.on_deadline(now)
        if self._wire_deadline is not None and now >= self._wire_deadline:
            self._close(self._unspoken())
        self._settle()

    # --- the session's side ---

    @property
    def queued_bytes(self) -> int:
        """Application bytes that `send` took and that have not left, for want of a socket or of the peer's window."""
        return self._upgrade.queued_bytes(self._wire) if self._wire is not None else 0

    @property
    def rtt_us(self) -> int | None:
        """The last measured round trip of the connection's keep-alive."""
        return self._upgrade.rtt_us

    def send(self, payload: bytes) -> None:
        """Queue application bytes, after ChannelReady. Ignored once the channel is closed."""
        if self._is_closed:
            return
        if self._wire is None or not self._is_ready:
            raise MisuseError("the wire stream is not open")
        self._upgrade.send(self._wire, payload)
        self._settle()

    def consumed(self, count: int) -> None:
        """The application has read `count` bytes: grants the peer credit, at half a window."""
        if self._wire is not None:
            self._upgrade.consumed(self._wire, count)

    def answer(self, stream: int, answer: bytes | None) -> None:
        """What ChannelAsked asked; None where there is no answer. Raises PeerFault."""
        if self._questions is None or self._is_closed:
            return
        self._ask(self._questions.answer(stream, answer, self._now))
        self._settle()

    def ping(self) -> None:
        """Measure a round trip with libp2p's ping; ChannelPinged follows."""
        self._services.ping()

    def announce(self, listen_addresses: tuple[Multiaddr, ...]) -> None:
        """Our addresses changed: tell the peer by identify/push."""
        self._services.description = self._services.description.updated(Identify(listen_addresses=listen_addresses))
        self._services.push()

    def close(self, reason: str, *, is_gated: bool = False) -> None:
        """End the connection in order: what is queued leaves first, as far as the peer has room for it. `is_gated`
        tells the peer that it is not admitted."""
        if not self._is_closed:
            self._upgrade.close(is_gated=is_gated)
            self._end(reason)

    # --- inside ---

    def _settle(self) -> None:
        """Work through what the connection reported."""
        while events := self._upgrade.take_events():
            for event in events:
                if self._is_closed:
                    break
                try:
                    self._on_upgrade(event)
                except PeerFault as fault:
                    self._upgrade.fail(fault)
        if self._fault is not None:
            verdict, self._fault = self._fault, None
            raise verdict

    def _on_upgrade(self, event: UpgradeEvent) -> None:
        match event:
            case StreamData(stream, data) if stream == self._wire:
                self._events.append(ChannelData(data))
            case PeerAuthenticated(peer_id, public_key):
                self._on_authenticated(peer_id, public_key)
            case Failed(reason, score):
                self._end(self._unspoken() if not score and self._is_foreign() else reason)
                if score:
                    self._fault = PeerFault(reason, score)
            case _ if self._services.owns(event):
                for learned in self._services.on_event(event, self._now):
                    self._on_service(learned)
                self._leave_if_useless()
            case _ if self._questions is not None and self._questions.owns(event):
                self._ask(self._questions.on_event(event, self._now))
            case _:
                self._on_wire(event)

    def _on_authenticated(self, peer_id: PeerId, public_key: bytes) -> None:
        self._peer = peer_id
        if self._protocol is not None:
            self._wire_deadline = Micros(self._now + LIBP2P_WIRE_STREAM_TIMEOUT_US)
            if self._side is ConnectionSide.DIALLER:
                self._wire = self._upgrade.open_stream(self._protocol)
        self._services.start(public_key)

    def _on_wire(self, event: StreamEvent) -> None:
        assert self._peer is not None
        match event:
            case StreamOpened(stream, _, inbound):
                if inbound and (self._side is ConnectionSide.DIALLER or self._wire is not None):
                    self._upgrade.reset(stream)
                    return
                self._wire = stream
                self._wire_deadline = None
                self._is_ready = True
                self._events.append(ChannelReady(self._peer.multihash))
            case StreamRefused():
                self._is_refused = True
                self._leave_if_useless()
            case StreamClosed() | StreamReset():
                if event.stream == self._wire:
                    self._close("the peer closed the wire stream")
            case StreamData():
                # Of a stream that was reset on arrival.
                pass

    def _ask(self, questions: list[tuple[int, bytes]]) -> None:
        assert self._peer is not None
        self._events += [ChannelAsked(self._peer.multihash, stream, question) for stream, question in questions]

    def _on_service(self, event: ServiceEvent) -> None:
        assert self._peer is not None
        match event:
            case Identified(description):
                self._is_identified = True
                self._events.append(ChannelIdentified(self._peer.multihash, description))
            case Pinged(rtt_us):
                self._events.append(ChannelPinged(rtt_us))

    def _leave_if_useless(self) -> None:
        """A peer without the wire protocol stays until both know who the other is."""
        if self._is_refused and self._is_identified and self._services.has_told:
            self._close(self._unspoken())

    def _is_foreign(self) -> bool:
        """Who goes without the wire protocol among those it names was no peer of this network."""
        known = self._services.known
        return not self._is_ready and known is not None and self._protocol not in (None, *known.protocols)

    def _unspoken(self) -> str:
        """Why a peer is no use: the rules of the network that it names, where it names one."""
        known = self._services.known
        for theirs in known.protocols if known is not None else ():
            other, own = _difference(theirs, self._protocol or "")
            if other and own:
                return f"the peer runs other rules: {other}, ours: {own}; compare the network files"
        return f"the peer does not speak {self._protocol}"

    def _close(self, reason: str) -> None:
        self._upgrade.close()
        self._end(reason)

    def _end(self, reason: str) -> None:
        self._is_closed = True
        self._wire_deadline = None
        self._events.append(ChannelClosed(reason))


def _difference(theirs: str, ours: str) -> tuple[str, str]:
    """The one part in which two protocol ids differ, which in those of networks is the rules; else nothing."""
    parts = list(zip(theirs.split("/"), ours.split("/"), strict=False))
    differing = [pair for pair in parts if pair[0] != pair[1]]
    is_alike = theirs.count("/") == ours.count("/") and len(differing) == 1
    return differing[0] if is_alike and len(differing[0][0]) == len(differing[0][1]) else ("", "")
