"""Faults of disks, for nodes with a ledger of their own: torn writes and disks without room."""

from collections.abc import Mapping
from functools import partial

from minicoin.core.units import SECOND_US
from minicoin.sim.faults.host_faults import NodesFault
from minicoin.sim.faults.scene import Scene
from minicoin.world.faulty_store import Damage
from minicoin.world.host import Host
from minicoin.world.own_ledger import OwnLedger

# Somebody makes room and starts the node again.
_OPERATOR_US = SECOND_US


class TornWriteFault(NodesFault):
    """The next block a node stores is cut short and the machine goes down with it."""

    def __init__(self, targets: list[str], nodes: Mapping[int, None], damage: Damage, restart_after_us: int) -> None:
        super().__init__("torn-write", targets, nodes)
        self._damage: Damage = damage
        self._restart_after_us = restart_after_us

    def start(self, scene: Scene) -> None:
        for host in self.hosts(scene):
            ledger = host.disk.ledger
            if isinstance(ledger, OwnLedger):
                ledger.store.tear_next(self._damage)
                ledger.on_torn = partial(self._on_torn, scene, host)

    def _on_torn(self, scene: Scene, host: Host) -> None:
        self.fired += 1
        self.last_at = scene.world.now + self._restart_after_us
        # In the middle of an event the node cannot vanish; right after it, before anything else, it does.
        scene.world.queue.at(scene.world.now, self._crash, scene, host)

    def _crash(self, scene: Scene, host: Host) -> None:
        queue = scene.world.queue
        scene.switch_off(host, with_disk=True)
        queue.at(queue.now + self._restart_after_us, self._switch_on, scene, host)

    def _switch_on(self, scene: Scene, host: Host) -> None:
        scene.switch_on(host)


class FullDiskFault(NodesFault):
    """There is no room until the end; then nodes that gave up are started again, as an operator would."""

    def __init__(self, targets: list[str], nodes: Mapping[int, None]) -> None:
        super().__init__("full-disk", targets, nodes)
        self._filled: list[tuple[Host, OwnLedger, int]] = []

    def start(self, scene: Scene) -> None:
        for host in self.hosts(scene):
            ledger = host.disk.ledger
            if isinstance(ledger, OwnLedger):
                ledger.store.is_full = True
                self._filled.append((host, ledger, ledger.store.refused))

    def stop(self, scene: Scene) -> None:
        for host, ledger, refused in self._filled:
            ledger.store.is_full = False
            self.fired += ledger.store.refused - refused
            scene.world.queue.at(scene.world.now + _OPERATOR_US, self._start_again, scene, host)

    def _start_again(self, scene: Scene, host: Host) -> None:
        if host.node is not None and host.node.view.failure:
            scene.restart(host)
