"""Faults of computers: crashes, losses of nodes, churn, clocks, slow processors and lines, old versions."""

from collections.abc import Mapping

from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.sim.faults.fault import InjectedFault
from minicoin.sim.faults.layers import OldVersion
from minicoin.sim.faults.scene import Scene
from minicoin.world.host import Host

_DRIFT_STEP_US = SECOND_US


class NodesFault(InjectedFault):
    """A fault of certain nodes."""

    def __init__(self, kind: str, targets: list[str], nodes: Mapping[int, None]) -> None:
        super().__init__(kind, targets)
        self._nodes = nodes

    def hosts(self, scene: Scene) -> list[Host]:
        """Whom it strikes."""
        return [host for host in scene.honest if host.index in self._nodes]


class CrashFault(NodesFault):
    """Nodes stop at once, without saving anything, and start again on what their disks hold."""

    def __init__(
        self, targets: list[str], nodes: Mapping[int, None], restart_after_us: int, *, with_disk: bool
    ) -> None:
        super().__init__("crash", targets, nodes)
        self._restart_after_us = restart_after_us
        self._with_disk = with_disk

    def start(self, scene: Scene) -> None:
        queue = scene.world.queue
        for host in self.hosts(scene):
            self.fired += scene.switch_off(host, with_disk=self._with_disk)
            self.last_at = queue.now + self._restart_after_us
            queue.at(self.last_at, self._switch_on, scene, host)

    def _switch_on(self, scene: Scene, host: Host) -> None:
        scene.switch_on(host)


class NodeLossFault(NodesFault):
    """Nodes vanish together, and come back together if the fault ends."""

    def __init__(self, targets: list[str], nodes: Mapping[int, None], *, with_disk: bool, returns: bool) -> None:
        super().__init__("node-loss", targets, nodes)
        self._with_disk = with_disk
        self._returns = returns

    def start(self, scene: Scene) -> None:
        for host in self.hosts(scene):
            self.fired += scene.switch_off(host, with_disk=self._with_disk)

    def stop(self, scene: Scene) -> None:
        if self._returns:
            for host in self.hosts(scene):
                scene.switch_on(host)


class ChurnFault(NodesFault):
    """Nodes leave and come back, at exponential times; at the end all are there."""

    def __init__(
        self,
        targets: list[str],
        nodes: Mapping[int, None],
        means_us: tuple[int, int],
        rng: Rng,
        *,
        with_disk: bool,
    ) -> None:
        """`means_us`: of a stay, of an absence."""
        super().__init__("churn", targets, nodes)
        self._stay_us, self._absence_us = means_us
        self._rng = rng
        self._with_disk = with_disk
        self._is_over = False

    def start(self, scene: Scene) -> None:
        for host in self.hosts(scene):
            self._plan(scene, host)

    def stop(self, scene: Scene) -> None:
        self._is_over = True

    def _plan(self, scene: Scene, host: Host) -> None:
        queue = scene.world.queue
        queue.at(queue.now + self._rng.exponential_us(self._stay_us), self._leave, scene, host)

    def _leave(self, scene: Scene, host: Host) -> None:
        if self._is_over:
            return
        queue = scene.world.queue
        self.fired += scene.switch_off(host, with_disk=self._with_disk)
        back_at = queue.now + self._rng.exponential_us(self._absence_us)
        self.last_at = max(self.last_at, back_at)
        queue.at(back_at, self._return, scene, host)

    def _return(self, scene: Scene, host: Host) -> None:
        scene.switch_on(host)
        self._plan(scene, host)


class BandwidthCapFault(NodesFault):
    """Lines shrink."""

    def __init__(self, targets: list[str], nodes: Mapping[int, None], up_rate: int, down_rate: int) -> None:
        """Bytes per second at most, 0: that direction is left alone."""
        super().__init__("bandwidth-cap", targets, nodes)
        self._up_rate = up_rate
        self._down_rate = down_rate

    def start(self, scene: Scene) -> None:
        for host in self.hosts(scene):
            before = (host.lines.up_rate, host.lines.down_rate)
            scene.cap_lines(host, self, self._up_rate, self._down_rate)
            self.fired += (host.lines.up_rate, host.lines.down_rate) != before

    def stop(self, scene: Scene) -> None:
        for host in self.hosts(scene):
            scene.uncap_lines(host, self)


class SlowCpuFault(NodesFault):
    """Verification takes longer."""

    def __init__(self, targets: list[str], nodes: Mapping[int, None], factor: float) -> None:
        super().__init__("slow-cpu", targets, nodes)
        self._factor = factor
        self._worked: dict[int, int] = {}

    def start(self, scene: Scene) -> None:
        for host in self.hosts(scene):
            scene.slow_down(host, self, self._factor)
            self._worked[host.index] = host.worker_free

    def stop(self, scene: Scene) -> None:
        for host in self.hosts(scene):
            scene.speed_up(host, self)
            # It did something where there was work to slow down.
            self.fired += host.worker_free != self._worked[host.index]


class ClockSkewFault(NodesFault):
    """Clocks are wrong, and may run at a wrong rate, until they are set again."""

    def __init__(self, targets: list[str], nodes: Mapping[int, None], offset_us: int, drift_ppm: float) -> None:
        super().__init__("clock-skew", targets, nodes)
        self._offset_us = offset_us
        self._drift_ppm = drift_ppm
        self._drift_steps = 0
        self._drifted_us = 0
        self._is_over = False

    def start(self, scene: Scene) -> None:
        for host in self.hosts(scene):
            scene.move_clock(host, self._offset_us)
            self.fired += host.is_up
        if self._drift_ppm:
            scene.world.queue.at(scene.world.now + _DRIFT_STEP_US, self._drift, scene)

    def stop(self, scene: Scene) -> None:
        self._is_over = True
        for host in self.hosts(scene):
            scene.move_clock(host, -self._offset_us - self._drifted_us)

    def _drift(self, scene: Scene, _: object) -> None:
        if self._is_over:
            return
        self._drift_steps += 1
        # Of all steps at once: a drift of less than a microsecond a step adds up too.
        step_us = round(self._drift_ppm * self._drift_steps * _DRIFT_STEP_US / 1_000_000) - self._drifted_us
        self._drifted_us += step_us
        for host in self.hosts(scene):
            scene.move_clock(host, step_us)
        scene.world.queue.at(scene.world.now + _DRIFT_STEP_US, self._drift, scene)


class ClockJumpFault(NodesFault):
    """Clocks jump once and stay there."""

    def __init__(self, targets: list[str], nodes: Mapping[int, None], by_us: int) -> None:
        super().__init__("clock-jump", targets, nodes)
        self._by_us = by_us

    def start(self, scene: Scene) -> None:
        for host in self.hosts(scene):
            self.fired += host.is_up
            scene.move_clock(host, self._by_us)


class VersionSkewFault(NodesFault):
    """Nodes restart with an older feature set, and keep it."""

    def __init__(self, targets: list[str], nodes: dict[int, None], version: str) -> None:
        super().__init__("version-skew", targets, nodes)
        self._version = version
        self._layer = OldVersion(nodes, version) if version != "current" else None

    def start(self, scene: Scene) -> None:
        if self._layer is not None:
            scene.weather.add(self._layer)
        for host in self.hosts(scene):
            scene.restart(host)

    def effects(self) -> int:
        return 0 if self._layer is None else self._layer.fired
