"""The queue in front of the verifier: what waits, what is in flight, and which goes next.

Our own transactions go first; those of peers and those that return after a reorg or a restart take turns, each in order
of arrival. One whose parent is in the queue is parked until the parent's fate is known, so that whole chains of
unconfirmed transactions pass without being mistaken for orphans.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from minicoin.core.limits import VERIFICATIONS_IN_FLIGHT_MAX, VERIFICATIONS_WAITING_MAX
from minicoin.core.primitives.transaction import Transaction, Txid, Wtxid, outpoint_txid
from minicoin.core.units import ConnId, Micros


@dataclass(slots=True)
class Candidate:
    """A transaction on its way into the mempool. `parents` are the unconfirmed ones it was last sent off with, `held`
    those of them that are not in the pool, but wait for it to pay for them (mempool.packages)."""

    transaction: Transaction
    source: ConnId | None
    time: Micros
    is_own: bool = False
    is_returning: bool = False
    parents: tuple[Txid, ...] = ()
    held: tuple[Txid, ...] = ()


class _Line(Enum):
    """Whose transactions wait in it."""

    OWN = 1
    PEERS = 2
    RETURNING = 3


class VerificationQueue:
    """Candidates, each waiting, parked behind a parent, or in flight."""

    __slots__ = ("_candidates", "_in_flight", "_lines", "_parked", "_peers_count", "_txids")

    def __init__(self) -> None:
        self._candidates: dict[Wtxid, Candidate] = {}
        self._txids: dict[Txid, Wtxid] = {}
        # A line that is empty is not there.
        self._lines: dict[_Line, deque[Wtxid]] = {}
        self._parked: dict[Txid, list[Wtxid]] = {}
        self._in_flight: dict[Wtxid, None] = {}
        self._peers_count = 0

    def __len__(self) -> int:
        return len(self._candidates)

    def __contains__(self, identifier: bytes) -> bool:
        """Whether a candidate has this wtxid or txid."""
        return identifier in self._candidates or identifier in self._txids

    def get(self, wtxid: Wtxid) -> Candidate | None:
        return self._candidates.get(wtxid)

    @property
    def is_full(self) -> bool:
        """Whether a peer's transaction finds no place."""
        return self._peers_count >= VERIFICATIONS_WAITING_MAX

    def add(self, candidate: Candidate) -> None:
        """Queue one that is not queued."""
        wtxid = candidate.transaction.wtxid
        self._candidates[wtxid] = candidate
        self._txids[candidate.transaction.txid] = wtxid
        self._peers_count += candidate.source is not None
        self._line_of(candidate).append(wtxid)

    def send_next(self) -> Candidate | None:
        """The next candidate, now in flight; None where none is ready or the verifier has enough."""
        if len(self._in_flight) >= VERIFICATIONS_IN_FLIGHT_MAX:
            return None
        turns = (_Line.PEERS, _Line.RETURNING)
        if len(self._in_flight) % 2:
            turns = (_Line.RETURNING, _Line.PEERS)
        for name in (_Line.OWN, *turns):
            while (wtxid := self._take_first(name)) is not None:
                candidate = self._candidates[wtxid]
                parent = self._pending_parent(candidate.transaction)
                if parent is None:
                    self._in_flight[wtxid] = None
                    return candidate
                self._parked.setdefault(parent, []).append(wtxid)
        return None

    def finish(self, wtxid: Wtxid) -> Candidate | None:
        """Take the candidate a verdict is about; None where nobody asked. What was parked behind it goes on."""
        if wtxid not in self._in_flight:
            return None
        del self._in_flight[wtxid]
        candidate = self._candidates.pop(wtxid)
        self._peers_count -= candidate.source is not None
        txid = candidate.transaction.txid
        if self._txids.get(txid) == wtxid:
            del self._txids[txid]
        for child in reversed(self._parked.pop(txid, ())):
            self._line_of(self._candidates[child]).appendleft(child)
        return candidate

    def _line_of(self, candidate: Candidate) -> deque[Wtxid]:
        name = _Line.OWN if candidate.is_own else _Line.RETURNING if candidate.is_returning else _Line.PEERS
        return self._lines.setdefault(name, deque())

    def _take_first(self, name: _Line) -> Wtxid | None:
        line = self._lines.get(name)
        if line is None:
            return None
        wtxid = line.popleft()
        if not line:
            del self._lines[name]
        return wtxid

    def _pending_parent(self, transaction: Transaction) -> Txid | None:
        for spend in transaction.inputs:
            parent = outpoint_txid(spend.outpoint)
            if parent in self._txids:
                return parent
        return None
