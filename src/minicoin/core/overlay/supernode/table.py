"""Signed records by their signer, the newest of each: what statuses and the directory have in common."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from minicoin.core.overlay.supernode.entries import is_live
from minicoin.core.records.record import SignedRecord
from minicoin.core.units import Micros


class RecordTable:
    """One record of each signer. Bounds are its owner's."""

    __slots__ = ("_records", "_signers")

    def __init__(self) -> None:
        self._records: dict[bytes, SignedRecord] = {}
        self._signers: list[bytes] = []
        """Ascending."""

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[SignedRecord]:
        return iter(self._records.values())

    def versions(self) -> Iterator[tuple[bytes, int]]:
        """Each signer and the version that is held of it."""
        return ((signer, record.version) for signer, record in self._records.items())

    def get(self, signer: bytes) -> SignedRecord | None:
        return self._records.get(signer)

    def is_news(self, record: SignedRecord, now: Micros) -> bool:
        """Live, and newer than what is held of its signer; said without looking at its signature."""
        held = self._records.get(record.owner)
        return (held is None or held.version < record.version) and is_live(record, now)

    def put(self, record: SignedRecord) -> SignedRecord | None:
        """Hold it; what stood in its place."""
        signer = record.owner
        old = self._records.get(signer)
        if old is None:
            insort(self._signers, signer)
        self._records[signer] = record
        return old

    def remove(self, signer: bytes) -> None:
        if self._records.pop(signer, None) is not None:
            del self._signers[bisect_left(self._signers, signer)]

    def page(self, after: bytes, count: int) -> tuple[tuple[SignedRecord, ...], bool]:
        """At most so many of the signers above `after`, ascending, and whether there are more."""
        start = bisect_right(self._signers, after)
        signers = self._signers[start : start + count]
        return tuple(self._records[signer] for signer in signers), start + count < len(self._signers)

    def expired(self, now: Micros) -> tuple[SignedRecord, ...]:
        """Those that are live no longer."""
        return tuple(record for record in self._records.values() if not is_live(record, now))
