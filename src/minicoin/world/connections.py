"""Connections of the world: dialled, accepted or refused, closed in order or broken, blocked and let go.

Both ends learn of everything one latency apart, so each may act on a connection that the other has given up. Where
connections run libp2p, one is there for its runners when the handshake of its machines has ended; where hosts only have
identities, both ends are told whom they have at the other as if that had been proven.
"""

from collections.abc import Iterator
from typing import Final

from minicoin.core.effects import Dial
from minicoin.core.events import ConnectionClosed, ConnectionOpened, DialFailed, InboundFailed
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId
from minicoin.world.host import Host, LinkEnd
from minicoin.world.loop import Loop
from minicoin.world.meeting import may_meet, meet
from minicoin.world.secured import Secured
from minicoin.world.settings import Barrier, Latency, LinkHook, WorldSettings
from minicoin.world.transport import WorldTransport

# Where nobody listens there is no latency to ask for.
REFUSED_AFTER_US: Final = 40_000
_EPHEMERAL_PORTS: Final = (40_000, 20_000)


class Connections:
    """Opens and closes what the transport sends on."""

    def __init__(
        self, loop: Loop, network: Network, latency: Latency, settings: WorldSettings, rng: Rng, hosts: list[Host]
    ) -> None:
        self.transport = WorldTransport(loop, network, latency, settings)
        self.by_address: dict[tuple[str, int], Host] = {}
        self.barriers: list[Barrier] = []
        self.link_hooks: list[LinkHook] = []
        """Called with each end of a connection as it opens."""
        self.is_meeting = False
        """While it is, whoever dials a node finds it there at once, and the handshake over (meeting.py)."""
        self._loop = loop
        self._queue = loop.queue
        self._latency = latency
        self._hosts = hosts
        self._secured = Secured(loop, network, rng, self.transport.carry, self.close) if settings.runs_libp2p else None
        self._names_peers = settings.has_peer_ids and not settings.runs_libp2p

    def link_ends(self) -> Iterator[LinkEnd]:
        """Every open end, host by host."""
        for host in self._hosts:
            yield from list(host.links.values())

    # --- opening ---

    def is_cut(self, sender: Host, receiver: Host) -> bool:
        """Whether something stands between two hosts."""
        return any(barrier(sender, receiver) for barrier in self.barriers)

    def dial(self, host: Host, effect: Dial) -> None:
        """Open a connection; answered by ConnectionOpened or DialFailed."""
        target = self.by_address.get((effect.address.host, effect.address.port))
        if target is None or not (target.is_up or self.is_meeting):
            self._loop.post(host, DialFailed(effect.conn, effect.address, "connection refused"), REFUSED_AFTER_US)
            return
        if self.barriers and (self.is_cut(host, target) or self.is_cut(target, host)):
            self._loop.post(host, DialFailed(effect.conn, effect.address, "timed out"), effect.timeout_us)
            return
        theirs = ConnId(target.next_inbound)
        target.next_inbound += 2
        first_port, ports = _EPHEMERAL_PORTS
        seen = NodeAddress(host.address.host, first_port + theirs % ports)
        to, back = self._latency(host.index, target.index, 0), self._latency(target.index, host.index, 0)
        near = LinkEnd(host, effect.conn, to, dialled=effect.address, remote=effect.address)
        far = LinkEnd(target, theirs, back, dialled=None, remote=seen)
        near.other, far.other = far, near
        if self._names_peers:
            near.remote = effect.address.of_peer(target.address.peer_id)
            far.remote = seen.of_peer(host.address.peer_id)
        if self.is_meeting:
            # As soon as all that happens now has happened: the target may be switched on a moment later.
            self._queue.at(self._queue.now, self._meet, far, near)
            return
        # A SYN there, a SYN-ACK back: the accepting side knows of the connection first.
        self._queue.at(self._queue.now + near.latency_us, self._accept, far, near)

    def _meet(self, far: LinkEnd, near: LinkEnd) -> None:
        if not may_meet(near) or near.host.runner is not near.runner:
            self._queue.at(self._queue.now + near.latency_us, self._accept, far, near)
            return
        for end in (far, near):
            end.runner = end.host.runner
            end.host.links[end.conn] = end
            end.last_arrival = self._queue.now
            for hook in self.link_hooks:
                hook(end)
        meet(self._loop, far, near)

    def _accept(self, far: LinkEnd, near: LinkEnd) -> None:
        host = far.host
        arrival = self._queue.now + far.latency_us
        if not host.is_up:
            self._queue.at(arrival, self._refused, near)
            return
        host.links[far.conn] = far
        far.runner = host.runner
        for hook in self.link_hooks:
            hook(far)
            hook(near)
        self._queue.at(arrival, self._connected, near)
        far.last_arrival = arrival
        self._open(far)

    def _connected(self, near: LinkEnd, _: object) -> None:
        host = near.host
        if host.runner is not near.runner:
            # It was switched off while it dialled: only the far end is left to be told.
            near.is_open = False
            self.reset(near, "connection reset")
            return
        if not near.other.is_open:
            self._refused(near, None)
            return
        if self._names_peers and not _is_expected(near):
            near.is_open = False
            self._loop.handle(host, DialFailed(near.conn, near.dialled or near.remote, "another peer answered"))
            self.reset(near, "connection reset")
            return
        host.links[near.conn] = near
        self._open(near)

    def _open(self, end: LinkEnd) -> None:
        if self._secured is not None:
            self._secured.open(end)
            return
        self._loop.handle(end.host, ConnectionOpened(end.conn, end.remote, end.dialled is None, end.host.address))

    def _refused(self, near: LinkEnd, _: object) -> None:
        near.is_open = False
        assert near.dialled is not None
        if near.host.runner is near.runner:
            self._loop.handle(near.host, DialFailed(near.conn, near.dialled, "connection refused"))

    # --- closing ---

    def close(self, end: LinkEnd, reason: str, score: int = 0, *, is_gated: bool = False) -> None:
        """Close from this side: what was sent still arrives, then the other side hears of it. `score` is what the
        remote broke; `is_gated` says that it is not admitted."""
        if not end.is_open:
            return
        if end.machine is not None:
            end.machine.close(reason, is_gated=is_gated)
        self.forget(end, reason, score)
        if end.held is not None:
            # A FIN does not pass either: the other side finds out by itself.
            return
        arrival = max(self._queue.now, end.host.lines.up_free) + end.latency_us
        self._queue.at(max(arrival, end.last_arrival), self._finish, end.other)

    def reset(self, end: LinkEnd, reason: str) -> None:
        """Break a connection at once; the other side hears of it one latency later."""
        if end.is_open:
            self.forget(end, reason)
        if end.other.is_open and end.held is None:
            self._queue.at(self._queue.now + end.latency_us, self._closed, end.other)

    def forget(self, end: LinkEnd, reason: str, score: int = 0) -> None:
        """An end is gone for its own host, and the other side is not told."""
        end.is_open = False
        # What is under way to it may be so for long, and would keep all that its runner knew.
        end.runner = None
        end.host.links.pop(end.conn, None)
        self._loop.post(end.host, _end_of(end, reason, score))

    def _finish(self, end: LinkEnd, _: object) -> None:
        """A FIN is there: what came before it may still wait for the downlink."""
        free = end.host.lines.down_free
        if free >= self._queue.now:
            self._queue.at(free, self._closed, end)
        else:
            self._closed(end, None)

    def _closed(self, end: LinkEnd, _: object) -> None:
        if end.is_open:
            end.is_open = False
            # Whoever was switched on since may have a connection of the same number.
            is_known, end.runner = end.host.runner is end.runner, None
            if is_known:
                end.host.links.pop(end.conn, None)
                gone = _end_of(end, "closed by peer", 0)
                if end.machine is None:
                    self._loop.handle(end.host, gone)
                else:
                    # Behind what the machine has just handed on.
                    self._loop.post(end.host, gone)

    # --- blocking ---

    def hold(self, end: LinkEnd) -> None:
        """Nothing sent here arrives any more, until it is let go; what is under way still does."""
        if end.held is None:
            end.held = []

    def let_go(self, end: LinkEnd) -> None:
        """What waited arrives now, in order, as TCP's retransmissions would."""
        held, end.held = end.held, None
        arrival = self._queue.now + end.latency_us
        for sent, size in held or ():
            if end.disturbance is not None:
                end.disturbance.carry(end, sent, size, arrival)
            else:
                self.transport.arrive(end, sent, max(arrival, end.last_arrival))
        if not end.is_open and end.other.is_open:
            self._queue.at(max(arrival, end.last_arrival), self._finish, end.other)


def _is_expected(near: LinkEnd) -> bool:
    """Whether who answered is who was dialled, where that was said."""
    return near.dialled is None or near.dialled.peer_id in (b"", near.remote.peer_id)


def _end_of(end: LinkEnd, reason: str, score: int) -> ConnectionClosed | DialFailed | InboundFailed:
    """What a runner is told of an end: a connection whose opening it never heard of was not there."""
    if end.is_told:
        return ConnectionClosed(end.conn, reason, score)
    if end.dialled is not None:
        return DialFailed(end.conn, end.dialled, reason)
    return InboundFailed(end.remote, reason)
