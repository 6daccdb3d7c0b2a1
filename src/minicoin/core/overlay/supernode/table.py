"""Signed records by their signer, the newest of each: what statuses and the directory have in common.

Two sorted lists: in a laboratory thousands of nodes hold thousands of records each, and a place in a list is a fifth of
one in a dict.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from minicoin.core.overlay.supernode.entries import is_live
from minicoin.core.records.record import SignedRecord
from minicoin.core.units import Micros


class RecordTable:
    """One record of each signer, by ascending signer. Bounds are its owner's."""

    __slots__ = ("_records", "_signers")

    def __init__(self) -> None:
        self._records: list[SignedRecord] = []
        self._signers: list[bytes] = []

    def __len__(self) -> int:
        return len(self._signers)

    def __iter__(self) -> Iterator[SignedRecord]:
        return iter(self._records)

    def versions(self) -> Iterator[tuple[bytes, int]]:
        """Each signer and the version that is held of it."""
        return ((signer, record.version) for signer, record in zip(self._signers, self._records, strict=True))

    def get(self, signer: bytes) -> SignedRecord | None:
        place = bisect_left(self._signers, signer)
        if place < len(self._signers) and self._signers[place] == signer:
            return self._records[place]
        return None

    def is_newer(self, signer: bytes, version: int) -> bool:
        """Whether such a record would be newer than what is held of its signer."""
        held = self.get(signer)
        return held is None or held.version < version

    def is_news(self, record: SignedRecord, now: Micros) -> bool:
        """Live, and newer than what is held of its signer; said without looking at its signature."""
        return self.is_newer(record.owner, record.version) and is_live(record, now)

    def put(self, record: SignedRecord) -> SignedRecord | None:
        """Hold it; what stood in its place."""
        signer = record.owner
        place = bisect_left(self._signers, signer)
        if place < len(self._signers) and self._signers[place] == signer:
            old, self._records[place] = self._records[place], record
            return old
        self._signers.insert(place, signer)
        self._records.insert(place, record)
        return None

    def remove(self, signer: bytes) -> None:
        place = bisect_left(self._signers, signer)
        if place < len(self._signers) and self._signers[place] == signer:
            del self._signers[place], self._records[place]

    def page(self, after: bytes, count: int) -> tuple[tuple[SignedRecord, ...], bool]:
        """At most so many of the signers above `after`, ascending, and whether there are more."""
        start = bisect_right(self._signers, after)
        return tuple(self._records[start : start + count]), start + count < len(self._signers)

    def expired(self, now: Micros) -> tuple[SignedRecord, ...]:
        """Those that are live no longer."""
        return tuple(record for record in self._records if not is_live(record, now))
