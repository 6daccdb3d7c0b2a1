"""How often: buckets that fill with time, one for each name, a bounded number of them.

A bucket that is full says nothing of its name, so it is forgotten; where all places are taken by others, a name that is
not known yet is refused. Else whoever comes by ever new names, which cost nothing, would have a burst with each, or
push the others' debts out.

Of each bucket one number is kept: when it is full again. What is spent at any moment follows from that, as long as time
goes forward, which the core's does.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from minicoin.core.units import SECOND_US, Micros

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and `count` more in each `per_us` after that."""

    burst: int
    count: int
    per_us: int = SECOND_US


class Buckets(Generic[K]):
    """Who was charged how much lately. One that is full again says nothing and is forgotten; where all places are taken
    by others, a name that is not known yet is refused, so that new names buy nobody anything."""

    __slots__ = ("_full_at", "_names_max", "rate")

    def __init__(self, rate: Rate, names_max: int) -> None:
        self.rate = rate
        self._names_max = names_max
        self._full_at: dict[K, int] = {}
        """When each is full again if nobody charges it, in microseconds times `rate.count`; in the order in which they
        were charged last."""

    def __len__(self) -> int:
        return len(self._full_at)

    def has(self, name: K, now: Micros, amount: int = 1) -> bool:
        """Whether there is so much left."""
        spent = self._spent(name, now) + amount * self.rate.per_us
        return spent <= self.rate.burst * self.rate.per_us and self._has_place(name, now)

    def charge(self, name: K, now: Micros, amount: int = 1) -> bool:
        """Whether there is so much left; then it is spent."""
        if not self.has(name, now, amount):
            return False
        spent = self._spent(name, now) + amount * self.rate.per_us
        self._full_at.pop(name, None)
        self._full_at[name] = now * self.rate.count + spent
        self._forget_oldest(now)
        return True

    def forget(self, name: K) -> None:
        """The name means nobody any more."""
        self._full_at.pop(name, None)

    def _forget_oldest(self, now: Micros) -> None:
        # With each charge the one or two that were charged longest ago: so there are never many more than are not full.
        for name in list(islice(self._full_at, 2)):
            if self._spent(name, now):
                break
            del self._full_at[name]

    def _spent(self, name: K, now: Micros) -> int:
        """In parts of one of which there are `per_us`."""
        return max(0, self._full_at.get(name, 0) - now * self.rate.count)

    def _has_place(self, name: K, now: Micros) -> bool:
        if name in self._full_at or len(self._full_at) < self._names_max:
            return True
        full = [other for other in self._full_at if not self._spent(other, now)]
        for other in full:
            del self._full_at[other]
        return bool(full)
