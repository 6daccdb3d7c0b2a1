"""Which peer to ask for an announced transaction: one at a time, so that nobody can make us download it twice.

Rules, after Bitcoin Core's txrequest: a transaction is asked of at most one peer at a time; peers we chose come
before peers that chose us, which wait a little; a peer that does not deliver in time is passed over; a peer is never
asked again for what it failed to deliver. Bounded per peer.
"""

from dataclasses import dataclass

from minicoin.core.limits import (
    TX_ANNOUNCEMENTS_PER_PEER_MAX,
    TX_REQUEST_TIMEOUT_US,
    TX_REQUESTS_IN_FLIGHT_PER_PEER_MAX,
)
from minicoin.core.units import SECOND_US, ConnId, Micros

INBOUND_DELAY_US = 2 * SECOND_US
"""Head start of the peers we chose, which an attacker cannot all be."""


@dataclass(slots=True)
class _Wanted:
    """One transaction: who announced it and when they may be asked; whom it is asked of."""

    candidates: dict[ConnId, Micros]
    asked: ConnId | None = None
    asked_at: Micros = Micros(0)


class TxRequests:
    """Announcements and requests of transactions, keyed by the hash they were announced with."""

    __slots__ = ("_in_flight", "_per_peer", "_preferred", "_wanted")

    def __init__(self) -> None:
        self._wanted: dict[bytes, _Wanted] = {}
        self._per_peer: dict[ConnId, dict[bytes, None]] = {}
        self._in_flight: dict[ConnId, int] = {}
        self._preferred: dict[ConnId, bool] = {}

    def __len__(self) -> int:
        return len(self._wanted)

    def add_peer(self, conn: ConnId, *, preferred: bool) -> None:
        """A peer that may announce."""
        self._per_peer[conn] = {}
        self._in_flight[conn] = 0
        self._preferred[conn] = preferred

    def remove_peer(self, conn: ConnId) -> None:
        """Its announcements and requests are void."""
        for key in self._per_peer.pop(conn, {}):
            self._drop(key, conn)
        self._in_flight.pop(conn, None)
        self._preferred.pop(conn, None)

    def announced(self, conn: ConnId, key: bytes, now: Micros) -> None:
        """`conn` has the transaction."""
        mine = self._per_peer.get(conn)
        if mine is None or key in mine or len(mine) >= TX_ANNOUNCEMENTS_PER_PEER_MAX:
            return
        has_preferred = any(self._preferred.values())
        wait = 0 if self._preferred[conn] or not has_preferred else INBOUND_DELAY_US
        mine[key] = None
        self._wanted.setdefault(key, _Wanted({})).candidates[conn] = Micros(now + wait)

    def forget(self, key: bytes) -> None:
        """It is here, or not wanted any more."""
        wanted = self._wanted.pop(key, None)
        if wanted is None:
            return
        if wanted.asked is not None:
            self._in_flight[wanted.asked] -= 1
        for conn in wanted.candidates:
            self._per_peer[conn].pop(key, None)

    def failed(self, conn: ConnId, key: bytes) -> None:
        """The peer does not have it (notfound) or was too slow: never ask it again for this one."""
        mine = self._per_peer.get(conn)
        if mine is None or key not in mine:
            return
        del mine[key]
        self._drop(key, conn)

    def due(self, now: Micros) -> dict[ConnId, list[bytes]]:
        """Requests to send now; they count as sent."""
        requests: dict[ConnId, list[bytes]] = {}
        for key, wanted in list(self._wanted.items()):
            if wanted.asked is not None:
                if now < wanted.asked_at + TX_REQUEST_TIMEOUT_US:
                    continue
                self.failed(wanted.asked, key)
                if key not in self._wanted:
                    continue
            conn = self._choose(wanted, now)
            if conn is not None:
                wanted.asked = conn
                wanted.asked_at = now
                self._in_flight[conn] += 1
                requests.setdefault(conn, []).append(key)
        return requests

    def next_deadline(self) -> Micros | None:
        """When `due` may have something to say. Announcements that only wait for room are taken up by answers."""
        earliest: int | None = None
        for wanted in self._wanted.values():
            if wanted.asked is not None:
                at = wanted.asked_at + TX_REQUEST_TIMEOUT_US
            else:
                open_times = [
                    ready
                    for conn, ready in wanted.candidates.items()
                    if self._in_flight[conn] < TX_REQUESTS_IN_FLIGHT_PER_PEER_MAX
                ]
                if not open_times:
                    continue
                at = min(open_times)
            earliest = at if earliest is None else min(earliest, at)
        return None if earliest is None else Micros(earliest)

    def _choose(self, wanted: _Wanted, now: Micros) -> ConnId | None:
        ready = [
            conn
            for conn, at in wanted.candidates.items()
            if at <= now and self._in_flight[conn] < TX_REQUESTS_IN_FLIGHT_PER_PEER_MAX
        ]
        return next((conn for conn in ready if self._preferred[conn]), next(iter(ready), None))

    def _drop(self, key: bytes, conn: ConnId) -> None:
        wanted = self._wanted.get(key)
        if wanted is None:
            return
        wanted.candidates.pop(conn, None)
        if wanted.asked == conn:
            wanted.asked = None
            self._in_flight[conn] -= 1
        if not wanted.candidates:
            del self._wanted[key]
