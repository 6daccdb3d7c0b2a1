"""The two hash tables of the book and the indexes over them. Owns their consistency; policy belongs to book.py.

A slot is bucket * 64 + position. Buckets are chosen by a secret key from the network group of an address and of who
told us of it, so nobody can aim at a slot, and one group reaches a bounded number of buckets. Tables are sparse: a
simulated network holds thousands of books.
"""

from hashlib import sha256
from typing import Final

from minicoin.core.addrmgr.entry import KnownAddress
from minicoin.core.limits import (
    ADDRESS_BUCKET_SLOTS,
    ADDRESS_NEW_BUCKETS,
    ADDRESS_NEW_BUCKETS_PER_SOURCE_GROUP,
    ADDRESS_TRIED_BUCKETS,
    ADDRESS_TRIED_BUCKETS_PER_GROUP,
)
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng

KEY_BYTES: Final = 32
Bucket = tuple[KnownAddress, ...]
"""Who stands in it; an entry knows its slots. Most hold one, and a tuple of one is half of a list of one."""
_Table = dict[int, Bucket]
"""Empty buckets are absent."""


class Tables:
    """Entries by address, in slots, and in one list for sampling."""

    __slots__ = ("_new", "_tried", "entries", "key", "order", "tried_count")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.entries: dict[NodeAddress, KnownAddress] = {}
        self.tried_count = 0
        self._new: _Table = {}
        self._tried: _Table = {}
        # What sampling draws from; an entry knows its place.
        self.order: list[KnownAddress] = []

    def new_slot(self, entry: KnownAddress, source_group: bytes) -> int:
        """Where the new table holds this address when told by that group."""
        spread = self._hash(b"n", entry.group, source_group) % ADDRESS_NEW_BUCKETS_PER_SOURCE_GROUP
        bucket = self._hash(b"N", source_group, spread.to_bytes(1, "big")) % ADDRESS_NEW_BUCKETS
        return self.new_slot_in(entry, bucket)

    def new_slot_in(self, entry: KnownAddress, bucket: int) -> int:
        """The slot of an address within a bucket of the new table."""
        position = self._hash(b"p", bucket.to_bytes(2, "big"), entry.packed) % ADDRESS_BUCKET_SLOTS
        return bucket * ADDRESS_BUCKET_SLOTS + position

    def tried_slot(self, entry: KnownAddress) -> int:
        """The only place in the tried table where this address may stand."""
        spread = self._hash(b"t", entry.packed) % ADDRESS_TRIED_BUCKETS_PER_GROUP
        bucket = self._hash(b"T", entry.group, spread.to_bytes(1, "big")) % ADDRESS_TRIED_BUCKETS
        position = self._hash(b"q", bucket.to_bytes(2, "big"), entry.packed) % ADDRESS_BUCKET_SLOTS
        return bucket * ADDRESS_BUCKET_SLOTS + position

    def new_at(self, slot: int) -> KnownAddress | None:
        bucket = self._new.get(slot // ADDRESS_BUCKET_SLOTS, ())
        return next((entry for entry in bucket if slot in entry.new_slots), None)

    def tried_at(self, slot: int) -> KnownAddress | None:
        bucket = self._tried.get(slot // ADDRESS_BUCKET_SLOTS, ())
        return next((entry for entry in bucket if slot == entry.tried_slot), None)

    def create(self, entry: KnownAddress) -> None:
        """Make an entry known; it stands in no slot yet, and its caller puts it into one or deletes it."""
        entry.order = len(self.order)
        self.order.append(entry)
        self.entries[entry.address] = entry

    def delete(self, entry: KnownAddress) -> None:
        """Forget an entry that stands in no slot."""
        assert not entry.new_slots and entry.tried_slot is None
        last = self.order.pop()
        if last is not entry:
            self.order[entry.order] = last
            last.order = entry.order
        del self.entries[entry.address]

    def forget_new(self, entry: KnownAddress) -> None:
        """Forget an entry with all its slots of the new table."""
        for slot in entry.new_slots:
            self._leave_new(entry, slot)
        self.delete(entry)

    def put_new(self, entry: KnownAddress, slot: int) -> None:
        """Stand in a slot of the new table; who stood there leaves it, and is forgotten if it was its last."""
        previous = self.new_at(slot)
        if previous is not None:
            self._leave_new(previous, slot)
            if not previous.new_slots:
                self.delete(previous)
        _put(self._new, entry, slot)
        entry.new_slots += (slot,)

    def move_to_tried(self, entry: KnownAddress) -> None:
        """Leave the new table for the tried one; who stood there goes back to the new table."""
        for slot in entry.new_slots:
            self._leave_new(entry, slot)
        slot = self.tried_slot(entry)
        evicted = self.tried_at(slot)
        if evicted is not None:
            _remove(self._tried, evicted, slot)
            evicted.tried_slot = None
            self.tried_count -= 1
            self.put_new(evicted, self.new_slot(evicted, evicted.source_group))
        self.put_tried(entry, slot)

    def put_tried(self, entry: KnownAddress, slot: int) -> None:
        """Stand in a free slot of the tried table."""
        _put(self._tried, entry, slot)
        entry.tried_slot = slot
        self.tried_count += 1

    def buckets(self, *, tried: bool) -> list[Bucket]:
        """The buckets of a table that hold anything."""
        return list((self._tried if tried else self._new).values())

    def draw(self, index: int, rng: Rng) -> KnownAddress:
        """The index-th of a random order of all entries; ask for 0, 1, 2 ... in turn (a lazy Fisher-Yates shuffle)."""
        other = index + rng.below(len(self.order) - index)
        first, second = self.order[index], self.order[other]
        self.order[index], self.order[other] = second, first
        second.order, first.order = index, other
        return second

    def _leave_new(self, entry: KnownAddress, slot: int) -> None:
        _remove(self._new, entry, slot)
        entry.new_slots = tuple(other for other in entry.new_slots if other != slot)

    def _hash(self, purpose: bytes, *parts: bytes) -> int:
        # Lengths keep ("ab", "c") and ("a", "bc") apart.
        text = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
        return int.from_bytes(sha256(self.key + purpose + text).digest()[:8], "big")


def _put(table: _Table, entry: KnownAddress, slot: int) -> None:
    bucket = slot // ADDRESS_BUCKET_SLOTS
    table[bucket] = (*table.get(bucket, ()), entry)


def _remove(table: _Table, entry: KnownAddress, slot: int) -> None:
    bucket = slot // ADDRESS_BUCKET_SLOTS
    others = tuple(other for other in table[bucket] if other is not entry)
    if others:
        table[bucket] = others
    else:
        del table[bucket]
