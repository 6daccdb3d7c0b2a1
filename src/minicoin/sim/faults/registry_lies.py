"""A registry that lies, to each node something else: nodes at addresses of others, nodes that do not exist, everybody
gone, and records that are old, forged, of strangers, or none.

It is what a node is told that matters, and by which events: the carrier that reads a registry (drivers/registry) is a
driver, apart from the laboratory, and is held by tests of its own to what is kept here, too: so many nodes and records
to an event, and so many events in a time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from minicoin.core.events import AddressesFound, AddressesWithdrawn, Event, RecordsHeard
from minicoin.core.libp2p.identity import SEED_BYTES, Identity
from minicoin.core.limits import (
    REGISTRY_DELIVERY_EVERY_US,
    REGISTRY_NODES_PER_EVENT_MAX,
    REGISTRY_RECORDS_PER_EVENT_MAX,
)
from minicoin.core.node.node import Node
from minicoin.core.primitives.address import AddressSource, NodeAddress, Services, TimedAddress
from minicoin.core.records.kinds import KINDS
from minicoin.core.records.record import unsigned_record, with_signature
from minicoin.core.rng import Rng
from minicoin.core.units import Micros, seconds
from minicoin.sim.faults.host_faults import NodesFault
from minicoin.sim.faults.scene import Scene
from minicoin.world.host import Host

_ORIGIN: Final = "registry"
_NOBODY: Final = 4
"""Nodes that do not exist, each time."""
_OLD_MAX: Final = 64
_STRANGERS_KIND: Final = "status"


class RegistryLiesFault(NodesFault):
    """Told again and again, until it ends; then the registry is as good as gone."""

    def __init__(self, targets: list[str], nodes: Mapping[int, None], every_us: int, rng: Rng) -> None:
        super().__init__("registry-lies", targets, nodes)
        self._every_us = max(every_us, REGISTRY_DELIVERY_EVERY_US)
        self._rng = rng
        self._turn = 0
        self._old: dict[bytes, None] = {}
        """Records as they were when they were seen first."""
        self._is_over = False

    def start(self, scene: Scene) -> None:
        self._tell(scene, None)

    def stop(self, scene: Scene) -> None:
        self._is_over = True

    def _tell(self, scene: Scene, _: object) -> None:
        if self._is_over:
            return
        self._turn += 1
        for host in self.hosts(scene):
            if host.node is None:
                continue
            for event in self._lies(scene, host, host.node):
                scene.world.tell(host, event)
                self.fired += 1
        scene.world.queue.at(scene.world.now + self._every_us, self._tell, scene)

    def _lies(self, scene: Scene, host: Host, node: Node) -> Iterator[Event]:
        now = host.clock.read(scene.world.now)
        others = [other.address for other in scene.honest if other is not host][:REGISTRY_NODES_PER_EVENT_MAX]
        yield AddressesWithdrawn(AddressSource.REGISTRY, _ORIGIN, tuple(others))
        # Each is said to be where another one is; another one at each node and each time.
        shift = 1 + (self._turn + host.index) % max(1, len(others) - 1)
        places = others[shift:] + others[:shift]
        moved = [replace(place, peer_id=other.peer_id) for other, place in zip(others, places, strict=True)]
        told = [*moved, *(self._nobody() for _ in range(_NOBODY))][:REGISTRY_NODES_PER_EVENT_MAX]
        timed = tuple(TimedAddress(address, int(Services.NETWORK), seconds(now)) for address in told)
        yield AddressesFound(AddressSource.REGISTRY, _ORIGIN, timed)
        if node.view.records is not None:
            records = [*self._records(node), self._of_stranger(scene, now), self._rng.bytes(200)]
            yield RecordsHeard(_ORIGIN, tuple(records[-REGISTRY_RECORDS_PER_EVENT_MAX:]))

    def _nobody(self) -> NodeAddress:
        host = ".".join(str(octet) for octet in (11, *self._rng.bytes(3)))
        return NodeAddress(host, 8333, self._stranger().peer_id.multihash)

    def _stranger(self) -> Identity:
        return Identity.from_seed(self._rng.bytes(SEED_BYTES))

    def _records(self, node: Node) -> Iterator[bytes]:
        """Those that the node held once, and the ones that it holds with another byte in their value."""
        assert node.view.records is not None
        held = [record for kind in KINDS for record in node.view.records.of_kind(kind)]
        yield from list(self._old)[: REGISTRY_RECORDS_PER_EVENT_MAX // 2]
        for record in held[: REGISTRY_RECORDS_PER_EVENT_MAX // 2 - 2]:
            if len(self._old) < _OLD_MAX:
                self._old[record.encode()] = None
            raw = bytearray(record.encode())
            raw[self._rng.below(len(raw))] ^= 1 + self._rng.below(255)
            yield bytes(raw)

    def _of_stranger(self, scene: Scene, now: Micros) -> bytes:
        """Valid, and nobody's whom anybody knows."""
        record = unsigned_record(KINDS[_STRANGERS_KIND], f"lie-{self._turn}", self._rng.bytes(40), now)
        return with_signature(record, self._stranger(), scene.world.network.network_id).encode()
