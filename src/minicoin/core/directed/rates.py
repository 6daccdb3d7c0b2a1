"""How many letters may come: from one connection, from one source group, and in all.

Each rate is a bucket that fills with time and holds LETTERS_BURST_S seconds' worth. A group's bucket outlives its
connections, or a new connection would buy a new burst. Whoever is over one of them pays into none.
"""

from minicoin.core.limits import (
    LETTER_GROUPS_REMEMBERED_MAX,
    LETTERS_BURST_S,
    LETTERS_PER_SECOND,
    LETTERS_PER_SECOND_PER_GROUP,
    LETTERS_PER_SECOND_PER_PEER,
)
from minicoin.core.units import SECOND_US, ConnId, Micros


class Bucket:
    """Counts in millionths of a letter, so that a rate per second is one per microsecond."""

    __slots__ = ("_at", "_held", "_rate")

    def __init__(self, rate: int, now: Micros) -> None:
        self._rate = rate
        self._held = rate * LETTERS_BURST_S * SECOND_US
        self._at = now

    def _fill(self, now: Micros) -> int:
        if now > self._at:
            self._held = min(self._held + (now - self._at) * self._rate, self._rate * LETTERS_BURST_S * SECOND_US)
            self._at = now
        return self._held

    def has_one(self, now: Micros) -> bool:
        """Whether one more may come."""
        return self._fill(now) >= SECOND_US

    def is_full(self, now: Micros) -> bool:
        """Whether it is as good as new."""
        return self._fill(now) >= self._rate * LETTERS_BURST_S * SECOND_US

    def take(self) -> None:
        """One came."""
        self._held -= SECOND_US


class Rates:
    """The buckets of one node."""

    def __init__(self, now: Micros) -> None:
        self._all = Bucket(LETTERS_PER_SECOND, now)
        self._groups: dict[bytes, Bucket] = {}
        self._peers: dict[ConnId, Bucket] = {}

    def take(self, conn: ConnId, group: bytes, now: Micros) -> bool:
        """One letter came by this connection. False: it is one too many."""
        peer = self._peers.get(conn)
        if peer is None:
            peer = self._peers[conn] = Bucket(LETTERS_PER_SECOND_PER_PEER, now)
        buckets = (peer, self._group(group, now), self._all)
        if not all(bucket.has_one(now) for bucket in buckets):
            return False
        for bucket in buckets:
            bucket.take()
        return True

    def _group(self, group: bytes, now: Micros) -> Bucket:
        found = self._groups.get(group)
        if found is not None:
            return found
        if len(self._groups) >= LETTER_GROUPS_REMEMBERED_MAX:
            self._groups = {one: bucket for one, bucket in self._groups.items() if not bucket.is_full(now)}
        found = Bucket(LETTERS_PER_SECOND_PER_GROUP, now)
        if len(self._groups) < LETTER_GROUPS_REMEMBERED_MAX:
            self._groups[group] = found
        return found

    @property
    def group_count(self) -> int:
        """How many are remembered."""
        return len(self._groups)

    def forget(self, conn: ConnId) -> None:
        """The connection is gone."""
        self._peers.pop(conn, None)
