"""How often: buckets that fill with time, one for each name, a bounded number of them.

A bucket that is full says nothing of its name, so it is forgotten; where all places are taken by others, a name that is
not known yet is refused. Else whoever comes by ever new names, which cost nothing, would have a burst with each, or
push the others' debts out.
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

    __slots__ = ("_levels", "_names_max", "rate")

    def __init__(self, rate: Rate, names_max: int) -> None:
        self.rate = rate
        self._names_max = names_max
        self._levels: dict[K, tuple[int, Micros]] = {}
        """What is spent, in parts of one of which there are `per_us`, and when that was true; in the order in which
        they were charged last."""

    def __len__(self) -> int:
        return len(self._levels)

    def has(self, name: K, now: Micros, amount: int = 1) -> bool:
        """Whether there is so much left."""
        spent = self._spent(name, now) + amount * self.rate.per_us
        return spent <= self.rate.burst * self.rate.per_us and self._has_place(name, now)

    def charge(self, name: K, now: Micros, amount: int = 1) -> bool:
        """Whether there is so much left; then it is spent."""
        if not self.has(name, now, amount):
            return False
        spent = self._spent(name, now) + amount * self.rate.per_us
        self._levels.pop(name, None)
        self._levels[name] = (spent, now)
        self._forget_oldest(now)
        return True

    def forget(self, name: K) -> None:
        """The name means nobody any more."""
        self._levels.pop(name, None)

    def _forget_oldest(self, now: Micros) -> None:
        # With each charge the one or two that were charged longest ago: so there are never many more than are not full.
        for name in list(islice(self._levels, 2)):
            if self._spent(name, now):
                break
            del self._levels[name]

    def _spent(self, name: K, now: Micros) -> int:
        spent, at = self._levels.get(name, (0, now))
        return max(0, spent - max(0, now - at) * self.rate.count)

    def _has_place(self, name: K, now: Micros) -> bool:
        if name in self._levels or len(self._levels) < self._names_max:
            return True
        full = [other for other in self._levels if not self._spent(other, now)]
        for other in full:
            del self._levels[other]
        return bool(full)
