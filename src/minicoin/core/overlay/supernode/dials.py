"""The super nodes a node is about to reach: each has its time, and its place is free again when that is over.

A dial that fails is told to nobody but the connection manager, so whoever is not there in time has failed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US, ConnId, Micros

PATIENCE_US: Final = 10 * SECOND_US


@dataclass(slots=True)
class Reaching:
    """One that is wanted. `conn` once it is there and was asked."""

    peer_id: bytes
    address: NodeAddress
    group: bytes
    until: Micros
    conn: ConnId | None = None


class Dials:
    """By peer id, the oldest first."""

    def __init__(self) -> None:
        self._by_id: dict[bytes, Reaching] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Reaching]:
        return iter(self._by_id.values())

    def __contains__(self, peer_id: bytes) -> bool:
        return peer_id in self._by_id

    def begin(self, peer_id: bytes, address: NodeAddress, group: bytes, now: Micros) -> Reaching:
        dial = self._by_id[peer_id] = Reaching(peer_id, address, group, Micros(now + PATIENCE_US))
        return dial

    def get(self, peer_id: bytes) -> Reaching | None:
        return self._by_id.get(peer_id)

    def end(self, peer_id: bytes) -> Reaching | None:
        return self._by_id.pop(peer_id, None)

    def overdue(self, now: Micros) -> tuple[Reaching, ...]:
        """Those whose time is over; they are ended."""
        late = tuple(dial for dial in self._by_id.values() if dial.until <= now)
        for dial in late:
            del self._by_id[dial.peer_id]
        return late

    def next_deadline(self) -> Micros | None:
        return min((dial.until for dial in self._by_id.values()), default=None)
