"""The queue in front of the verifier: what waits, what is in flight, and which goes next.

Our own transactions go first; those of peers and those that return after a reorg or a restart take turns. Order within
a class is order of arrival, so parents that came before their children are verified before them.
"""

from collections import deque
from dataclasses import dataclass

from minicoin.core.limits import VERIFICATIONS_IN_FLIGHT_MAX, VERIFICATIONS_WAITING_MAX
from minicoin.core.primitives.transaction import Transaction, Txid, Wtxid
from minicoin.core.units import ConnId, Micros


@dataclass(slots=True)
class Candidate:
    """A transaction on its way into the mempool. `parents` are the unconfirmed ones it was last sent off with."""

    transaction: Transaction
    source: ConnId | None
    time: Micros
    is_own: bool = False
    is_returning: bool = False
    parents: tuple[Txid, ...] = ()


class VerificationQueue:
    """Candidates, each either waiting or in flight."""

    __slots__ = ("_candidates", "_in_flight", "_own", "_returning", "_txids", "_waiting")

    def __init__(self) -> None:
        self._candidates: dict[Wtxid, Candidate] = {}
        self._txids: dict[Txid, Wtxid] = {}
        self._own: deque[Wtxid] = deque()
        self._waiting: deque[Wtxid] = deque()
        self._returning: deque[Wtxid] = deque()
        self._in_flight: dict[Wtxid, None] = {}

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
        return len(self._waiting) >= VERIFICATIONS_WAITING_MAX

    def add(self, candidate: Candidate) -> None:
        """Queue one that is not queued."""
        wtxid = candidate.transaction.wtxid
        self._candidates[wtxid] = candidate
        self._txids[candidate.transaction.txid] = wtxid
        if candidate.is_own:
            self._own.append(wtxid)
        elif candidate.is_returning:
            self._returning.append(wtxid)
        else:
            self._waiting.append(wtxid)

    def send_next(self) -> Candidate | None:
        """The next candidate, now in flight; None where none waits or the verifier has enough."""
        if len(self._in_flight) >= VERIFICATIONS_IN_FLIGHT_MAX:
            return None
        turns = [self._waiting, self._returning]
        if len(self._in_flight) % 2:
            turns.reverse()
        for queue in (self._own, *turns):
            if queue:
                wtxid = queue.popleft()
                self._in_flight[wtxid] = None
                return self._candidates[wtxid]
        return None

    def finish(self, wtxid: Wtxid) -> Candidate | None:
        """Take the candidate a verdict is about; None where nobody asked."""
        if wtxid not in self._in_flight:
            return None
        del self._in_flight[wtxid]
        candidate = self._candidates.pop(wtxid)
        if self._txids.get(candidate.transaction.txid) == wtxid:
            del self._txids[candidate.transaction.txid]
        return candidate
