"""The directory of super nodes: which leaf sits where, by the leaf's own signed word.

An entry must name a super node whose status is known, and each of those has room for so many and no more: free keys buy
no room beyond it. In all it is bounded, too; where there is no room the newcomer is refused until others expire.
"""

from collections.abc import Callable, Iterator
from enum import Enum, auto

from minicoin.core.limits import SUPER_DIRECTORY_MAX
from minicoin.core.overlay.supernode.entries import attachment_of
from minicoin.core.overlay.supernode.table import RecordTable
from minicoin.core.records.record import SignedRecord
from minicoin.core.units import Micros


class Entered(Enum):
    """What became of an entry."""

    MOVED = auto()
    """The leaf sits elsewhere than it did."""
    RENEWED = auto()
    """It sits where it did."""
    REFUSED = auto()


class Directory:
    """Leaves by peer id. Signatures are checked before they come here."""

    def __init__(self, per_super: int, is_super: Callable[[bytes], bool]) -> None:
        self._per_super = per_super
        self._is_super = is_super
        self._table = RecordTable()
        self._counts: dict[bytes, int] = {}
        """Entries that name each super node."""

    def __len__(self) -> int:
        return len(self._table)

    def record(self, leaf: bytes) -> SignedRecord | None:
        return self._table.get(leaf)

    def supers_of(self, leaf: bytes, now: Micros) -> tuple[bytes, ...]:
        """Where it sits, as far as is known."""
        record = self._table.get(leaf)
        if record is None or (record.expires_us or 0) <= now:
            return ()
        return attachment_of(record).supers

    def versions(self) -> Iterator[tuple[bytes, int]]:
        return self._table.versions()

    def is_newer(self, leaf: bytes, version: int) -> bool:
        return self._table.is_newer(leaf, version)

    def is_news(self, record: SignedRecord, now: Micros) -> bool:
        return self._table.is_news(record, now)

    def take(self, record: SignedRecord) -> Entered:
        """A newer entry of its leaf."""
        old = self._table.get(record.owner)
        before = () if old is None else attachment_of(old).supers
        supers = attachment_of(record).supers
        if old is None and len(self._table) >= SUPER_DIRECTORY_MAX:
            return Entered.REFUSED
        if supers and not any(map(self._is_super, supers)):
            return Entered.REFUSED
        if any(self._counts.get(one, 0) >= self._per_super for one in supers if one not in before):
            return Entered.REFUSED
        self._count(before, -1)
        self._count(supers, 1)
        self._table.put(record)
        return Entered.RENEWED if supers == before else Entered.MOVED

    def _count(self, supers: tuple[bytes, ...], step: int) -> None:
        for one in supers:
            count = self._counts.get(one, 0) + step
            if count:
                self._counts[one] = count
            else:
                del self._counts[one]

    def expire(self, now: Micros) -> None:
        for record in self._table.expired(now):
            self._count(attachment_of(record).supers, -1)
            self._table.remove(record.owner)

    def page(self, after: bytes, count: int) -> tuple[tuple[SignedRecord, ...], bool]:
        return self._table.page(after, count)
