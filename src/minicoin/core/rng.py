"""The only source of chance in the core: a counter-based generator, one stream per (seed, purpose).

SHA-256 in counter mode over seed and purpose; the real world seeds it with 32 bytes from the OS, the simulator with
the scenario's seed, and equal seeds give equal streams on every Python. Keys and ephemeral secrets never come from
here: they enter through an entropy port.
"""

import hashlib
import math
from collections.abc import MutableSequence, Sequence
from typing import TypeVar

T = TypeVar("T")


class Rng:
    """A deterministic stream. Streams of different purposes are independent of each other."""

    __slots__ = ("_block", "_counter", "_key", "_used")

    def __init__(self, seed: bytes, purpose: str = "") -> None:
        self._key = hashlib.sha256(len(seed).to_bytes(8, "little") + seed + purpose.encode()).digest()
        self._counter = 0
        self._block = b""
        self._used = 0

    def stream(self, purpose: str) -> "Rng":
        """An independent stream; asking does not advance this one."""
        return Rng(self._key, purpose)

    @property
    def position(self) -> int:
        """How many bytes were drawn: what a digest of the state shows of this stream."""
        return 32 * self._counter - len(self._block) + self._used

    def bytes(self, count: int) -> bytes:
        """The next `count` bytes."""
        while len(self._block) - self._used < count:
            fresh = hashlib.sha256(self._key + self._counter.to_bytes(8, "little")).digest()
            self._counter += 1
            self._block = self._block[self._used :] + fresh
            self._used = 0
        start = self._used
        self._used = start + count
        return self._block[start : self._used]

    def below(self, limit: int) -> int:
        """A uniform integer in [0, limit); `limit` must be positive and below 2**56."""
        # 64 bits against a limit of at most 2**56 leave a bias below 2**-8 of nothing: 1/256 of one part in 2**56.
        return (int.from_bytes(self.bytes(8), "little") * limit) >> 64

    def uniform(self) -> float:
        """A float in [0, 1) with 53 random bits."""
        return (int.from_bytes(self.bytes(8), "little") >> 11) * 2.0**-53

    def exponential_us(self, mean_us: int) -> int:
        """A Poisson waiting time with the given mean, in whole microseconds."""
        return round(-math.log(1.0 - self.uniform()) * mean_us)

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`, which must not be empty."""
        return items[self.below(len(items))]

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Permute in place (Fisher-Yates)."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """At most `count` distinct elements in random order."""
        pool = list(items)
        self.shuffle(pool)
        return pool[:count]
