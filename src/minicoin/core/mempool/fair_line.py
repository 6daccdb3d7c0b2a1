"""Whose transaction is verified next: every group of addresses in turn, by what it has cost so far.

Verifying one transaction may take a thousand times as long as another, and whoever sends slow ones pays nothing when
they fail. So time is the currency. The rules, with the reasons:

- The group that has been charged least goes first, and within it the connection that has. Who sends slow transactions
  is served, but after everybody else; nobody is punished for them.
- One verification at a time for each group, hence for each connection. Groups fly together while each is quick; one
  that is ahead of the others by VERIFICATION_LEAD_US flies alone, when nobody else has anything waiting. Otherwise a
  slow sender would be next every time that the quick ones' only one is in flight.
- A charge stays with the group when its connections close, or a new connection would buy a new place in line.
- Whoever comes, or comes back, begins at the charge of those being served: being away saves up nothing.

Time comes in as the cost of what was done; nothing here reads a clock.
"""

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

from minicoin.core.limits import VERIFICATION_CHARGES_REMEMBERED_MAX, VERIFICATION_LEAD_US
from minicoin.core.primitives.transaction import Wtxid
from minicoin.core.units import ConnId

K = TypeVar("K")


class Turns(Generic[K]):
    """Start-time fair queueing over keys: the least charged goes first, ties in order of arrival."""

    __slots__ = ("_away", "_charges", "_clock")

    def __init__(self) -> None:
        self._clock = 0
        """The charge of whoever was served last."""
        self._charges: dict[K, int] = {}
        self._away: dict[K, int] = {}

    def enter(self, key: K) -> None:
        """It has something to be served; no effect where it had."""
        if key not in self._charges:
            self._charges[key] = max(self._away.pop(key, 0), self._clock)

    def leave(self, key: K) -> None:
        """It has nothing left. Remembered while it is ahead of the others."""
        charge = self._charges.pop(key, 0)
        if charge > self._clock:
            self._remember(key, charge)

    def charge(self, key: K, cost: int) -> None:
        """What serving it has cost."""
        if key in self._charges:
            self._charges[key] += cost
        else:
            self._remember(key, max(self._away.pop(key, 0), self._clock) + cost)

    def first(self, keys: Iterable[K], lead_max: int | None = None) -> K | None:
        """Whose turn it is among `keys`, which have all entered; with `lead_max` only who is ahead by no more."""
        key = min(keys, key=self._charges.__getitem__, default=None)
        if key is None or (lead_max is not None and self._charges[key] > self._clock + lead_max):
            return None
        self._clock = max(self._clock, self._charges[key])
        return key

    def _remember(self, key: K, charge: int) -> None:
        self._away[key] = charge
        if len(self._away) > VERIFICATION_CHARGES_REMEMBERED_MAX:
            self._away = {known: owed for known, owed in self._away.items() if owed > self._clock}
        if len(self._away) > VERIFICATION_CHARGES_REMEMBERED_MAX:
            # Who owes least has least to gain from being forgotten.
            del self._away[min(self._away, key=self._away.__getitem__)]


class _Group:
    """What one group has waiting. A connection with nothing waiting is not in `lines`."""

    __slots__ = ("count", "is_busy", "lines", "turns", "weight")

    def __init__(self) -> None:
        self.lines: dict[ConnId, deque[tuple[Wtxid, int]]] = {}
        self.turns: Turns[ConnId] = Turns()
        self.is_busy = False
        self.count = 0
        self.weight = 0


class FairLine:
    """Transactions of peers that wait, by group and connection."""

    __slots__ = ("_busy", "_groups", "_groups_of", "_turns")

    def __init__(self) -> None:
        self._busy = 0
        """How many groups have one in flight."""
        self._turns: Turns[bytes] = Turns()
        self._groups: dict[bytes, _Group] = {}
        self._groups_of: dict[ConnId, bytes] = {}

    def introduce(self, conn: ConnId, group: bytes) -> None:
        """A connection's group; without it a connection is a group of its own."""
        self._groups_of[conn] = group

    def forget(self, conn: ConnId) -> None:
        """The connection is closed; what it sent stays in line."""
        self._groups_of.pop(conn, None)

    def group_of(self, conn: ConnId) -> bytes:
        return self._groups_of.get(conn, b"conn" + conn.to_bytes(8, "big", signed=True))

    def add(self, group: bytes, conn: ConnId, wtxid: Wtxid, weight: int, *, is_first: bool = False) -> None:
        """Behind what this connection has waiting, or before it."""
        members = self._groups.setdefault(group, _Group())
        self._turns.enter(group)
        line = members.lines.setdefault(conn, deque())
        members.turns.enter(conn)
        if is_first:
            line.appendleft((wtxid, weight))
        else:
            line.append((wtxid, weight))
        members.count += 1
        members.weight += weight

    def take(self) -> Wtxid | None:
        """The next one; its group waits for `done` from now on. None where everybody is being served, or is ahead of
        those who are."""
        free = [group for group, members in self._groups.items() if members.lines and not members.is_busy]
        group = self._turns.first(free, VERIFICATION_LEAD_US if self._busy else None)
        if group is None:
            return None
        self._busy += 1
        members = self._groups[group]
        conn = members.turns.first(members.lines)
        assert conn is not None
        wtxid, weight = members.lines[conn].popleft()
        members.is_busy = True
        self._shrink(members, conn, weight)
        return wtxid

    def done(self, group: bytes, conn: ConnId, cost: int) -> None:
        """What was taken is verified, or need not be (cost 0)."""
        members = self._groups[group]
        members.is_busy = False
        self._busy -= 1
        if cost:
            members.turns.charge(conn, cost)
            self._turns.charge(group, cost)
        self._drop_if_empty(group)

    def remove(self, group: bytes, conn: ConnId, wtxid: Wtxid) -> bool:
        """Take one out of the line; False where it does not wait in it."""
        members = self._groups.get(group)
        line = members.lines.get(conn) if members is not None else None
        found = next((entry for entry in line or () if entry[0] == wtxid), None)
        if members is None or line is None or found is None:
            return False
        line.remove(found)
        self._shrink(members, conn, found[1])
        self._drop_if_empty(group)
        return True

    def greediest(self, *, by_weight: bool) -> bytes | None:
        """The group that has most waiting, by count or by weight."""
        waiting = [group for group, members in self._groups.items() if members.lines]
        return max(waiting, key=lambda group: self._size(group, by_weight), default=None)

    def last_of(self, group: bytes) -> Wtxid:
        """The newest of the group's longest line."""
        return max(self._groups[group].lines.values(), key=len)[-1][0]

    def _size(self, group: bytes, by_weight: bool) -> int:
        return self._groups[group].weight if by_weight else self._groups[group].count

    def _shrink(self, members: _Group, conn: ConnId, weight: int) -> None:
        members.count -= 1
        members.weight -= weight
        if not members.lines[conn]:
            del members.lines[conn]
            members.turns.leave(conn)

    def _drop_if_empty(self, group: bytes) -> None:
        members = self._groups[group]
        if not members.lines and not members.is_busy:
            del self._groups[group]
            self._turns.leave(group)
