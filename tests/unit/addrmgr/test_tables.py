"""The tables against a naive model, with tables so small that everything collides."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.addrmgr import tables as tables_module
from minicoin.core.addrmgr.entry import KnownAddress
from minicoin.core.addrmgr.tables import Tables
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng

SMALL = {
    "ADDRESS_NEW_BUCKETS": 4,
    "ADDRESS_TRIED_BUCKETS": 2,
    "ADDRESS_BUCKET_SLOTS": 3,
    "ADDRESS_NEW_BUCKETS_PER_SOURCE_GROUP": 2,
    "ADDRESS_TRIED_BUCKETS_PER_GROUP": 2,
}


@contextmanager
def small_tables() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            patch.setattr(tables_module, name, value)
        yield


def make_entry(number: int) -> KnownAddress:
    address = NodeAddress(f"8.{number % 3}.0.{number}", 8333)
    return KnownAddress(address, bytes((number % 3,)), bytes((number % 2,)), 0, 0)


class Model:
    """Two dicts from slot to address; everything else is recomputed."""

    def __init__(self) -> None:
        self.new: dict[int, NodeAddress] = {}
        self.tried: dict[int, NodeAddress] = {}

    @property
    def known(self) -> set[NodeAddress]:
        return {*self.new.values(), *self.tried.values()}

    def promote(self, address: NodeAddress, slot: int, way_back: dict[NodeAddress, int]) -> None:
        self.new = {place: other for place, other in self.new.items() if other != address}
        evicted = self.tried.get(slot)
        if evicted is not None:
            self.new[way_back[evicted]] = evicted
        self.tried[slot] = address


def check_indexes(tables: Tables) -> None:
    assert [entry.order for entry in tables.order] == list(range(len(tables.entries)))
    assert {id(entry) for entry in tables.order} == {id(entry) for entry in tables.entries.values()}
    assert tables.tried_count == sum(entry.is_tried for entry in tables.entries.values())
    for address, entry in tables.entries.items():
        assert entry.address == address
        assert entry.is_tried != bool(entry.new_slots)
        assert len(set(entry.new_slots)) == len(entry.new_slots)
        assert all(tables.new_at(slot) is entry for slot in entry.new_slots)
        assert entry.tried_slot is None or tables.tried_at(entry.tried_slot) is entry
        assert entry.tried_slot in (None, tables.tried_slot(entry))
    for tried in (False, True):
        check_buckets(tables, tried=tried)


def check_buckets(tables: Tables, *, tried: bool) -> None:
    """Every bucket holds somebody, each once, and together they hold everybody of the table."""
    buckets = tables.buckets(tried=tried)
    held = [id(entry) for bucket in buckets for entry in bucket]
    assert all(buckets)
    assert all(len({id(entry) for entry in bucket}) == len(bucket) for bucket in buckets)
    entries = [entry for entry in tables.entries.values() if entry.is_tried is tried]
    assert sorted(held) == sorted(id(entry) for entry in entries for _ in ((0,) if tried else entry.new_slots))


def contents(tables: Tables, *, tried: bool) -> dict[int, NodeAddress]:
    slots = ((entry.tried_slot,) if tried else entry.new_slots for entry in tables.entries.values())
    pairs = zip(slots, tables.entries, strict=True)
    return {slot: address for places, address in pairs for slot in places if slot is not None}


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["tell", "tell", "promote", "draw"]), st.integers(0, 30), st.binary(max_size=1)),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(OPERATIONS)
def test_tables_agree_with_the_naive_model(operations: list[tuple[str, int, bytes]]) -> None:
    with small_tables():
        tables, model, rng = Tables(bytes(32)), Model(), Rng(b"tables")
        for name, number, source_group in operations:
            fresh = make_entry(number)
            entry = tables.entries.get(fresh.address)
            if name == "tell" and (entry is None or not entry.is_tried):
                if entry is None:
                    entry = fresh
                    tables.create(entry)
                slot = tables.new_slot(entry, source_group)
                if tables.new_at(slot) is not entry:
                    tables.put_new(entry, slot)
                model.new[slot] = entry.address
            elif name == "promote" and entry is not None and not entry.is_tried:
                way_back = {known.address: tables.new_slot(known, known.source_group) for known in tables.order}
                tables.move_to_tried(entry)
                model.promote(entry.address, tables.tried_slot(entry), way_back)
            elif name == "draw" and tables.entries:
                tables.draw(number % len(tables.entries), rng)
            assert contents(tables, tried=False) == model.new
            assert contents(tables, tried=True) == model.tried
            assert set(tables.entries) == model.known
            check_indexes(tables)


def test_drawing_gives_every_entry_once() -> None:
    tables = Tables(bytes(32))
    for number in range(40):
        entry = make_entry(number)
        tables.create(entry)
        tables.put_new(entry, tables.new_slot(entry, bytes((number,))))
    drawn = [tables.draw(index, Rng(bytes((index,)))).address for index in range(len(tables.entries))]
    assert sorted(drawn) == sorted(tables.entries)
    assert drawn != list(tables.entries)
    check_indexes(tables)


def test_slots_depend_on_the_key() -> None:
    entry = make_entry(1)
    slots = {Tables(bytes((key,)) * 32).new_slot(entry, b"x") for key in range(20)}
    assert len(slots) > 15
    assert Tables(bytes(32)).new_slot(entry, b"x") == Tables(bytes(32)).new_slot(entry, b"x")
