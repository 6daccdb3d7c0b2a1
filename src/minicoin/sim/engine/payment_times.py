"""When a scenario's payments are made, and by which sender: at Poisson times from the load's start to its end."""

from collections.abc import Callable

from minicoin.core.units import SECOND_US
from minicoin.sim.scenario.load import Transactions
from minicoin.world.host import Host
from minicoin.world.world import World


class PaymentTimes:
    """Calls `pay` with the host whose turn it is. `rng` also serves what the payment itself draws."""

    def __init__(self, world: World, load: Transactions, pay: Callable[[Host], None]) -> None:
        self.rng = world.rng.stream("payments")
        self._world = world
        self._load = load
        self._pay = pay
        self._mean_us = round(SECOND_US / load.rate_per_s)
        self._ends_at: int | None = None
        self._is_over = False

    def begin(self) -> None:
        """Time zero is now."""
        now = self._world.now
        if self._load.stop_s is not None:
            self._ends_at = now + round(self._load.stop_s * SECOND_US)
        self._wait(now + round(self._load.start_s * SECOND_US))

    def end(self) -> None:
        """No payment from now on."""
        self._is_over = True

    def _wait(self, from_us: int) -> None:
        self._world.queue.at(from_us + self.rng.exponential_us(self._mean_us), self._due)

    def _due(self, _: object, __: object) -> None:
        now = self._world.now
        if self._is_over or (self._ends_at is not None and now >= self._ends_at):
            return
        self._wait(now)
        self._pay(self._world.hosts[self.rng.below(self._load.senders)])
