"""When an address may be dialled again after it failed.

The wait doubles with each failure in a row up to a cap, both the caller's, give or take a quarter: else all that lost
one node at one moment would come back at one moment. A good connection forgets them. Bounded: of too many the one that
failed longest ago is forgotten, and may be dialled at once.
"""

from minicoin.core.limits import BACKOFFS_REMEMBERED_MAX
from minicoin.core.rng import Rng
from minicoin.core.units import Micros

Endpoint = tuple[str, int]
"""Host and port: what a dial needs, and what may be dialled once at a time."""


class Backoff:
    """Failures per endpoint."""

    __slots__ = ("_failures", "_rng")

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._failures: dict[Endpoint, tuple[int, Micros]] = {}

    def ready_at(self, endpoint: Endpoint) -> Micros:
        """The earliest time to dial; zero for one without failures."""
        return self._failures.get(endpoint, (0, Micros(0)))[1]

    def failures(self, endpoint: Endpoint) -> int:
        """Failures in a row."""
        return self._failures.get(endpoint, (0, Micros(0)))[0]

    def fail(self, endpoint: Endpoint, now: Micros, *, base_us: int, max_us: int) -> None:
        """Count a failure: the wait doubles, give or take a quarter."""
        count = self._failures.pop(endpoint, (0, Micros(0)))[0] + 1
        # A shift above 40 would only overflow what the cap cuts off anyway.
        wait_us = min(base_us << min(count - 1, 40), max_us)
        jittered_us = wait_us * 3 // 4 + self._rng.below(wait_us // 2 + 1)
        self._failures[endpoint] = (count, Micros(now + jittered_us))
        if len(self._failures) > BACKOFFS_REMEMBERED_MAX:
            del self._failures[next(iter(self._failures))]

    def forget(self, endpoint: Endpoint) -> None:
        """The connection was good: the next failure is the first."""
        self._failures.pop(endpoint, None)
