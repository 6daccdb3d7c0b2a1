"""The lanes of the chain worker: which job runs next.

- CONSENSUS: what changes the chain (blocks, headers, activation, rescans, watched scripts) and blocks that are proposed
  on it, in the order asked.
- OPERATOR: our own transactions and the reads of RPC.
- PEERS: strangers' transactions and the blocks they ask for.
- LONG: reads of the whole coin set, a slice at a time.

The first lane that has something goes first, so a block waits for the one job under way and not for a line of
transactions. A node that syncs always has blocks waiting: the operator must be heard all the same, and a long read has
to end some time, so these two are passed over so many times and then go first, once. Strangers never do.
"""

from collections import deque
from enum import IntEnum
from typing import Final, Generic, TypeVar

J = TypeVar("J")


class Lane(IntEnum):
    """In order of urgency."""

    CONSENSUS = 0
    OPERATOR = 1
    PEERS = 2
    LONG = 3


_PATIENCE: Final = {Lane.OPERATOR: 4, Lane.LONG: 8}
"""How many other jobs may be taken while something waits in the lane."""


class Lanes(Generic[J]):
    """Jobs by lane. For one thread at a time."""

    def __init__(self) -> None:
        self._jobs: dict[Lane, deque[J]] = {lane: deque() for lane in Lane}
        self._passed = dict.fromkeys(_PATIENCE, 0)

    def __len__(self) -> int:
        return sum(map(len, self._jobs.values()))

    def put(self, lane: Lane, job: J) -> None:
        """Behind what waits in this lane."""
        self._jobs[lane].append(job)

    def put_back(self, lane: Lane, job: J) -> None:
        """Before what waits in this lane: it has begun."""
        self._jobs[lane].appendleft(job)

    def take(self) -> J:
        """The next job. There must be one."""
        chosen = self._choose()
        for lane in self._passed:
            self._passed[lane] = self._passed[lane] + 1 if self._jobs[lane] and lane is not chosen else 0
        return self._jobs[chosen].popleft()

    def drain(self, lane: Lane) -> list[J]:
        """Everything that waits in one lane, taken out."""
        jobs = list(self._jobs[lane])
        self._jobs[lane].clear()
        return jobs

    def _choose(self) -> Lane:
        waiting = [lane for lane in Lane if self._jobs[lane]]
        overdue = (lane for lane in waiting if lane in _PATIENCE and self._passed[lane] >= _PATIENCE[lane])
        return next(overdue, waiting[0])
