"""Connections of the world: dialled, accepted or refused, closed in order or broken, blocked and let go.

Both ends learn of everything one latency apart, so each may act on a connection that the other has given up.
"""

from collections.abc import Iterator
from typing import Final

from minicoin.core.effects import Dial
from minicoin.core.events import ConnectionClosed, ConnectionOpened, DialFailed
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import ConnId, Micros
from minicoin.world.host import Host, LinkEnd
from minicoin.world.settings import Barrier, Latency, LinkHook, WorldSettings
from minicoin.world.transport import Transport

# Where nobody listens there is no latency to ask for.
REFUSED_AFTER_US: Final = 40_000


class Connections(Transport):
    """Opens and closes what Transport sends on."""

    def __init__(self, network: Network, latency: Latency, settings: WorldSettings, started_at: Micros) -> None:
        super().__init__(network, latency, settings, started_at)
        self.hosts: list[Host] = []
        self.by_address: dict[tuple[str, int], Host] = {}
        self.barriers: list[Barrier] = []
        self.link_hooks: list[LinkHook] = []
        """Called with each end of a connection as it opens."""

    def link_ends(self) -> Iterator[LinkEnd]:
        """Every open end, host by host."""
        for host in self.hosts:
            yield from list(host.links.values())

    # --- opening ---

    def is_cut(self, sender: Host, receiver: Host) -> bool:
        """Whether something stands between two hosts."""
        return any(barrier(sender, receiver) for barrier in self.barriers)

    def _dial(self, host: Host, effect: Dial) -> None:
        target = self.by_address.get((effect.address.host, effect.address.port))
        if target is None or not target.is_up:
            self._post(host, DialFailed(effect.conn, effect.address, "connection refused"), REFUSED_AFTER_US)
            return
        if self.barriers and (self.is_cut(host, target) or self.is_cut(target, host)):
            self._post(host, DialFailed(effect.conn, effect.address, "timed out"), effect.timeout_us)
            return
        theirs = ConnId(target.next_inbound)
        target.next_inbound += 2
        near = LinkEnd(host, effect.conn, self._latency(host.index, target.index, 0), dialled=effect.address)
        far = LinkEnd(target, theirs, self._latency(target.index, host.index, 0), dialled=None)
        near.other, far.other = far, near
        # A SYN there, a SYN-ACK back: the accepting side knows of the connection first.
        self.queue.at(self.queue.now + near.latency_us, self._accept, far, near)

    def _accept(self, far: LinkEnd, near: LinkEnd) -> None:
        host, dialler = far.host, near.host
        arrival = self.queue.now + far.latency_us
        if not host.is_up:
            self.queue.at(arrival, self._refused, near)
            return
        host.links[far.conn] = far
        far.runner = host.runner
        for hook in self.link_hooks:
            hook(far)
            hook(near)
        self.queue.at(arrival, self._connected, near)
        far.last_arrival = arrival
        remote = NodeAddress(dialler.address.host, 40_000 + far.conn % 20_000)
        self._handle(host, ConnectionOpened(far.conn, remote, True, host.address))

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
        host.links[near.conn] = near
        assert near.dialled is not None
        self._handle(host, ConnectionOpened(near.conn, near.dialled, False, host.address))

    def _refused(self, near: LinkEnd, _: object) -> None:
        near.is_open = False
        assert near.dialled is not None
        if near.host.runner is near.runner:
            self._handle(near.host, DialFailed(near.conn, near.dialled, "connection refused"))

    # --- closing ---

    def close(self, end: LinkEnd, reason: str) -> None:
        """Close from this side: what was sent still arrives, then the other side hears of it."""
        if not end.is_open:
            return
        self._forget(end, reason)
        if end.held is not None:
            # A FIN does not pass either: the other side finds out by itself.
            return
        arrival = max(self.queue.now, end.host.up_free) + end.latency_us
        self.queue.at(max(arrival, end.last_arrival), self._finish, end.other)

    def reset(self, end: LinkEnd, reason: str) -> None:
        """Break a connection at once; the other side hears of it one latency later."""
        if end.is_open:
            self._forget(end, reason)
        if end.other.is_open and end.held is None:
            self.queue.at(self.queue.now + end.latency_us, self._closed, end.other)

    def _forget(self, end: LinkEnd, reason: str) -> None:
        end.is_open = False
        end.host.links.pop(end.conn, None)
        self._post(end.host, ConnectionClosed(end.conn, reason))

    def _finish(self, end: LinkEnd, _: object) -> None:
        """A FIN is there: what came before it may still wait for the downlink."""
        free = end.host.down_free
        if free >= self.queue.now:
            self.queue.at(free, self._closed, end)
        else:
            self._closed(end, None)

    def _closed(self, end: LinkEnd, _: object) -> None:
        if end.is_open:
            end.is_open = False
            # Whoever was switched on since may have a connection of the same number.
            if end.host.runner is end.runner:
                end.host.links.pop(end.conn, None)
                self._handle(end.host, ConnectionClosed(end.conn, "closed by peer"))

    # --- blocking ---

    def hold(self, end: LinkEnd) -> None:
        """Nothing sent here arrives any more, until it is let go; what is under way still does."""
        if end.held is None:
            end.held = []

    def let_go(self, end: LinkEnd) -> None:
        """What waited arrives now, in order, as TCP's retransmissions would."""
        held, end.held = end.held, None
        arrival = self.queue.now + end.latency_us
        for sent, size in held or ():
            if end.disturbance is not None:
                end.disturbance.carry(end, sent, size, arrival)
            else:
                self.arrive(end, sent, max(arrival, end.last_arrival))
        if not end.is_open and end.other.is_open:
            self.queue.at(max(arrival, end.last_arrival), self._finish, end.other)
