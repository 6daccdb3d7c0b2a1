"""A few of many at random, at the price of the few: rounds and pushes draw all the time."""

from collections.abc import Sequence
from typing import TypeVar

from minicoin.core.rng import Rng

T = TypeVar("T")


def choose(rng: Rng, items: Sequence[T], count: int) -> list[T]:
    """At most so many distinct elements, in random order."""
    pool = list(items)
    for at in range(min(count, len(pool))):
        other = at + rng.below(len(pool) - at)
        pool[at], pool[other] = pool[other], pool[at]
    return pool[:count]
