"""Answers to pings that wait for the work that came before them.

As in Bitcoin Core, where one thread takes a peer's messages in turn, a pong says that what the peer sent before its
ping was dealt with: whoever sent a block or a transaction asks for the verdict that way. Here verdicts come from a
worker while messages go on, so a pong may have to wait. The rules:

1. It waits for the peer's own blocks and transactions that are with the worker, or in line for it; never for what
   others sent, who could make it wait for ever.
2. It waits no longer than PONG_WAIT_US: no peer takes us for dead while we catch up with the chain it serves.
3. So many wait for each peer; with one more the oldest is answered at once.
"""

from collections.abc import Iterator

from minicoin.core.limits import PONG_WAIT_US, PONGS_WAITING_PER_PEER_MAX
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.messages import Pong


class WaitingPongs:
    """Pongs by connection, oldest first."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[ConnId, list[tuple[Micros, Pong]]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[ConnId]:
        """The connections that wait for any."""
        return iter(tuple(self._waiting))

    def hold(self, conn: ConnId, pong: Pong, now: Micros) -> list[Pong]:
        """Give this answer later. What has to be given now instead."""
        waiting = self._waiting.setdefault(conn, [])
        waiting.append((Micros(now + PONG_WAIT_US), pong))
        return [waiting.pop(0)[1]] if len(waiting) > PONGS_WAITING_PER_PEER_MAX else []

    def release(self, conn: ConnId) -> list[Pong]:
        """All of a connection: it is up to date, or gone."""
        return [pong for _, pong in self._waiting.pop(conn, ())]

    def overdue(self, conn: ConnId, now: Micros) -> list[Pong]:
        """Those of a connection that waited long enough."""
        waiting = self._waiting[conn]
        late = [pong for due, pong in waiting if due <= now]
        del waiting[: len(late)]
        if not waiting:
            del self._waiting[conn]
        return late

    def next_deadline(self) -> Micros | None:
        """When the first has waited long enough."""
        return min((waiting[0][0] for waiting in self._waiting.values()), default=None)
