"""A connection over libp2p: the real machines (multistream, Noise, Yamux, identify) at both ends of it.

What they write travels as bytes of a socket would, through lines and faults; what they read becomes events. Ephemeral
secrets come from a stream of the world's seed, so that a run repeats to the byte. Their time is the true one, as a
machine's monotonic clock is.
"""

from collections import deque
from collections.abc import Callable

from minicoin.core.events import BytesReceived, ConnectionOpened
from minicoin.core.faults import PeerFault
from minicoin.core.libp2p.channel import (
    ChannelClosed,
    ChannelData,
    ChannelIdentified,
    ChannelPinged,
    ChannelReady,
    Libp2pChannel,
    LocalPeer,
)
from minicoin.core.libp2p.events import ConnectionSide
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.world.freight import Freight, freight_of_bytes
from minicoin.world.host import LinkEnd
from minicoin.world.loop import Loop

_AGENT = "minicoin"

Carry = Callable[[LinkEnd, Freight], None]
Ended = Callable[[LinkEnd, str, int], None]
"""Closes an end: why, and what the remote broke."""


class Secured:
    """Gives ends of connections their machines."""

    def __init__(self, loop: Loop, network: Network, rng: Rng, carry: Carry, ended: Ended) -> None:
        self._loop = loop
        self._network = network
        self._rng = rng
        self._carry = carry
        self._ended = ended
        self._opened = 0

    def open(self, end: LinkEnd) -> None:
        """The socket is up at this end: let the handshake begin."""
        identity = end.host.identity
        assert identity is not None
        self._opened += 1
        rng = self._rng.stream(f"channel {self._opened}")
        machine = SecuredEnd(end, self._channel(end, identity, rng), self._loop, self._carry, self._ended)
        end.machine = machine
        machine.start()

    def _channel(self, end: LinkEnd, identity: Identity, rng: Rng) -> Libp2pChannel:
        dialled = end.dialled
        return Libp2pChannel(
            ConnectionSide.ACCEPTOR if dialled is None else ConnectionSide.DIALLER,
            LocalPeer(identity, self._network.protocol_id, _AGENT, admits=end.host.admits),
            PeerId(dialled.peer_id) if dialled is not None and dialled.peer_id else None,
            Multiaddr.of_endpoint(end.remote.host, end.remote.port),
            entropy=rng.stream("entropy").bytes,
            rng=rng,
            now=self._loop.queue.now,
        )


class SecuredEnd:
    """One end."""

    __slots__ = ("_carry", "_channel", "_end", "_ended", "_expected", "_loop", "_score", "_wake_at")

    def __init__(self, end: LinkEnd, channel: Libp2pChannel, loop: Loop, carry: Carry, ended: Ended) -> None:
        self._end = end
        self._channel = channel
        self._loop = loop
        self._carry = carry
        self._ended = ended
        self._score = 0
        self._wake_at = 0
        self._expected: deque[tuple[int, int]] = deque()
        """(type, bytes left) of the frames that the other end sent, as they will come out of the channel."""
        end.is_told = False

    def start(self) -> None:
        """The socket is up."""
        self._pump()

    def send(self, frame: bytes, kind: int) -> None:
        if self._end.is_open and self._end.is_told:
            other = self._end.other.machine
            if isinstance(other, SecuredEnd):
                other.expect(kind, len(frame))
            self._take(lambda: self._channel.send(frame))

    def expect(self, kind: int, size: int) -> None:
        """A frame set out for this end."""
        self._expected.append((kind, size))
        self._end.host.traffic.widen(kind)

    def receive(self, data: bytes) -> None:
        self._take(lambda: self._channel.receive(data, self._loop.queue.now))

    def close(self, reason: str, *, is_gated: bool = False) -> None:
        self._channel.close(reason, is_gated=is_gated)
        self._flush()

    # --- inside ---

    def _take(self, step: Callable[[], None]) -> None:
        """What the remote broke stands among the channel's events as its end."""
        try:
            step()
        except PeerFault as fault:
            self._score = max(self._score, fault.score)
        self._pump()

    def _pump(self) -> None:
        """Hand on what happened, write what is to be written, wake up in time."""
        while self._end.is_open:
            events = self._channel.take_events()
            for event in events:
                match event:
                    case ChannelReady(peer_id):
                        self._on_ready(peer_id)
                    case ChannelData(data):
                        self._count(len(data))
                        self._loop.post(self._end.host, BytesReceived(self._end.conn, data))
                        self._channel.consumed(len(data))
                    case ChannelClosed(reason):
                        self._flush()
                        self._ended(self._end, reason, self._score)
                    case ChannelIdentified() | ChannelPinged():
                        # The version message says what a session needs.
                        pass
            if not self._flush() and not events:
                self._wake()
                return

    def _on_ready(self, peer_id: bytes) -> None:
        end = self._end
        end.is_told = True
        end.remote = NodeAddress(end.remote.host, end.remote.port, peer_id)
        local = NodeAddress(end.host.address.host, end.host.address.port)
        self._loop.post(end.host, ConnectionOpened(end.conn, end.remote, end.dialled is None, local))

    def _flush(self) -> bool:
        wrote = False
        while self._end.is_open and (output := self._channel.take_output()):
            wrote = True
            self._carry(self._end, freight_of_bytes(output))
        return wrote

    def _count(self, size: int) -> None:
        """Bytes of frames, counted for what they are."""
        traffic = self._end.host.traffic
        while size:
            kind, left = self._expected.popleft()
            part = min(size, left)
            size -= part
            traffic.received_bytes[kind] += part
            if part == left:
                traffic.received_messages[kind] += 1
            else:
                self._expected.appendleft((kind, left - part))

    def _wake(self) -> None:
        deadline = self._channel.next_deadline()
        if deadline is None or 0 < self._wake_at <= deadline:
            return
        self._wake_at = max(deadline, self._loop.queue.now)
        self._loop.queue.at(self._wake_at, self._ring)

    def _ring(self, _: object, __: object) -> None:
        now = self._loop.queue.now
        # An alarm that an earlier one replaced finds the work done.
        if not self._end.is_open or not 0 < self._wake_at <= now:
            return
        self._wake_at = 0
        self._take(lambda: self._channel.on_deadline(now))
