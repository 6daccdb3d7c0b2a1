"""What all faults of one run share: the world, who is honest, who is down and why, and settings that several change.

Faults overlap: a host is up again only when nobody keeps it down any more, and a rate or a speed is what all that
bear on it leave.
"""

from collections.abc import Callable, Sequence

from minicoin.core.rng import Rng
from minicoin.sim.faults.weather import Weather
from minicoin.world.host import Host
from minicoin.world.ledger import Ledger
from minicoin.world.own_ledger import OwnLedger
from minicoin.world.world import World

FreshLedger = Callable[[Host], Ledger]
"""An empty disk for a host that lost its own."""

# A clock that is set back this much shows up as a restart: a node reads the wall clock once (drivers/clock).
_BACK_UNNOTICED_US = 1_000_000


class Scene:
    """The stage of the faults. `honest` are the nodes that they may strike."""

    def __init__(self, world: World, honest: Sequence[Host], fresh_ledger: FreshLedger) -> None:
        self.world = world
        self.honest = honest
        self.weather = Weather(world)
        self.losses: list[tuple[int, str]] = []
        """(node, what) that a node had told others or its user of, and that was not on its disk after a crash."""
        self._fresh_ledger = fresh_ledger
        self._rng = world.rng.stream("crashes")
        self._down: dict[int, int] = {}
        self._lines: dict[int, tuple[int, int]] = {}
        self._caps: dict[int, list[tuple[object, int, int]]] = {}
        self._speeds: dict[int, tuple[float, list[tuple[object, float]]]] = {}

    def rng(self, number: int) -> Rng:
        """The chance of the fault with this number."""
        return self.world.rng.stream(f"fault {number}")

    # --- power ---

    def switch_off(self, host: Host, *, with_disk: bool) -> bool:
        """Cut the power, once for each fault that wants it; whether it was on. Without its disk the host loses all."""
        self._down[host.index] = self._down.get(host.index, 0) + 1
        was_up = host.is_up
        if was_up:
            tip = None if host.node is None else host.node.view.tree.tip
            self.world.stop(host, "connection reset")
            ledger = host.disk.ledger
            if isinstance(ledger, OwnLedger):
                ledger.crash(self._rng)
                if with_disk and tip is not None and not ledger.store.has(tip.hash):
                    self.losses.append((host.index, f"lost block {tip.header} at height {tip.height} in a crash"))
        if not with_disk:
            self.world.replace_ledger(host, self._fresh_ledger(host))
            host.disk.documents.clear()
        return was_up

    def switch_on(self, host: Host) -> None:
        """One fault less keeps it down."""
        left = self._down.pop(host.index) - 1
        if left:
            self._down[host.index] = left
        elif not host.is_up:
            self.world.restart(host)

    def restart(self, host: Host) -> None:
        """Off and on at once, unless it is down."""
        if host.is_up:
            self.switch_off(host, with_disk=True)
            self.switch_on(host)

    def move_clock(self, host: Host, by_us: int) -> None:
        """Set its clock."""
        host.clock.offset_us += by_us
        if by_us < -_BACK_UNNOTICED_US:
            self.restart(host)
        elif host.is_up:
            # Its timer was set by the old clock.
            host.wake_at = None
            self.world.wake(host)

    # --- settings ---

    def cap_lines(self, host: Host, token: object, up_rate: int, down_rate: int) -> None:
        """No more than these bytes per second while `token` bears on it; 0 leaves a direction alone."""
        self._lines.setdefault(host.index, (host.lines.up_rate, host.lines.down_rate))
        self._caps.setdefault(host.index, []).append((token, up_rate, down_rate))
        self._set_lines(host)

    def uncap_lines(self, host: Host, token: object) -> None:
        """Take that back."""
        self._caps[host.index] = [cap for cap in self._caps[host.index] if cap[0] is not token]
        self._set_lines(host)

    def _set_lines(self, host: Host) -> None:
        up_rate, down_rate = self._lines[host.index]
        caps = self._caps[host.index]
        host.lines.up_rate = min([rate for rate in (up_rate, *(cap[1] for cap in caps)) if rate], default=0)
        host.lines.down_rate = min([rate for rate in (down_rate, *(cap[2] for cap in caps)) if rate], default=0)

    def slow_down(self, host: Host, token: object, factor: float) -> None:
        """Work takes so many times longer while `token` bears on it."""
        _, factors = self._speeds.setdefault(host.index, (host.cpu_factor, []))
        factors.append((token, factor))
        self._set_speed(host)

    def speed_up(self, host: Host, token: object) -> None:
        """Take that back."""
        factors = self._speeds[host.index][1]
        factors[:] = [entry for entry in factors if entry[0] is not token]
        self._set_speed(host)

    def _set_speed(self, host: Host) -> None:
        base, factors = self._speeds[host.index]
        for _, factor in factors:
            base *= factor
        host.cpu_factor = base
