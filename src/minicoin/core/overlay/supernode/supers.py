"""The super nodes one node knows, by their signed statuses.

Nobody's status takes another's place: where a bound is met the newcomer is refused, until some expire. Bounded in all,
by the network group of the address a status names, and by the group of the peer that brought it first.

In a laboratory thousands of nodes know hundreds each: what is kept of each is a place in a list.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from minicoin.core.limits import SUPERS_KNOWN_MAX, SUPERS_KNOWN_PER_GROUP_MAX, SUPERS_KNOWN_PER_SOURCE_MAX
from minicoin.core.overlay.supernode.entries import SuperStatus, status_of
from minicoin.core.overlay.supernode.table import RecordTable
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.record import SignedRecord
from minicoin.core.rng import Rng
from minicoin.core.units import Micros

GroupOf = Callable[[NodeAddress], bytes]
T = TypeVar("T")

_PER_SOURCE: Final = SUPERS_KNOWN_PER_SOURCE_MAX
BEST_OF: Final = 4


class SuperBook:
    """Statuses by peer id. Signatures are checked before they come here."""

    def __init__(self, group_of: GroupOf) -> None:
        self._group_of = group_of
        self._table = RecordTable()
        self._groups: list[bytes] = []
        """Of the addresses, ascending; of each as many as there are."""
        self._brought: dict[bytes, list[bytes]] = {}
        """By group of peers, whose first status they brought; they go on answering for it."""

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[SuperStatus]:
        return map(status_of, self._table)

    def __contains__(self, peer_id: bytes) -> bool:
        return self._table.get(peer_id) is not None

    def get(self, peer_id: bytes) -> SuperStatus | None:
        record = self._table.get(peer_id)
        return None if record is None else status_of(record)

    def record(self, peer_id: bytes) -> SignedRecord | None:
        return self._table.get(peer_id)

    def versions(self) -> Iterator[tuple[bytes, int]]:
        return self._table.versions()

    def is_newer(self, signer: bytes, version: int) -> bool:
        return self._table.is_newer(signer, version)

    def is_news(self, record: SignedRecord, now: Micros) -> bool:
        return self._table.is_news(record, now)

    def take(self, record: SignedRecord, source: bytes) -> bool:
        """A newer status that a peer of this group brought; whether there was room. One without an address is of no use
        to anybody else and is not kept."""
        status = status_of(record)
        if status.address is None:
            return False
        group, owner = self._group_of(status.address), record.owner
        held = self._table.get(owner)
        if held is None and (len(self._table) >= SUPERS_KNOWN_MAX or len(self._brought.get(source, ())) >= _PER_SOURCE):
            return False
        before = None if held is None else self._group(held)
        if before != group:
            if self._in_group(group) >= SUPERS_KNOWN_PER_GROUP_MAX:
                return False
            insort(self._groups, group)
            if before is not None:
                self._leave_group(before)
        if held is None:
            self._brought.setdefault(source, []).append(owner)
        self._table.put(record)
        return True

    def _in_group(self, group: bytes) -> int:
        return bisect_right(self._groups, group) - bisect_left(self._groups, group)

    def _leave_group(self, group: bytes) -> None:
        del self._groups[bisect_left(self._groups, group)]

    def _group(self, record: SignedRecord) -> bytes:
        address = status_of(record).address
        assert address is not None
        return self._group_of(address)

    def expire(self, now: Micros) -> None:
        for record in self._table.expired(now):
            self._table.remove(record.owner)
            self._leave_group(self._group(record))
            source = next(source for source, owners in self._brought.items() if record.owner in owners)
            self._brought[source].remove(record.owner)
            if not self._brought[source]:
                del self._brought[source]

    def page(self, after: bytes, count: int) -> tuple[tuple[SignedRecord, ...], bool]:
        return self._table.page(after, count)

    def some(self, count: int, rng: Rng) -> tuple[SignedRecord, ...]:
        """At most so many at random, those with free places before the full ones."""
        drawn = draw(self._table, 2 * count, rng)
        drawn.sort(key=lambda record: status_of(record).free == 0)
        return tuple(drawn[:count])


def choose_super(eligible: Iterable[SuperStatus], rng: Rng, drawn: int = BEST_OF) -> SuperStatus | None:
    """The best of so many drawn at random: one with a free place before a full one, whose status may be out of date;
    then the less loaded and the quicker. Were it the best of all, everybody would come to the same one at once."""
    return min(draw(eligible, drawn, rng), key=_cost, default=None)


def draw(items: Iterable[T], count: int, rng: Rng) -> list[T]:
    """At most so many distinct ones in random order, at the price of so many draws."""
    pool = list(items)
    count = min(count, len(pool))
    for place in range(count):
        other = place + rng.below(len(pool) - place)
        pool[place], pool[other] = pool[other], pool[place]
    return pool[:count]


def _cost(status: SuperStatus) -> tuple[bool, int]:
    return status.free == 0, status.load_permille + status.delay_ms
