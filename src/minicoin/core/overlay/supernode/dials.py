"""The super nodes a node is about to reach: each has its time, and its place is free again when that is over.

A dial that fails ends at once. One that nobody answers is slow first: whoever needs a super node at once tries another
beside it. One that told us to come again soon is asked again where it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US, ConnId, Micros

PATIENCE_US: Final = 10 * SECOND_US
SLOW_US: Final = 5 * SECOND_US // 2
"""Several round trips: who has not answered by then may be dead."""
_WAIT_MAX_US: Final = 2 * PATIENCE_US
"""So long after its dial a super node may have us wait there; a connection that only waits takes one of its slots."""


@dataclass(slots=True)
class Reaching:
    """One that is wanted. `conn` once it is there and was asked; `ask_at` while it has us wait."""

    peer_id: bytes
    address: NodeAddress
    group: bytes
    since: Micros
    slow_at: Micros
    until: Micros
    conn: ConnId | None = None
    ask_at: Micros | None = None

    def stay(self, ask_at: Micros) -> bool:
        """It is to be asked again then; whether that is soon enough to stay."""
        if ask_at > self.since + _WAIT_MAX_US:
            return False
        self.ask_at, self.until = ask_at, Micros(ask_at + PATIENCE_US)
        return True


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
        slow_at, until = Micros(now + SLOW_US), Micros(now + PATIENCE_US)
        dial = self._by_id[peer_id] = Reaching(peer_id, address, group, now, slow_at, until)
        return dial

    def prompt(self, now: Micros) -> list[Reaching]:
        """Those that are not slow yet."""
        return [dial for dial in self._by_id.values() if dial.slow_at > now]

    def slowest(self, count: int) -> list[Reaching]:
        """So many, those first that are slow first."""
        return sorted(self._by_id.values(), key=lambda dial: dial.slow_at)[: max(0, count)]

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
        times = (dial.until if dial.ask_at is None else dial.ask_at for dial in self._by_id.values())
        return min(times, default=None)
