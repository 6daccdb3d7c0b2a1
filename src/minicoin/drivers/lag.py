"""Measures how long the loop keeps its tasks waiting: the overshoot of short sleeps. A loop that lags looks dead."""

from array import array
from dataclasses import dataclass

import trio

# Often enough for percentiles of a minute. At 10 ms it was all that an idle node did: 2.8% of a core.
_PERIOD_SECONDS = 0.05
_SAMPLES = 1_200


@dataclass(frozen=True, slots=True)
class LagSnapshot:
    """Over the last minute, in milliseconds."""

    p50_ms: float
    p99_ms: float
    max_ms: float


class LagMeter:
    """A task that sleeps and looks at its watch."""

    def __init__(self) -> None:
        # A ring of plain numbers: takes its memory once, so that it is never taken for a leak.
        self._samples = array("d", bytes(8 * _SAMPLES))
        self._taken = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            due = trio.current_time() + _PERIOD_SECONDS
            await trio.sleep_until(due)
            self._samples[self._taken % _SAMPLES] = trio.current_time() - due
            self._taken += 1

    def snapshot(self) -> LagSnapshot:
        """Percentiles of what was measured."""
        ordered = sorted(self._samples[: min(self._taken, _SAMPLES)]) or [0.0]

        def at(share: float) -> float:
            return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1e3

        return LagSnapshot(at(0.5), at(0.99), ordered[-1] * 1e3)
