"""What the kernel runs on: numba's compiler when it is installed, plain Python otherwise, with an event queue for each.

Both order events by (time, sequence) and draw by the same keys, so that they give the same result; NUMBA_DISABLE_JIT=1
chooses plain Python where numba is installed. Compiled code is kept in the user's cache (or in NUMBA_CACHE_DIR).
"""

import hashlib
import heapq
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt
import platformdirs

from minicoin.sim import draws
from minicoin.world import bandwidth

F = TypeVar("F", bound=Callable[..., object])

COMPILES: Final = find_spec("numba") is not None and os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"

HEAP_SIZE, SEQUENCE, EVENTS = 0, 1, 2
HEAP_CAPACITY_FIRST: Final = 1 << 12


class Heap(NamedTuple):
    """A heap of four branches with three slots an event: time, number, packed event. Plain Python keeps tuples."""

    slots: npt.NDArray[np.int64]


if COMPILES:
    import numba

    def use_cache() -> bool:
        """Point numba at a cache of these very sources: its own does not see a change in a file that is called."""
        sources = [Path(name) for name in (__file__, bandwidth.__file__, draws.__file__)]
        sources.append(Path(__file__).with_name("kernel.py"))
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
        base = os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_dir("minicoin")
        place = Path(base) / f"model-{digest[:16]}"
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError:
            return False
        numba.config.CACHE_DIR = str(place)
        return os.access(place, os.W_OK)

    CACHES = use_cache()

    def compiled(function: F) -> F:
        """The function as machine code."""
        return cast(F, numba.njit(cache=CACHES)(function))

    def new_heap() -> Heap:
        """An empty queue."""
        return Heap(np.zeros(3 * HEAP_CAPACITY_FIRST, dtype=np.int64))

    @compiled
    def with_room(heap: Heap, clock: npt.NDArray[np.int64], count: int) -> Heap:
        """The queue, moved to a larger one when `count` more events might not fit."""
        if 3 * (clock[HEAP_SIZE] + count) <= len(heap.slots):
            return heap
        return Heap(np.concatenate((heap.slots, np.zeros(len(heap.slots) + 3 * count, dtype=np.int64))))

    @compiled
    def push(heap: Heap, clock: npt.NDArray[np.int64], when: int, what: int) -> None:
        """Add an event behind all others of its time."""
        order = clock[SEQUENCE]
        clock[SEQUENCE] += 1
        slots = heap.slots
        at = 3 * clock[HEAP_SIZE]
        clock[HEAP_SIZE] += 1
        while at > 0:
            above = (at // 3 - 1) // 4 * 3
            if slots[above] <= when:
                break
            slots[at], slots[at + 1], slots[at + 2] = slots[above], slots[above + 1], slots[above + 2]
            at = above
        slots[at], slots[at + 1], slots[at + 2] = when, order, what

    @compiled
    def pop(heap: Heap, clock: npt.NDArray[np.int64]) -> tuple[int, int]:
        """Take the next event: (time, packed event)."""
        slots = heap.slots
        first = slots[0], slots[2]
        clock[EVENTS] += 1
        clock[HEAP_SIZE] -= 1
        end = 3 * clock[HEAP_SIZE]
        when, order, what = slots[end], slots[end + 1], slots[end + 2]
        at = 0
        while True:
            below = 4 * at + 3
            if below >= end:
                break
            for other in range(below + 3, min(below + 12, end), 3):
                if slots[other] < slots[below] or (
                    slots[other] == slots[below] and slots[other + 1] < slots[below + 1]
                ):
                    below = other
            if when < slots[below] or (when == slots[below] and order < slots[below + 1]):
                break
            slots[at], slots[at + 1], slots[at + 2] = slots[below], slots[below + 1], slots[below + 2]
            at = below
        slots[at], slots[at + 1], slots[at + 2] = when, order, what
        return first

    @compiled
    def word(key: int, a: int, b: int, c: int) -> np.uint64:
        """As draws.word, in machine words."""
        z = (
            np.uint64(key)
            + np.uint64(a) * np.uint64(draws.STEP_A)
            + np.uint64(b) * np.uint64(draws.STEP_B)
            + np.uint64(c) * np.uint64(draws.STEP_C)
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(draws.MIX_1)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(draws.MIX_2)
        return z ^ (z >> np.uint64(31))

    @compiled
    def uniform(bits: np.uint64) -> float:
        """As draws.uniform."""
        return (np.float64(bits >> np.uint64(12)) + 0.5) * 2.0**-52

else:

    def compiled(function: F) -> F:
        """The function itself."""
        return function

    def new_heap() -> Heap:
        """An empty queue."""
        return cast(Heap, ([],))

    def with_room(heap: Heap, clock: npt.NDArray[np.int64], count: int) -> Heap:
        """A list has room."""
        return heap

    def push(heap: Heap, clock: npt.NDArray[np.int64], when: int, what: int) -> None:
        """Add an event behind all others of its time."""
        heapq.heappush(cast(list[tuple[int, int, int]], heap[0]), (when, int(clock[SEQUENCE]), what))
        clock[SEQUENCE] += 1
        clock[HEAP_SIZE] += 1

    def pop(heap: Heap, clock: npt.NDArray[np.int64]) -> tuple[int, int]:
        """Take the next event: (time, packed event)."""
        when, _, what = heapq.heappop(cast(list[tuple[int, int, int]], heap[0]))
        clock[EVENTS] += 1
        clock[HEAP_SIZE] -= 1
        return when, what

    def word(key: int, a: int, b: int, c: int) -> np.uint64:
        """draws.word, under the compiled one's type."""
        return cast(np.uint64, draws.word(key, a, b, c))

    def uniform(bits: np.uint64) -> float:
        """draws.uniform, under the compiled one's type."""
        return draws.uniform(cast(int, bits))
