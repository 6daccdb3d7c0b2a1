"""Turns a raw byte pipe into authenticated streams: /noise, the handshake, Yamux, and a protocol for each stream.

Composes the machines of this package, and owns the order in which they take over the bytes. What the streams carry is
the caller's. Specification: libp2p/specs connections.

1. *All of it up to the muxer has one deadline* (LIBP2P_HANDSHAKE_TIMEOUT_US), and each stream one to agree on its
   protocol (LIBP2P_STREAM_TIMEOUT_US): who says nothing holds nothing for long.
2. *Who is not admitted is turned away as soon as its peer id is proven*, before any stream. A dialler says nothing
   more, for what waits to be sent would say who it is; an acceptor says that it does not admit the peer, so that its
   log can tell.
3. *That two have no protocol in common is nobody's fault*; neither is silence.
4. *A stream of the peer's is the caller's from its agreed protocol on*: of one that ends before that nobody hears. One
   of ours always ends in a word: opened, refused or reset.
5. *Whatever the bytes are, the outcome is events*: a fault ends the connection with a goodbye, where there is a muxer
   to say it with.
"""

from collections.abc import Callable, Container
from enum import Enum, auto
from typing import Final

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
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multistream import Answerer, Proposer
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.libp2p.secure import PLAINTEXT_BYTES_MAX, Entropy, SecureChannel
from minicoin.core.libp2p.yamux import Yamux
from minicoin.core.libp2p.yamux_frames import (
    Data,
    GoAwayCode,
    InboundStream,
    PingAnswered,
    RemoteClosed,
    RemoteReset,
    WentAway,
    YamuxEvent,
)
from minicoin.core.limits import LIBP2P_HANDSHAKE_TIMEOUT_US, LIBP2P_STREAM_TIMEOUT_US
from minicoin.core.units import Micros

NOISE: Final = "/noise"
YAMUX: Final = "/yamux/1.0.0"
STRANGER: Final = "is not admitted"
"""How the reason ends for which we turn somebody away who proved who it is."""
NOT_ADMITTED: Final = "the peer does not admit this node: its admission does not name this node's peer id"


class _Stage(Enum):
    """Who takes the next bytes."""

    SECURITY = auto()
    HANDSHAKE = auto()
    MUXER = auto()
    OPEN = auto()
    ENDED = auto()


class Upgrade:
    """One connection. Bytes and time in; bytes and events out; after Failed only the last output is of interest."""

    __slots__ = (
        "_admits",
        "_entropy",
        "_events",
        "_expected_peer",
        "_handshake_deadline",
        "_identity",
        "_negotiation",
        "_now",
        "_out",
        "_plain",
        "_secure",
        "_side",
        "_stage",
        "_stream_deadlines",
        "_stream_negotiations",
        "_supported",
        "_yamux",
    )

    def __init__(
        self,
        side: ConnectionSide,
        identity: Identity,
        expected_peer: PeerId | None,
        *,
        supported: Container[str],
        entropy: Entropy,
        now: Micros,
        admits: Callable[[bytes], bool] | None = None,
    ) -> None:
        """`supported` are the protocols that the peer may open streams for; `entropy` gives the ephemeral keys. Whom
        `admits`, asked as soon as a peer id is proven, does not let in is refused before any stream: a dialler says
        nothing more, not even who it is, and an acceptor says that it does not admit the peer."""
        self._side = side
        self._identity = identity
        self._expected_peer = expected_peer
        self._supported = supported
        self._admits = admits
        self._entropy = entropy
        self._now = now
        self._stage = _Stage.SECURITY
        self._handshake_deadline = Micros(now + LIBP2P_HANDSHAKE_TIMEOUT_US)
        self._out = bytearray()
        self._plain = b""
        self._negotiation: Proposer | Answerer | None = None
        self._secure: SecureChannel | None = None
        self._yamux: Yamux | None = None
        self._stream_negotiations: dict[int, Proposer | Answerer] = {}
        self._stream_deadlines: dict[int, Micros] = {}
        self._events: list[UpgradeEvent] = []
        self._out += self._start_negotiation(NOISE)

    @property
    def is_ended(self) -> bool:
        """The connection failed or was closed: after the last output the socket may go."""
        return self._stage is _Stage.ENDED or (self._yamux is not None and self._yamux.is_closed)

    @property
    def rtt_us(self) -> int | None:
        """The round trip that the keep-alive measured."""
        return self._yamux.rtt_us if self._yamux is not None else None

    # --- the socket's side ---

    def receive(self, data: bytes, now: Micros) -> None:
        """Take bytes of the socket. Whatever they are, the outcome is events; never an exception."""
        self._now = now
        if self._stage is _Stage.ENDED:
            return
        try:
            self._read(data)
        except PeerFault as fault:
            self.fail(fault)

    def take_output(self) -> bytes:
        """The bytes to write to the socket next, at most one Noise message and what the handshake left; empty when
        there is nothing to send now. Call until it is empty."""
        out = b""
        if self._out:
            out = bytes(self._out)
            self._out.clear()
        if self._secure is not None and self._secure.is_open:
            if self._plain:
                out += self._secure.encrypt(self._plain)
                self._plain = b""
            if self._yamux is not None:
                piece = self._yamux.take_output(PLAINTEXT_BYTES_MAX)
                if piece:
                    sealed = self._secure.encrypt(piece)
                    return out + sealed if out else sealed
        return out

    def take_events(self) -> list[UpgradeEvent]:
        """What happened, in order."""
        events, self._events = self._events, []
        return events

    def next_deadline(self) -> Micros | None:
        """When on_deadline wants to be called."""
        if self._stage is _Stage.ENDED:
            return None
        if self._yamux is None:
            return self._handshake_deadline
        # All streams get the same time, so the oldest negotiation is due first.
        return min(
            self._yamux.next_deadline(), next(iter(self._stream_deadlines.values()), self._yamux.next_deadline())
        )

    def on_deadline(self, now: Micros) -> None:
        """Time has come for something; what is not due is left alone."""
        self._now = now
        if self._stage is _Stage.ENDED:
            return
        try:
            if self._yamux is None:
                if now >= self._handshake_deadline:
                    raise PeerFault("the handshake took too long", score=0)
                return
            self._yamux.on_deadline(now)
            self._expire_negotiations(self._yamux)
        except PeerFault as fault:
            self.fail(fault)

    # --- the application's side; streams are named by the ids that the events carry ---

    def open_stream(self, protocol: str) -> int:
        """A new stream's id; StreamOpened, StreamRefused or StreamReset follows. Raises MisuseError at the limit."""
        yamux = self._opened()
        stream = yamux.open()
        negotiation = Proposer(protocol)
        yamux.send(stream, negotiation.take_output())
        self._await_protocol(stream, negotiation)
        return stream

    def send(self, stream: int, payload: bytes) -> None:
        """Queue bytes for a stream whose protocol is agreed on; ignored when the stream is gone."""
        if stream in self._stream_negotiations:
            raise MisuseError("the stream has no protocol yet")
        try:
            self._opened().send(stream, payload)
        except PeerFault as fault:
            self.fail(fault)

    def close_write(self, stream: int) -> None:
        """Half-close a stream behind what is queued."""
        self._opened().close_write(stream)

    def reset(self, stream: int) -> None:
        """Throw a stream away."""
        self._forget(stream)
        try:
            self._opened().reset(stream)
        except PeerFault as fault:
            self.fail(fault)

    def consumed(self, stream: int, count: int) -> None:
        """The application has read `count` bytes of a stream's data."""
        if self._yamux is not None:
            self._yamux.consumed(stream, count)

    def queued_bytes(self, stream: int) -> int:
        """Bytes of a stream that `send` took and `take_output` has not given out."""
        return self._yamux.queued(stream) if self._yamux is not None else 0

    def close(self, *, is_gated: bool = False) -> None:
        """End the connection in order, behind what is queued; and say where the peer is not admitted."""
        if self._yamux is not None:
            self._yamux.go_away(GoAwayCode.GATED if is_gated else GoAwayCode.NORMAL, at_once=False)
        else:
            self._stage = _Stage.ENDED
            self._out.clear()

    def fail(self, fault: PeerFault) -> None:
        """The peer is at fault, as this machine or its user found: say goodbye if there is a muxer to say it with."""
        if self._stage is _Stage.ENDED:
            return
        self._stage = _Stage.ENDED
        self._out.clear()
        self._stream_negotiations.clear()
        self._stream_deadlines.clear()
        if self._yamux is not None:
            self._yamux.go_away(GoAwayCode.PROTOCOL_ERROR if fault.score else GoAwayCode.NORMAL, at_once=True)
        self._events.append(Failed(fault.reason, fault.score))

    # --- connection ---

    def _start_negotiation(self, protocol: str) -> bytes:
        """Begin to agree on what takes over the connection's bytes; gives what to send first."""
        self._negotiation = Proposer(protocol) if self._side is ConnectionSide.DIALLER else Answerer((protocol,))
        return self._negotiation.take_output()

    def _read(self, data: bytes) -> None:
        if self._stage is _Stage.SECURITY:
            rest, answer = self._negotiate(data)
            self._out += answer
            if rest is None:
                return
            self._secure = SecureChannel(
                self._side is ConnectionSide.DIALLER, self._identity, self._expected_peer, self._entropy, (YAMUX,)
            )
            self._stage = _Stage.HANDSHAKE
            data = rest
        assert self._secure is not None
        plaintexts = self._secure.receive(data)
        if self._stage is _Stage.HANDSHAKE and self._is_stranger(self._secure):
            self._turn_away(self._secure)
            return
        if self._stage is _Stage.HANDSHAKE or self._secure.output:
            self._out += self._secure.output
            self._secure.output.clear()
            if self._secure.is_open:
                self._choose_muxer(self._secure.remote_muxers)
        for plaintext in plaintexts:
            self._read_plaintext(plaintext)

    def _is_stranger(self, secure: SecureChannel) -> bool:
        """The peer has proven who it is, and is not admitted."""
        peer, admits = secure.remote_peer, self._admits
        return peer is not None and admits is not None and not admits(peer.multihash)

    def _turn_away(self, secure: SecureChannel) -> None:
        """What waits to be sent goes nowhere: on a dialler's side it says who we are."""
        self.fail(PeerFault(f"peer {secure.remote_peer} {STRANGER}", score=0))
        if self._side is ConnectionSide.ACCEPTOR and YAMUX in secure.remote_muxers:
            self._yamux = Yamux(False, self._now)
            self._yamux.go_away(GoAwayCode.GATED, at_once=True)

    def _negotiate(self, data: bytes) -> tuple[bytes | None, bytes]:
        """(what follows the agreement, or None before it; what to send)."""
        assert self._negotiation is not None
        done = self._negotiation.receive(data)
        answer = self._negotiation.take_output()
        if not done:
            return None, answer
        if self._negotiation.agreed is None:
            raise PeerFault("the peer speaks neither Noise nor Yamux that we could agree on", score=0)
        rest = self._negotiation.take_rest()
        self._negotiation = None
        return rest, answer

    def _choose_muxer(self, offered: tuple[str, ...]) -> None:
        """Skip the muxer's negotiation where the handshake carried the peer's list."""
        if YAMUX in offered:
            self._open_muxer()
        elif offered:
            raise PeerFault("no muxer in common", score=0)
        else:
            self._stage = _Stage.MUXER
            self._plain += self._start_negotiation(YAMUX)

    def _open_muxer(self) -> None:
        assert self._secure is not None and self._secure.remote_peer is not None
        self._yamux = Yamux(self._side is ConnectionSide.DIALLER, self._now)
        self._stage = _Stage.OPEN
        self._events.append(PeerAuthenticated(self._secure.remote_peer, self._secure.remote_public_key))

    def _read_plaintext(self, plaintext: bytes) -> None:
        if self._stage is _Stage.MUXER:
            rest, answer = self._negotiate(plaintext)
            self._plain += answer
            if rest is None:
                return
            self._open_muxer()
            plaintext = rest
        assert self._yamux is not None
        try:
            self._yamux.receive(plaintext, self._now)
        finally:
            for event in self._yamux.take_events():
                self._on_yamux(self._yamux, event)

    def _opened(self) -> Yamux:
        if self._yamux is None:
            raise MisuseError("the connection has no streams yet")
        return self._yamux

    # --- streams ---

    def _on_yamux(self, yamux: Yamux, event: YamuxEvent) -> None:
        match event:
            case Data(stream, data):
                negotiation = self._stream_negotiations.get(stream)
                if negotiation is None:
                    self._events.append(StreamData(stream, data))
                else:
                    self._negotiate_stream(yamux, stream, negotiation, data)
            case InboundStream(stream):
                self._await_protocol(stream, Answerer(self._supported))
            case RemoteClosed(stream):
                if stream in self._stream_negotiations:
                    yamux.reset(stream)
                    self._abandon(stream)
                else:
                    self._events.append(StreamClosed(stream))
            case RemoteReset(stream):
                self._abandon(stream)
            case WentAway(GoAwayCode.GATED):
                raise PeerFault(NOT_ADMITTED, score=0)
            case WentAway(code):
                raise PeerFault("the peer closed the session" if code == 0 else f"the peer ended with {code}", score=0)
            case PingAnswered():
                pass

    def _negotiate_stream(self, yamux: Yamux, stream: int, negotiation: Proposer | Answerer, data: bytes) -> None:
        done = negotiation.receive(data)
        yamux.send(stream, negotiation.take_output())
        if not done:
            yamux.consumed(stream, len(data))
            return
        self._forget(stream)
        rest = negotiation.take_rest()
        yamux.consumed(stream, len(data) - len(rest))
        if isinstance(negotiation, Proposer) and negotiation.agreed is None:
            yamux.reset(stream)
            self._events.append(StreamRefused(stream, negotiation.protocol))
        elif negotiation.agreed is not None:
            self._events.append(StreamOpened(stream, negotiation.agreed, isinstance(negotiation, Answerer)))
            if rest:
                self._events.append(StreamData(stream, rest))

    def _await_protocol(self, stream: int, negotiation: Proposer | Answerer) -> None:
        self._stream_negotiations[stream] = negotiation
        self._stream_deadlines[stream] = Micros(self._now + LIBP2P_STREAM_TIMEOUT_US)

    def _forget(self, stream: int) -> None:
        self._stream_negotiations.pop(stream, None)
        self._stream_deadlines.pop(stream, None)

    def _abandon(self, stream: int) -> None:
        """A stream is gone. The caller hears of it if it knows the stream."""
        negotiation = self._stream_negotiations.get(stream)
        self._forget(stream)
        if not isinstance(negotiation, Answerer):
            self._events.append(StreamReset(stream))

    def _expire_negotiations(self, yamux: Yamux) -> None:
        due = [stream for stream, deadline in self._stream_deadlines.items() if deadline <= self._now]
        for stream in due:
            yamux.reset(stream)
            self._abandon(stream)
