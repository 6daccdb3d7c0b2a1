"""Which peer to ask for an announced transaction: one at a time, so that nobody can make us download it twice.

Rules, after Bitcoin Core's txrequest and txdownloadman:

* A transaction is asked of at most one peer at a time. A peer that does not deliver in time is passed over, and is
  never asked again for what it failed to deliver.
* Peers we chose come before peers that chose us, which wait a little, also where no other peer is: whoever connects to
  us shall neither be first to hand us what we then announce, nor see from our haste whom else we have.
* An announcement by txid waits a little where any peer speaks of wtxids: a witness that somebody spoilt on the way
  would come under the same txid, but not under the same wtxid (BIP339).
* A peer that owes us many waits a little with each more it announces, so that others that have them go first. One
  whom the operator trusts with any number does not.

Bounded per peer; the work of a moment is bounded by what is due in it.
"""

import heapq
from dataclasses import dataclass
from typing import Final

from minicoin.core.limits import (
    TX_ANNOUNCEMENTS_PER_PEER_MAX,
    TX_ANNOUNCEMENTS_PER_TRUSTED_PEER_MAX,
    TX_REQUEST_TIMEOUT_US,
    TX_REQUESTS_IN_FLIGHT_UNHURRIED_MAX,
)
from minicoin.core.units import SECOND_US, ConnId, Micros

INBOUND_DELAY_US: Final = 2 * SECOND_US
"""Head start of the peers we chose, which an attacker cannot all be."""
TXID_DELAY_US: Final = 2 * SECOND_US
"""Head start of announcements by wtxid."""
OVERLOADED_DELAY_US: Final = 2 * SECOND_US
"""Head start of the peers that owe us less."""

# Timers of transactions that are gone are swept out when they outnumber the others this much.
_STALE_TIMERS_FACTOR = 4
_TIMERS_MIN = 1_000


@dataclass(slots=True)
class _Wanted:
    """One transaction: who announced it and when they may be asked; whom it is asked of."""

    candidates: dict[ConnId, Micros]
    asked: ConnId | None = None
    asked_at: Micros = Micros(0)


@dataclass(slots=True)
class _Peer:
    """Who may announce."""

    is_preferred: bool
    uses_wtxid: bool
    is_trusted: bool


@dataclass(slots=True)
class _Source:
    """A peer that announced something we wait for: what, and whether by its txid; how much it owes."""

    peer: _Peer
    announced: dict[bytes, bool]
    in_flight: int = 0


class TxRequests:
    """Announcements and requests of transactions, keyed by the hash they were announced with."""

    __slots__ = ("_announcements", "_peers", "_sequence", "_sources", "_timers", "_wanted", "_wtxid_count")

    def __init__(self) -> None:
        self._wanted: dict[bytes, _Wanted] = {}
        self._peers: dict[ConnId, _Peer] = {}
        self._sources: dict[ConnId, _Source] = {}
        self._timers: list[tuple[int, int, bytes]] = []
        self._sequence = 0
        self._announcements = 0
        self._wtxid_count = 0

    def __len__(self) -> int:
        return len(self._wanted)

    def add_peer(self, conn: ConnId, *, preferred: bool, uses_wtxid: bool = True, is_trusted: bool = False) -> None:
        """A peer that may announce; any number at any time where it `is_trusted`."""
        self._peers[conn] = _Peer(preferred, uses_wtxid, is_trusted)
        self._wtxid_count += uses_wtxid

    def prefer(self, conn: ConnId) -> None:
        """Ask this one before others, as those we chose."""
        if conn in self._peers:
            self._peers[conn].is_preferred = True

    def remove_peer(self, conn: ConnId) -> None:
        """Its announcements and requests are void."""
        peer = self._peers.pop(conn, None)
        self._wtxid_count -= peer is not None and peer.uses_wtxid
        source = self._sources.pop(conn, None)
        if source is None:
            return
        self._announcements -= len(source.announced)
        for key in source.announced:
            self._drop(key, conn)

    def announced(self, conn: ConnId, key: bytes, now: Micros, *, by_txid: bool = False) -> None:
        """`conn` has the transaction."""
        peer = self._peers.get(conn)
        if peer is None:
            return
        source = self._sources.get(conn)
        if source is None:
            source = self._sources[conn] = _Source(peer, {})
        most = TX_ANNOUNCEMENTS_PER_TRUSTED_PEER_MAX if peer.is_trusted else TX_ANNOUNCEMENTS_PER_PEER_MAX
        if key in source.announced or len(source.announced) >= most:
            return
        at = Micros(now + self._delay_us(source, by_txid=by_txid))
        source.announced[key] = by_txid
        self._announcements += 1
        self._wanted.setdefault(key, _Wanted({})).candidates[conn] = at
        self._wake(key, at)

    def is_by_txid(self, conn: ConnId, key: bytes) -> bool:
        """Whether what the peer announced as `key` is a txid."""
        return self._sources[conn].announced[key]

    def forget(self, key: bytes) -> None:
        """It is here, or not wanted any more."""
        wanted = self._wanted.pop(key, None)
        if wanted is None:
            return
        if wanted.asked is not None:
            self._sources[wanted.asked].in_flight -= 1
        for conn in wanted.candidates:
            self._leave(conn, key)

    def failed(self, conn: ConnId, key: bytes) -> None:
        """The peer does not have it (notfound) or was too slow: never ask it again for this one."""
        source = self._sources.get(conn)
        if source is None or key not in source.announced:
            return
        self._drop(key, conn)
        self._leave(conn, key)

    def due(self, now: Micros) -> dict[ConnId, list[bytes]]:
        """Requests to send now; they count as sent."""
        requests: dict[ConnId, list[bytes]] = {}
        while self._timers and self._timers[0][0] <= now:
            self._advance(heapq.heappop(self._timers)[2], now, requests)
        return requests

    def next_deadline(self) -> Micros | None:
        """When `due` has something to do."""
        return Micros(self._timers[0][0]) if self._timers else None

    def _delay_us(self, source: _Source, *, by_txid: bool) -> int:
        peer = source.peer
        wait = 0 if peer.is_preferred else INBOUND_DELAY_US
        if by_txid and self._wtxid_count:
            wait += TXID_DELAY_US
        if not peer.is_trusted and source.in_flight >= TX_REQUESTS_IN_FLIGHT_UNHURRIED_MAX:
            wait += OVERLOADED_DELAY_US
        return wait

    def _advance(self, key: bytes, now: Micros, requests: dict[ConnId, list[bytes]]) -> None:
        wanted = self._wanted.get(key)
        if wanted is None:
            return
        if wanted.asked is not None:
            if now < wanted.asked_at + TX_REQUEST_TIMEOUT_US:
                return
            self.failed(wanted.asked, key)
            if key not in self._wanted:
                return
        conn = self._choose(wanted, now)
        if conn is None:
            return
        wanted.asked = conn
        wanted.asked_at = now
        self._sources[conn].in_flight += 1
        self._wake(key, now + TX_REQUEST_TIMEOUT_US)
        requests.setdefault(conn, []).append(key)

    def _choose(self, wanted: _Wanted, now: Micros) -> ConnId | None:
        ready = [conn for conn, at in wanted.candidates.items() if at <= now]
        return next((conn for conn in ready if self._sources[conn].peer.is_preferred), next(iter(ready), None))

    def _leave(self, conn: ConnId, key: bytes) -> None:
        """The peer is not asked for it. One that has nothing else for us is no source any more."""
        source = self._sources[conn]
        del source.announced[key]
        self._announcements -= 1
        if not source.announced:
            del self._sources[conn]

    def _drop(self, key: bytes, conn: ConnId) -> None:
        wanted = self._wanted.get(key)
        if wanted is None:
            return
        wanted.candidates.pop(conn, None)
        if wanted.asked == conn:
            wanted.asked = None
            source = self._sources.get(conn)
            if source is not None:
                source.in_flight -= 1
            self._wake(key, 0)
        if not wanted.candidates:
            del self._wanted[key]

    def _wake(self, key: bytes, at: int) -> None:
        if len(self._timers) > _TIMERS_MIN + _STALE_TIMERS_FACTOR * self._announcements:
            self._timers = [timer for timer in self._timers if timer[2] in self._wanted]
            heapq.heapify(self._timers)
        self._sequence += 1
        heapq.heappush(self._timers, (at, self._sequence, key))
