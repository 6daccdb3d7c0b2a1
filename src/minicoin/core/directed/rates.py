"""How many letters may come: from one connection, from one source group, and in all.

Each holds LETTERS_BURST_S seconds' worth. A group's bucket outlives its connections, or a new connection would buy a
new burst. Whoever is over one of them is charged in none.
"""

from typing import Final

from minicoin.core.limits import (
    LETTER_GROUPS_REMEMBERED_MAX,
    LETTERS_BURST_S,
    LETTERS_PER_SECOND,
    LETTERS_PER_SECOND_PER_GROUP,
    LETTERS_PER_SECOND_PER_PEER,
    PEERS_CHARGED_MAX,
)
from minicoin.core.rates import Buckets, Rate
from minicoin.core.units import ConnId, Micros


def _rate(per_second: int) -> Rate:
    return Rate(per_second * LETTERS_BURST_S, per_second)


_PEER: Final = _rate(LETTERS_PER_SECOND_PER_PEER)
_GROUP: Final = _rate(LETTERS_PER_SECOND_PER_GROUP)
_ALL: Final = _rate(LETTERS_PER_SECOND)


class Rates:
    """The buckets of one node."""

    def __init__(self) -> None:
        self._all: Buckets[None] = Buckets(_ALL, 1)
        self._groups: Buckets[bytes] = Buckets(_GROUP, LETTER_GROUPS_REMEMBERED_MAX)
        self._peers: Buckets[ConnId] = Buckets(_PEER, PEERS_CHARGED_MAX)

    def take(self, conn: ConnId, group: bytes, now: Micros) -> bool:
        """One letter came by this connection. False: it is one too many."""
        if not (self._peers.has(conn, now) and self._groups.has(group, now) and self._all.has(None, now)):
            return False
        self._peers.charge(conn, now)
        self._groups.charge(group, now)
        self._all.charge(None, now)
        return True

    def forget(self, conn: ConnId) -> None:
        """The connection is gone."""
        self._peers.forget(conn)
