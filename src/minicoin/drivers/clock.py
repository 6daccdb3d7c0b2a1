"""The clock of the real world: Unix time in microseconds that never goes backwards.

Anchored once to the wall clock and advanced by the monotonic one that counts sleep, so that neither an adjusted
clock nor a suspended laptop lets timers run backwards or all at once.
"""

import time

from minicoin.core.units import Micros

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class WallClock:
    """Callable: the present moment."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.clock_gettime_ns(_CLOCK)

    def __call__(self) -> Micros:
        return Micros((time.clock_gettime_ns(_CLOCK) + self._offset_ns) // 1_000)
