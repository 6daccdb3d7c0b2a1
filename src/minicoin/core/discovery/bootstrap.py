"""When to ask the DNS seeds: at once with an empty address book, else only when known addresses bring too few peers.

Asking seeds tells their operators and the resolver that a node starts here, so it is the last resort, a few at a time.
Static seed nodes are connmgr's one-shot dials.
"""

from collections.abc import Callable, Iterable

from minicoin.core.alarm import Alarm
from minicoin.core.discovery.policy import DiscoveryPolicy
from minicoin.core.effects import Effect, Resolve
from minicoin.core.part import Part
from minicoin.core.rng import Rng
from minicoin.core.units import Micros

_SEEDS_AT_ONCE = 3


class Bootstrap(Part):
    """The first addresses of a node."""

    def __init__(self, policy: DiscoveryPolicy, rng: Rng, count_ready: Callable[[], int]) -> None:
        """`count_ready` says how many peers that we dialled are there."""
        self._policy = policy
        self._count_ready = count_ready
        self.alarm = Alarm()
        self._rng = rng.stream("bootstrap")
        self._waiting: list[str] = []
        self._ask_at: Micros | None = None

    def start(self, now: Micros, book_size: int) -> None:
        """The node begins, with so many addresses from earlier runs."""
        if self._policy.dns_seeds:
            self._ask_at = now if book_size == 0 else Micros(now + self._policy.dns_delay_us)
            self.alarm.by(self._ask_at)

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        """Ask the next few seeds, unless enough outbound peers are there by now."""
        if self._ask_at is None or self._ask_at > now:
            return []
        if self._count_ready() >= self._policy.dns_enough_peers:
            self._waiting.clear()
            self._ask_at = Micros(now + self._policy.dns_retry_us)
            return []
        if not self._waiting:
            self._waiting = list(self._policy.dns_seeds)
            self._rng.shuffle(self._waiting)
        asked, self._waiting = self._waiting[:_SEEDS_AT_ONCE], self._waiting[_SEEDS_AT_ONCE:]
        pause_us = self._policy.dns_delay_us if self._waiting else self._policy.dns_retry_us
        self._ask_at = Micros(now + pause_us)
        return [Resolve(host, self._policy.default_port) for host in asked]

    def next_deadline(self) -> Micros | None:
        return self._ask_at
