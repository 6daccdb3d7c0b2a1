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

from minicoin.sim import bandwidth, draws

F = TypeVar("F", bound=Callable[..., object])

COMPILES: Final = find_spec("numba") is not None and os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"

HEAP_SIZE, SEQUENCE, EVENTS = 0, 1, 2
HEAP_CAPACITY_FIRST: Final = 1 << 12


class Heap(NamedTuple):
    """Event i happens at when[i] as number order[i]; what[i] is the packed event. Plain Python keeps tuples."""

    when: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]
    what: npt.NDArray[np.int64]


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
        return Heap(*(np.zeros(HEAP_CAPACITY_FIRST, dtype=np.int64) for _ in range(3)))

    @compiled
    def with_room(heap: Heap, clock: npt.NDArray[np.int64], count: int) -> Heap:
        """The queue, moved to a larger one when `count` more events might not fit."""
        if clock[HEAP_SIZE] + count <= len(heap.when):
            return heap
        more = np.zeros(len(heap.when) + count, dtype=np.int64)
        return Heap(
            np.concatenate((heap.when, more)), np.concatenate((heap.order, more)), np.concatenate((heap.what, more))
        )

    @compiled
    def push(heap: Heap, clock: npt.NDArray[np.int64], when: int, what: int) -> None:
        """Add an event behind all others of its time."""
        order = clock[SEQUENCE]
        clock[SEQUENCE] += 1
        at = clock[HEAP_SIZE]
        clock[HEAP_SIZE] += 1
        while at > 0:
            above = (at - 1) >> 1
            if heap.when[above] <= when:
                break
            heap.when[at], heap.order[at], heap.what[at] = heap.when[above], heap.order[above], heap.what[above]
            at = above
        heap.when[at], heap.order[at], heap.what[at] = when, order, what

    @compiled
    def pop(heap: Heap, clock: npt.NDArray[np.int64]) -> tuple[int, int]:
        """Take the next event: (time, packed event)."""
        first = heap.when[0], heap.what[0]
        clock[EVENTS] += 1
        clock[HEAP_SIZE] -= 1
        size = clock[HEAP_SIZE]
        when, order, what = heap.when[size], heap.order[size], heap.what[size]
        at = 0
        while True:
            below = 2 * at + 1
            if below >= size:
                break
            other = below + 1
            if other < size and (
                heap.when[other] < heap.when[below]
                or (heap.when[other] == heap.when[below] and heap.order[other] < heap.order[below])
            ):
                below = other
            if when < heap.when[below] or (when == heap.when[below] and order < heap.order[below]):
                break
            heap.when[at], heap.order[at], heap.what[at] = heap.when[below], heap.order[below], heap.what[below]
            at = below
        heap.when[at], heap.order[at], heap.what[at] = when, order, what
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
        return cast(Heap, ([], [], []))

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
