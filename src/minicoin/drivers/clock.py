"""The clocks of the real world: Unix time in microseconds, and the core's, which a test may hold still.

The wall clock is anchored once to the system's and advanced by the monotonic one that counts sleep, so that neither an
adjusted clock nor a suspended laptop lets timers run backwards or all at once. Sockets, handshakes and logs go by it;
only the core's `now` goes by NodeClock.
"""

import time
from collections.abc import Callable

from minicoin.core.units import Micros

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class WallClock:
    """Callable: the present moment."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.clock_gettime_ns(_CLOCK)

    def __call__(self) -> Micros:
        return Micros((time.clock_gettime_ns(_CLOCK) + self._offset_ns) // 1_000)


class NodeClock:
    """Callable: the time the core is told. That of `wall`, unless a test let it stand somewhere."""

    def __init__(self, wall: Callable[[], Micros]) -> None:
        self.wall = wall
        self._at: Micros | None = None

    def __call__(self) -> Micros:
        return self.wall() if self._at is None else self._at

    @property
    def is_standing(self) -> bool:
        """Whether no deadline comes by waiting."""
        return self._at is not None

    def set(self, at: Micros | None) -> None:
        """Stand at this time; None runs on with the wall clock."""
        self._at = at

    def wall_time(self, at: Micros) -> Micros:
        """When a time of the core's comes by the wall clock, as things stand."""
        return Micros(self.wall() + at - self())
