"""Faults of connections: layers on their messages, blocks, partitions, clogs, half-open and broken connections."""

from collections.abc import Mapping
from typing import Literal, Protocol

from minicoin.core.rng import Rng
from minicoin.sim import draws
from minicoin.sim.faults.fault import InjectedFault
from minicoin.sim.faults.scene import Scene
from minicoin.sim.faults.weather import Between, Layer
from minicoin.world.host import Host, LinkEnd

# Unclogged connections follow each other within this time.
_UNCLOG_GAP_US = 50_000


class CountingLayer(Layer, Protocol):
    """A layer that counts what it did."""

    fired: int


class LayerFault(InjectedFault):
    """Loss, duplicates, reordering, delay, damage and fragments: messages change on their way while it lasts."""

    def __init__(self, kind: str, targets: list[str], layer: CountingLayer) -> None:
        super().__init__(kind, targets)
        self._layer = layer

    def start(self, scene: Scene) -> None:
        scene.weather.add(self._layer)

    def stop(self, scene: Scene) -> None:
        scene.weather.remove(self._layer)

    def effects(self) -> int:
        return self._layer.fired


class LinkBlockFault(InjectedFault):
    """Connections stay open and carry nothing, in one direction or both."""

    def __init__(self, kind: str, targets: list[str], between: Between, *, one_way: bool) -> None:
        super().__init__(kind, targets)
        self._between = between
        self._one_way = one_way

    def holds(self, end: LinkEnd) -> bool:
        found = self._between.sends(end) if self._one_way else self._between.concerns(end)
        self.fired += found
        return found

    def start(self, scene: Scene) -> None:
        scene.weather.block(self)

    def stop(self, scene: Scene) -> None:
        for end in scene.weather.unblock(self):
            scene.weather.free(end, self)


class ClogFault(LinkBlockFault):
    """What is sent piles up, and the connections are let go one after the other, in their order or another."""

    def __init__(self, targets: list[str], between: Between, order: Literal["fifo", "shuffled"], rng: Rng) -> None:
        super().__init__("clog", targets, between, one_way=False)
        self._order = order
        self._rng = rng

    def stop(self, scene: Scene) -> None:
        ends = scene.weather.unblock(self)
        if self._order == "shuffled":
            self._rng.shuffle(ends)
        queue = scene.world.queue
        for number, end in enumerate(ends):
            queue.at(queue.now + number * _UNCLOG_GAP_US, self._free, scene, end)

    def _free(self, scene: Scene, end: LinkEnd) -> None:
        scene.weather.free(end, self)


class PartitionFault(InjectedFault):
    """Nothing passes between groups, and nobody connects across; asymmetric, only towards later groups."""

    def __init__(self, targets: list[str], group_of: Mapping[int, int], *, one_way: bool, resets: bool) -> None:
        super().__init__("partition", targets)
        self._group_of = group_of
        self._one_way = one_way
        self._resets = resets

    def _cuts(self, sender: Host, receiver: Host) -> bool:
        here, there = self._group_of.get(sender.index), self._group_of.get(receiver.index)
        if here is None or there is None or here == there:
            return False
        found = here < there or not self._one_way
        self.fired += found
        return found

    def holds(self, end: LinkEnd) -> bool:
        return self._cuts(end.host, end.other.host)

    def start(self, scene: Scene) -> None:
        scene.world.connections.barriers.append(self._cuts)
        if self._resets:
            for end in scene.world.connections.link_ends():
                if end.is_open and (self.holds(end) or self.holds(end.other)):
                    scene.world.connections.reset(end, "connection reset")
        scene.weather.block(self)

    def stop(self, scene: Scene) -> None:
        scene.world.connections.barriers.remove(self._cuts)
        for end in scene.weather.unblock(self):
            scene.weather.free(end, self)


class LinkLossFault(InjectedFault):
    """Some pairs of nodes have no way to each other: a share of all pairs, each by a draw of its own."""

    def __init__(self, share: float, seed: int) -> None:
        super().__init__("link-loss", [f"{share:.0%} of all pairs"])
        self._share = share
        self._key = draws.draw_key(seed, draws.Purpose.LINK_LOSS)

    def cuts(self, sender: Host, receiver: Host) -> bool:
        """Whether these two are such a pair, whoever of them asks."""
        pair = sorted((sender.index, receiver.index))
        return draws.uniform(draws.word(self._key, *pair)) < self._share

    def start(self, scene: Scene) -> None:
        connections = scene.world.connections
        connections.barriers.append(self.cuts)
        for end in connections.link_ends():
            if end.is_open and self.cuts(end.host, end.other.host):
                self.fired += 1
                connections.reset(end, "connection reset")

    def stop(self, scene: Scene) -> None:
        scene.world.connections.barriers.remove(self.cuts)


class _SomeConnections(InjectedFault):
    """Something happens once to some connections of each node."""

    def __init__(self, kind: str, targets: list[str], nodes: Mapping[int, None], count: int, rng: Rng) -> None:
        super().__init__(kind, targets)
        self._nodes = nodes
        self._count = count
        self._rng = rng

    def start(self, scene: Scene) -> None:
        for host in scene.honest:
            if host.index in self._nodes:
                for end in self._rng.sample(list(host.links.values()), self._count):
                    if end.is_open:
                        self.fired += 1
                        self._strike(scene, end)

    def _strike(self, scene: Scene, end: LinkEnd) -> None:
        raise NotImplementedError


class HalfOpenFault(_SomeConnections):
    """A node forgets a connection and the other side is not told: it speaks to nobody until it gives up."""

    def _strike(self, scene: Scene, end: LinkEnd) -> None:
        scene.world.connections.forget(end, "connection timed out")


class ResetFault(_SomeConnections):
    """A connection breaks in the middle of whatever it carries."""

    def _strike(self, scene: Scene, end: LinkEnd) -> None:
        scene.world.connections.reset(end, "connection reset")
