"""Measures how long the loop keeps its tasks waiting: the overshoot of short sleeps. A loop that lags looks dead."""

from collections import deque
from dataclasses import dataclass

import trio

_PERIOD_SECONDS = 0.01
_SAMPLES = 6_000


@dataclass(frozen=True, slots=True)
class LagSnapshot:
    """Over the last minute, in milliseconds."""

    p50_ms: float
    p99_ms: float
    max_ms: float


class LagMeter:
    """A task that sleeps and looks at its watch."""

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=_SAMPLES)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            due = trio.current_time() + _PERIOD_SECONDS
            await trio.sleep_until(due)
            self._samples.append(trio.current_time() - due)

    def snapshot(self) -> LagSnapshot:
        """Percentiles of what was measured."""
        ordered = sorted(self._samples) or [0.0]

        def at(share: float) -> float:
            return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1e3

        return LagSnapshot(at(0.5), at(0.99), ordered[-1] * 1e3)
