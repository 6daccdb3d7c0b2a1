"""Which peer to ask for an announced transaction: one at a time, so that nobody can make us download it twice.

Rules, after Bitcoin Core's txrequest: a transaction is asked of at most one peer at a time; peers we chose come
before peers that chose us, which wait a little; a peer that does not deliver in time is passed over; a peer is never
asked again for what it failed to deliver. Bounded per peer; the work of a moment is bounded by what is due in it.
"""

import heapq
from dataclasses import dataclass

from minicoin.core.limits import (
    TX_ANNOUNCEMENTS_PER_PEER_MAX,
    TX_REQUEST_TIMEOUT_US,
    TX_REQUESTS_IN_FLIGHT_PER_PEER_MAX,
)
from minicoin.core.units import SECOND_US, ConnId, Micros

INBOUND_DELAY_US = 2 * SECOND_US
"""Head start of the peers we chose, which an attacker cannot all be."""

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
class _Source:
    """One peer: what it announced, how much it owes, and what waits for it to have room."""

    is_preferred: bool
    announced: dict[bytes, None]
    held: dict[bytes, None] | None = None
    in_flight: int = 0

    @property
    def has_room(self) -> bool:
        return self.in_flight < TX_REQUESTS_IN_FLIGHT_PER_PEER_MAX

    def hold(self, key: bytes) -> None:
        """Ask for it when there is room."""
        if self.held is None:
            self.held = {}
        self.held[key] = None

    def let_go(self, key: bytes) -> None:
        """It need not be asked for any more."""
        if self.held is not None:
            self.held.pop(key, None)
            self.held = self.held or None


class TxRequests:
    """Announcements and requests of transactions, keyed by the hash they were announced with."""

    __slots__ = (
        "_announcements",
        "_freed",
        "_peers",
        "_preferred_count",
        "_sequence",
        "_sources",
        "_timers",
        "_wanted",
    )

    def __init__(self) -> None:
        self._wanted: dict[bytes, _Wanted] = {}
        # Who may announce, and whether we chose it; who has announced something.
        self._peers: dict[ConnId, bool] = {}
        self._sources: dict[ConnId, _Source] = {}
        self._freed: dict[ConnId, None] = {}
        self._timers: list[tuple[int, int, bytes]] = []
        self._sequence = 0
        self._announcements = 0
        self._preferred_count = 0

    def __len__(self) -> int:
        return len(self._wanted)

    def add_peer(self, conn: ConnId, *, preferred: bool) -> None:
        """A peer that may announce."""
        self._peers[conn] = preferred
        self._preferred_count += preferred

    def prefer(self, conn: ConnId) -> None:
        """Ask this one before others, as those we chose."""
        if not self._peers.get(conn, True):
            self._peers[conn] = True
            self._preferred_count += 1

    def remove_peer(self, conn: ConnId) -> None:
        """Its announcements and requests are void."""
        self._preferred_count -= self._peers.pop(conn, False)
        source = self._sources.pop(conn, None)
        if source is None:
            return
        self._announcements -= len(source.announced)
        self._freed.pop(conn, None)
        for key in source.announced:
            self._drop(key, conn)

    def announced(self, conn: ConnId, key: bytes, now: Micros) -> None:
        """`conn` has the transaction."""
        is_preferred = self._peers.get(conn)
        if is_preferred is None:
            return
        source = self._sources.get(conn)
        if source is None:
            source = self._sources[conn] = _Source(is_preferred, {})
        if key in source.announced or len(source.announced) >= TX_ANNOUNCEMENTS_PER_PEER_MAX:
            return
        wait = 0 if source.is_preferred or not self._preferred_count else INBOUND_DELAY_US
        source.announced[key] = None
        self._announcements += 1
        self._wanted.setdefault(key, _Wanted({})).candidates[conn] = Micros(now + wait)
        self._wake(key, now + wait)

    def forget(self, key: bytes) -> None:
        """It is here, or not wanted any more."""
        wanted = self._wanted.pop(key, None)
        if wanted is None:
            return
        if wanted.asked is not None:
            self._free(wanted.asked)
        for conn in wanted.candidates:
            source = self._sources[conn]
            del source.announced[key]
            source.let_go(key)
        self._announcements -= len(wanted.candidates)

    def failed(self, conn: ConnId, key: bytes) -> None:
        """The peer does not have it (notfound) or was too slow: never ask it again for this one."""
        source = self._sources.get(conn)
        if source is None or key not in source.announced:
            return
        del source.announced[key]
        source.let_go(key)
        self._announcements -= 1
        self._drop(key, conn)

    def due(self, now: Micros) -> dict[ConnId, list[bytes]]:
        """Requests to send now; they count as sent."""
        requests: dict[ConnId, list[bytes]] = {}
        while self._timers and self._timers[0][0] <= now:
            self._advance(heapq.heappop(self._timers)[2], now, requests)
        while self._freed:
            conn = next(iter(self._freed))
            del self._freed[conn]
            source = self._sources[conn]
            while source.held and source.has_room:
                key = next(iter(source.held))
                source.let_go(key)
                self._advance(key, now, requests)
        return requests

    def next_deadline(self) -> Micros | None:
        """When `due` has something to do."""
        if self._freed:
            return Micros(0)
        return Micros(self._timers[0][0]) if self._timers else None

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
            # Those whose time has come have no room: they take it up with the next answer.
            for waiting, at in wanted.candidates.items():
                if at <= now:
                    self._sources[waiting].hold(key)
            return
        wanted.asked = conn
        wanted.asked_at = now
        self._sources[conn].in_flight += 1
        self._wake(key, now + TX_REQUEST_TIMEOUT_US)
        requests.setdefault(conn, []).append(key)

    def _choose(self, wanted: _Wanted, now: Micros) -> ConnId | None:
        ready = [conn for conn, at in wanted.candidates.items() if at <= now and self._sources[conn].has_room]
        return next((conn for conn in ready if self._sources[conn].is_preferred), next(iter(ready), None))

    def _drop(self, key: bytes, conn: ConnId) -> None:
        wanted = self._wanted.get(key)
        if wanted is None:
            return
        wanted.candidates.pop(conn, None)
        if wanted.asked == conn:
            wanted.asked = None
            self._free(conn)
            self._wake(key, 0)
        if not wanted.candidates:
            del self._wanted[key]

    def _free(self, conn: ConnId) -> None:
        source = self._sources.get(conn)
        if source is not None:
            source.in_flight -= 1
            if source.held:
                self._freed[conn] = None

    def _wake(self, key: bytes, at: int) -> None:
        if len(self._timers) > _TIMERS_MIN + _STALE_TIMERS_FACTOR * self._announcements:
            self._timers = [timer for timer in self._timers if timer[2] in self._wanted]
            heapq.heapify(self._timers)
        self._sequence += 1
        heapq.heappush(self._timers, (at, self._sequence, key))
