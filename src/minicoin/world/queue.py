"""The event queue, ordered by (time, sequence), so that equal times keep the order they were asked for.

What lies ahead waits unordered in slices of time; only the slice at hand is a heap. At ten thousand nodes a hundred
thousand messages are under way, and a heap of all of them would be compared through a cold cache at every step.
"""

import heapq
from collections.abc import Callable
from typing import Final

from minicoin.core.units import Micros

Act = Callable[..., None]
"""What happens: called with the two values it was scheduled with."""

Entry = tuple[int, int, Act, object, object]

# A slice lasts 2**14 us: long enough to be worth a heap, short enough for that heap to be small.
_SLICE_BITS: Final = 14


class EventQueue:
    """Virtual time. Nothing in the world happens but through here."""

    __slots__ = ("_ahead", "_at_hand", "_heap", "_sequence", "_slices", "executed", "now")

    def __init__(self, now: Micros) -> None:
        self.now = now
        self.executed = 0
        self._sequence = 0
        self._heap: list[Entry] = []
        self._at_hand = now >> _SLICE_BITS
        self._ahead: dict[int, list[Entry]] = {}
        self._slices: list[int] = []
        """Heap of the numbers of the slices ahead."""

    def __len__(self) -> int:
        return len(self._heap) + sum(len(entries) for entries in self._ahead.values())

    def at(self, time_us: int, act: Act, first: object = None, second: object = None) -> None:
        """Call `act(first, second)` at a time, which must not lie in the past."""
        sequence = self._sequence = self._sequence + 1
        number = time_us >> _SLICE_BITS
        if number <= self._at_hand:
            heapq.heappush(self._heap, (time_us, sequence, act, first, second))
            return
        waiting = self._ahead.get(number)
        if waiting is None:
            waiting = self._ahead[number] = []
            heapq.heappush(self._slices, number)
        waiting.append((time_us, sequence, act, first, second))

    def next_time(self) -> int | None:
        """When the next thing happens."""
        if self._heap:
            return self._heap[0][0]
        return min(self._ahead[self._slices[0]])[0] if self._slices else None

    def run(self, until_us: int, most: int | None = None) -> int:
        """Let happen what is due up to and including `until_us`, at most `most` things; how many there were. Where
        that was all, the time is `until_us` afterwards."""
        pop = heapq.heappop
        heap = self._heap
        executed = 0
        limit = -1 if most is None else most
        while executed != limit:
            if not heap:
                if not self._take_slice(until_us):
                    break
                heap = self._heap
            elif heap[0][0] > until_us:
                break
            else:
                time_us, _, act, first, second = pop(heap)
                self.now = Micros(time_us)
                act(first, second)
                executed += 1
        if executed != limit:
            self.now = Micros(max(until_us, self.now))
        self.executed += executed
        return executed

    def _take_slice(self, until_us: int) -> bool:
        """Make the next slice the one at hand, where it begins by `until_us`."""
        if not self._slices or self._slices[0] << _SLICE_BITS > until_us:
            return False
        self._at_hand = heapq.heappop(self._slices)
        self._heap = self._ahead.pop(self._at_hand)
        heapq.heapify(self._heap)
        return True
