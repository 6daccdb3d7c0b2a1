"""The event queue: one heap ordered by (time, sequence), so that equal times keep the order they were asked for."""

import heapq
from collections.abc import Callable

from minicoin.core.units import Micros

Act = Callable[..., None]
"""What happens: called with the two values it was scheduled with."""


class EventQueue:
    """Virtual time. Nothing in the world happens but through here."""

    __slots__ = ("_heap", "_sequence", "executed", "now")

    def __init__(self, now: Micros) -> None:
        self.now = now
        self.executed = 0
        self._heap: list[tuple[int, int, Act, object, object]] = []
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, time_us: int, act: Act, first: object = None, second: object = None) -> None:
        """Call `act(first, second)` at a time, which must not lie in the past."""
        sequence = self._sequence = self._sequence + 1
        heapq.heappush(self._heap, (time_us, sequence, act, first, second))

    def next_time(self) -> int | None:
        """When the next thing happens."""
        return self._heap[0][0] if self._heap else None

    def run(self, until_us: int, most: int | None = None) -> int:
        """Let happen what is due up to and including `until_us`, at most `most` things; how many there were. Where
        that was all, the time is `until_us` afterwards."""
        heap = self._heap
        pop = heapq.heappop
        executed = 0
        limit = -1 if most is None else most
        while heap and heap[0][0] <= until_us:
            if executed == limit:
                break
            time_us, _, act, first, second = pop(heap)
            self.now = Micros(time_us)
            act(first, second)
            executed += 1
        else:
            self.now = Micros(max(until_us, self.now))
        self.executed += executed
        return executed
