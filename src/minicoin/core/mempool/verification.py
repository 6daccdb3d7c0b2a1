"""The queue in front of the verifier: what waits, what is in flight, and which goes next.

Our own transactions go first, and strangers never take their places in flight. Those of peers go in the order of the
fair line (fair_line.py) and take turns with those that return after a reorg or a restart. One whose parent is in the
queue is parked until the parent's fate is known, so that whole chains of unconfirmed transactions pass without being
mistaken for orphans. When the queue is full, the group of addresses that has most in it makes room.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from minicoin.core.limits import (
    VERIFICATION_WEIGHT_WAITING_MAX,
    VERIFICATIONS_IN_FLIGHT_MAX,
    VERIFICATIONS_WAITING_MAX,
)
from minicoin.core.mempool.fair_line import FairLine
from minicoin.core.primitives.transaction import Transaction, Txid, Wtxid, outpoint_txid
from minicoin.core.units import ConnId, Micros

# However little it took: whoever sends many quick ones takes turns with the others, too.
_LEAST_COST_US = 1


@dataclass(slots=True)
class UnverifiedTx:
    """A transaction on its way into the mempool. `parents` are the unconfirmed ones it was last sent off with, `held`
    those of them that are not in the pool, but wait for it to pay for them (mempool.packages). One that `is_returning`
    stood in the pool or a block before a reorganisation; one that `was_confirmed`, in a block; one that `is_restored`,
    in the pool of an earlier run."""

    transaction: Transaction
    source: ConnId | None
    time: Micros
    is_own: bool = False
    is_returning: bool = False
    is_unbroadcast: bool = False
    is_restored: bool = False
    was_confirmed: bool = False
    parents: tuple[Txid, ...] = ()
    held: tuple[Txid, ...] = ()


class _Line(Enum):
    """Whose transactions wait in it."""

    OWN = 1
    PEERS = 2
    RETURNING = 3


@dataclass(slots=True)
class _Place:
    """Where a candidate waits. `group` and `conn` are those it was queued for, though its connection may be gone."""

    line: _Line
    group: bytes = b""
    conn: ConnId = ConnId(0)


class VerificationQueue:
    """Candidates, each waiting, parked behind a parent, or in flight."""

    __slots__ = (
        "_candidates",
        "_counts",
        "_in_flight",
        "_lines",
        "_parked",
        "_peers",
        "_peers_count",
        "_peers_weight",
        "_places",
        "_txids",
    )

    def __init__(self) -> None:
        self._candidates: dict[Wtxid, UnverifiedTx] = {}
        self._counts: dict[ConnId, int] = {}
        self._places: dict[Wtxid, _Place] = {}
        self._txids: dict[Txid, Wtxid] = {}
        # One is there while anybody waits in it: an empty deque takes as much as one of sixty.
        self._lines: dict[_Line, deque[Wtxid]] = {}
        self._peers = FairLine()
        self._parked: dict[Txid, list[Wtxid]] = {}
        self._in_flight: dict[Wtxid, _Line] = {}
        self._peers_count = 0
        self._peers_weight = 0

    def __len__(self) -> int:
        return len(self._candidates)

    def __contains__(self, identifier: bytes) -> bool:
        """Whether a candidate has this wtxid or txid."""
        return identifier in self._candidates or identifier in self._txids

    def get(self, wtxid: Wtxid) -> UnverifiedTx | None:
        return self._candidates.get(wtxid)

    def restored(self) -> Iterator[UnverifiedTx]:
        """Those of an earlier run that are still to be judged."""
        return (candidate for candidate in self._candidates.values() if candidate.is_restored)

    @property
    def is_returning(self) -> bool:
        """Whether some that a reorganisation took out of blocks or of the pool are still to be judged."""
        return any(candidate.is_returning for candidate in self._candidates.values())

    def has_from(self, source: ConnId) -> bool:
        """Whether a candidate that this connection brought is here."""
        return source in self._counts

    def introduce(self, source: ConnId, group: bytes) -> None:
        """The group of addresses a connection belongs to."""
        self._peers.introduce(source, group)

    def forget(self, source: ConnId) -> None:
        """The connection is closed."""
        self._peers.forget(source)

    def make_room(self, source: ConnId, weight: int) -> bool:
        """Whether a transaction of this weight from a peer finds a place; the newest of a group that has more in the
        queue than the peer's own leaves for it."""
        mine = self._peers.group_of(source)
        while True:
            is_heavy = self._peers_weight + weight > VERIFICATION_WEIGHT_WAITING_MAX
            if not is_heavy and self._peers_count < VERIFICATIONS_WAITING_MAX:
                return True
            greediest = self._peers.greediest(by_weight=is_heavy)
            if greediest is None or greediest == mine:
                return False
            self._leave(self._peers.last_of(greediest))

    def add(self, candidate: UnverifiedTx) -> None:
        """Queue one that is not queued."""
        wtxid = candidate.transaction.wtxid
        self._candidates[wtxid] = candidate
        if candidate.source is not None:
            self._counts[candidate.source] = self._counts.get(candidate.source, 0) + 1
        self._txids[candidate.transaction.txid] = wtxid
        place = self._places[wtxid] = self._place_for(candidate)
        if place.line is _Line.PEERS:
            self._peers_count += 1
            self._peers_weight += candidate.transaction.weight
        self._wait(wtxid, place)

    def make_own(self, wtxid: Wtxid) -> None:
        """A candidate that a peer brought is ours as well from now on: it need not wait among the peers'."""
        candidate, place = self._candidates[wtxid], self._places[wtxid]
        candidate.is_own = True
        if place.line is _Line.PEERS and self._peers.remove(place.group, place.conn, wtxid):
            self._uncount(wtxid)
            self._places[wtxid] = _Place(_Line.OWN)
            self._line(_Line.OWN).append(wtxid)

    def send_next(self) -> UnverifiedTx | None:
        """The next candidate, now in flight; None where none is ready or the verifier has enough."""
        turns = (_Line.PEERS, _Line.RETURNING)
        if len(self._in_flight) % 2:
            turns = (_Line.RETURNING, _Line.PEERS)
        for line in (_Line.OWN, *turns):
            if sum(flying is line for flying in self._in_flight.values()) >= VERIFICATIONS_IN_FLIGHT_MAX:
                continue
            while (wtxid := self._take_first(line)) is not None:
                candidate = self._candidates[wtxid]
                parent = self._pending_parent(candidate.transaction)
                if parent is None:
                    self._in_flight[wtxid] = line
                    return candidate
                self._parked.setdefault(parent, []).append(wtxid)
                if line is _Line.PEERS:
                    self._done(wtxid, 0)
        return None

    def finish(self, wtxid: Wtxid, cost_us: int = 0) -> UnverifiedTx | None:
        """Take the candidate a verdict is about; None where nobody asked. What was parked behind it goes on."""
        line = self._in_flight.pop(wtxid, None)
        if line is None:
            return None
        if line is _Line.PEERS:
            self._done(wtxid, max(cost_us, _LEAST_COST_US))
        return self._forget(wtxid)

    def _leave(self, wtxid: Wtxid) -> None:
        place = self._places[wtxid]
        self._peers.remove(place.group, place.conn, wtxid)
        self._forget(wtxid)

    def _forget(self, wtxid: Wtxid) -> UnverifiedTx:
        if self._places[wtxid].line is _Line.PEERS:
            self._uncount(wtxid)
        del self._places[wtxid]
        candidate = self._candidates.pop(wtxid)
        if candidate.source is not None:
            self._counts[candidate.source] -= 1
            if not self._counts[candidate.source]:
                del self._counts[candidate.source]
        txid = candidate.transaction.txid
        if self._txids.get(txid) == wtxid:
            del self._txids[txid]
        for child in reversed(self._parked.pop(txid, ())):
            self._wait(child, self._places[child], is_first=True)
        return candidate

    def _uncount(self, wtxid: Wtxid) -> None:
        self._peers_count -= 1
        self._peers_weight -= self._candidates[wtxid].transaction.weight

    def _done(self, wtxid: Wtxid, cost_us: int) -> None:
        place = self._places[wtxid]
        self._peers.done(place.group, place.conn, cost_us)

    def _place_for(self, candidate: UnverifiedTx) -> _Place:
        if candidate.is_own:
            return _Place(_Line.OWN)
        if candidate.is_returning or candidate.source is None:
            return _Place(_Line.RETURNING)
        return _Place(_Line.PEERS, self._peers.group_of(candidate.source), candidate.source)

    def _wait(self, wtxid: Wtxid, place: _Place, *, is_first: bool = False) -> None:
        if place.line is _Line.PEERS:
            weight = self._candidates[wtxid].transaction.weight
            self._peers.add(place.group, place.conn, wtxid, weight, is_first=is_first)
        elif is_first:
            self._line(place.line).appendleft(wtxid)
        else:
            self._line(place.line).append(wtxid)

    def _line(self, line: _Line) -> deque[Wtxid]:
        return self._lines.setdefault(line, deque())

    def _take_first(self, line: _Line) -> Wtxid | None:
        if line is _Line.PEERS:
            return self._peers.take()
        waiting = self._lines.get(line)
        if waiting is None:
            return None
        first = waiting.popleft()
        if not waiting:
            del self._lines[line]
        return first

    def _pending_parent(self, transaction: Transaction) -> Txid | None:
        for spend in transaction.inputs:
            parent = outpoint_txid(spend.outpoint)
            if parent in self._txids:
                return parent
        return None
