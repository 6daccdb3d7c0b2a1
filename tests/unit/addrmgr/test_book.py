"""The address book: gossip, attempts, selection, collisions, samples."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.addrmgr import tables as tables_module
from minicoin.core.addrmgr.book import COLLISION_CHECK_US, COLLISION_TEST_WINDOW_S, AddressBook, may_take
from minicoin.core.addrmgr.entry import HORIZON_S, KnownAddress
from minicoin.core.addrmgr.tables import KEY_BYTES, Tables
from minicoin.core.limits import ADDRESS_BUCKET_SLOTS, ADDRESS_NEW_BUCKETS_PER_SOURCE_GROUP, TRIED_COLLISIONS_MAX
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.rng import Rng
from minicoin.core.units import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Micros

NOW_S = 1_700_000_000
NOW = Micros(NOW_S * SECOND_US)
SOURCE = NodeAddress("9.9.9.9", 8333)


ALL = 1 << 20


def make_book(allow_private: bool = False) -> AddressBook:
    return AddressBook(Rng(b"book"), allow_private)


def make_tables() -> Tables:
    """Like those that make_book's book makes itself."""
    return Tables(Rng(b"book").bytes(KEY_BYTES))


def book_over(tables: Tables, allow_private: bool = False) -> AddressBook:
    """Like make_book's, over tables that the test holds too."""
    rng = Rng(b"book")
    rng.bytes(KEY_BYTES)
    return AddressBook(rng, allow_private, tables)


def node(number: int, port: int = 8333) -> NodeAddress:
    """Addresses of 200 groups in turn."""
    return NodeAddress(f"{20 + number % 200}.1.{number // 200 % 250}.{1 + number // 50_000}", port)


def heard(address: NodeAddress, time: int = NOW_S - 3600, services: int = 9) -> TimedAddress:
    return TimedAddress(address, services, time)


def fill(book: AddressBook, count: int, good: int = 0) -> list[NodeAddress]:
    nodes = [node(number) for number in range(count)]
    book.add([heard(address) for address in nodes], None, NOW)
    for address in nodes[:good]:
        book.mark_good(address, NOW)
    return nodes


def time_of(book: AddressBook, address: NodeAddress) -> int:
    record = book.find(address)
    assert record is not None
    return record.timed.time


# --- what its source takes back ---


def test_only_what_the_registry_listed_and_never_answered_is_taken_back() -> None:
    book = make_book()
    book.add([heard(node(40))], SOURCE, NOW)
    book.add([heard(node(41))], None, NOW)
    assert len(book.add_listed([heard(node(number)) for number in range(42)], NOW)) == 40
    for number in range(0, 40, 2):
        book.mark_good(node(number), NOW)
    assert book.withdraw(node(number) for number in range(42)) == tuple(node(number) for number in range(1, 40, 2))
    assert book.size == 22 and book.withdraw([node(1)]) == ()
    assert set(book.known(NOW, 100)) == {node(number) for number in (*range(0, 40, 2), 40, 41)}
    assert AddressBook.from_bytes(book.to_bytes(), Rng(b""), False).size == 22


def test_a_registry_that_lists_without_end_fills_its_own_part_and_no_others() -> None:
    book = make_book()
    listed = [heard(node(number)) for number in range(40_000)]
    assert len(book.add_listed(listed, NOW)) <= ADDRESS_NEW_BUCKETS_PER_SOURCE_GROUP * ADDRESS_BUCKET_SLOTS
    seeded = [node(number) for number in range(100_000, 100_040)]
    assert len(book.add([heard(address) for address in seeded], None, NOW)) > 30
    told = [node(number) for number in range(200_000, 200_040)]
    assert len(book.add([heard(address) for address in told], SOURCE, NOW)) > 30
    chosen = Counter(book.select(NOW) in (*seeded, *told) for _ in range(1_000))
    assert chosen[True] > 250


# --- gossip ---


def test_gossip_is_taken_once_and_dated_two_hours_back() -> None:
    book = make_book()
    assert book.add([heard(node(1)), heard(node(1)), heard(node(2))], SOURCE, NOW) == (node(1), node(2))
    assert book.size == 2
    assert time_of(book, node(1)) == NOW_S - 3 * 3600


def test_own_word_and_own_findings_are_not_penalised() -> None:
    book = make_book()
    book.add([heard(SOURCE)], SOURCE, NOW)
    book.add([heard(node(1))], None, NOW)
    assert time_of(book, SOURCE) == time_of(book, node(1)) == NOW_S - 3600


@pytest.mark.parametrize("time", [0, 100_000_000, NOW_S + 601, 2**32 - 1])
def test_impossible_times_are_taken_as_five_days_old(time: int) -> None:
    book = make_book()
    book.add([heard(node(1), time)], None, NOW)
    assert time_of(book, node(1)) == NOW_S - 5 * 24 * 3600


def test_newer_news_move_the_time_only_after_an_interval() -> None:
    book = make_book()
    book.add([heard(node(1), NOW_S - 7200)], None, NOW)
    book.add([heard(node(1), NOW_S - 3700)], None, NOW)
    assert time_of(book, node(1)) == NOW_S - 7200
    book.add([heard(node(1), NOW_S - 3000, services=1024)], None, NOW)
    assert time_of(book, node(1)) == NOW_S - 3000
    record = book.find(node(1))
    assert record is not None and record.timed.services == 9 | 1024


def test_spellings_of_one_address_are_one_address() -> None:
    book = make_book()
    book.add([heard(NodeAddress("::ffff:8.8.8.8", 8333)), heard(NodeAddress("8.8.8.8", 8333))], None, NOW)
    book.add([heard(NodeAddress("2600:0::0:1", 1)), heard(NodeAddress("2600::1", 1))], None, NOW)
    assert book.size == 2
    book.mark_good(NodeAddress("2600:0000::1", 1), NOW)
    assert book.snapshot().tried == 1


def test_unroutable_addresses_are_refused_unless_the_network_is_private() -> None:
    lab = [heard(NodeAddress("127.0.0.1", port)) for port in range(1000, 1010)]
    assert make_book().add(lab, SOURCE, NOW) == ()
    book = make_book(allow_private=True)
    useless = [heard(NodeAddress("0.0.0.0", 1)), heard(NodeAddress("n.example", 1))]
    assert book.add([*lab, *useless], SOURCE, NOW) == tuple(timed.address for timed in lab)
    assert len({book.group(timed.address) for timed in lab}) == 10


def test_one_source_group_fills_at_most_its_64_buckets() -> None:
    book = make_book()
    flood = [
        heard(NodeAddress(f"{20 + number // 250 % 100}.{number % 250}.{number // 25_000}.1", 8333))
        for number in range(12_000)
    ]
    book.add(flood[:6000], NodeAddress("9.9.1.1", 8333), NOW)
    book.add(flood[6000:], NodeAddress("9.9.200.200", 8333), NOW)
    buckets = {slot // ADDRESS_BUCKET_SLOTS for place in book.places(ALL) for slot in place.new_slots}
    assert 32 < len(buckets) <= ADDRESS_NEW_BUCKETS_PER_SOURCE_GROUP
    assert book.size <= ADDRESS_NEW_BUCKETS_PER_SOURCE_GROUP * ADDRESS_BUCKET_SLOTS
    # Another group still gets its addresses in.
    assert len(book.add([heard(node(number)) for number in range(100)], NodeAddress("10.20.1.1", 1), NOW)) > 80


def test_one_group_fills_at_most_its_8_tried_buckets() -> None:
    book = make_book()
    for number in range(2000):
        address = NodeAddress(f"8.8.{number // 200}.{number % 200 + 1}", 8333)
        book.add([heard(address)], node(number), NOW)
        book.mark_good(address, NOW)
    tried = {place.tried_slot // ADDRESS_BUCKET_SLOTS for place in book.places(ALL) if place.tried_slot is not None}
    assert 4 <= len(tried) <= 8


def test_repeating_an_address_does_not_multiply_it() -> None:
    book = make_book()
    slots = []
    for number in range(2000):
        book.add([heard(node(0), NOW_S - 10_000 + number)], NodeAddress(f"{30 + number % 200}.7.7.7", 1), NOW)
        (place,) = book.places(ALL)
        slots.append(len(place.new_slots))
    # Each further slot takes twice as many tellings as the one before, up to eight.
    assert 1 < slots[20] <= 6
    assert slots[-1] == 8


# --- what happened ---


def test_good_addresses_move_to_tried_and_unknown_ones_are_ignored() -> None:
    book = make_book()
    fill(book, 3)
    book.mark_good(node(0), NOW)
    book.mark_good(node(0), NOW)
    for mark in (book.mark_good, book.mark_attempt, book.mark_connected):
        mark(NodeAddress("99.99.99.99", 1), NOW)
    snapshot = book.snapshot()
    assert (snapshot.new, snapshot.tried, snapshot.size) == (2, 1, 3)
    assert [book.has_answered(one) for one in (node(0), node(1), NodeAddress("99.99.99.99", 1))] == [True, False, False]


def test_failures_count_once_per_success_of_anybody() -> None:
    book = make_book()
    nodes = fill(book, 2)
    book.mark_attempt(nodes[0], NOW)
    book.mark_attempt(nodes[0], Micros(NOW + HOUR_US))
    record = book.find(nodes[0])
    assert record is not None and record.attempts == 1
    book.mark_good(nodes[1], Micros(NOW + 2 * HOUR_US))
    book.mark_attempt(nodes[0], Micros(NOW + 3 * HOUR_US), count_failure=False)
    book.mark_attempt(nodes[0], Micros(NOW + 3 * HOUR_US))
    record = book.find(nodes[0])
    assert record is not None and (record.attempts, record.last_attempt) == (2, NOW_S + 3 * 3600)
    book.mark_good(nodes[0], Micros(NOW + 4 * HOUR_US))
    record = book.find(nodes[0])
    assert record is not None and record.attempts == 0 and record.is_tried


def test_connected_is_coarse() -> None:
    book = make_book()
    book.add([heard(node(0), NOW_S - 600)], None, NOW)
    book.mark_connected(node(0), NOW)
    assert time_of(book, node(0)) == NOW_S - 600
    book.mark_connected(node(0), Micros(NOW + HOUR_US))
    assert time_of(book, node(0)) == NOW_S + 3600


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"time": NOW_S - HORIZON_S}, False),
        ({"time": NOW_S - HORIZON_S - 1}, True),
        ({"time": 0}, True),
        ({"time": NOW_S + 600}, False),
        ({"time": NOW_S + 601}, True),
        ({"time": 0, "last_attempt": NOW_S - 59}, False),
        ({"attempts": 2}, False),
        ({"attempts": 3}, True),
        ({"attempts": 9, "last_success": 1}, False),
        ({"attempts": 10, "last_success": NOW_S - 7 * 86400 - 1}, True),
        ({"attempts": 10, "last_success": NOW_S - 7 * 86400}, False),
    ],
)
def test_terrible(changes: dict[str, int], expected: bool) -> None:
    entry = KnownAddress(SOURCE, b"", b"", 0, NOW_S)
    for name, value in changes.items():
        setattr(entry, name, value)
    assert entry.is_terrible(NOW_S) is expected


def test_chance_falls_with_failures_and_just_after_an_attempt() -> None:
    entry = KnownAddress(SOURCE, b"", b"", 0, NOW_S)
    assert entry.chance(NOW_S) == 1.0
    entry.attempts = 2
    assert entry.chance(NOW_S) == pytest.approx(0.66**2)
    entry.attempts = 50
    assert entry.chance(NOW_S) == pytest.approx(0.66**8)
    entry.last_attempt = NOW_S - 599
    assert entry.chance(NOW_S) == pytest.approx(0.01 * 0.66**8)


# --- whom to try ---


def test_select_draws_from_both_tables_alike() -> None:
    book = make_book()
    nodes = fill(book, 100, good=5)
    tried = set(nodes[:5])
    drawn = Counter(book.select(NOW) in tried for _ in range(1000))
    # 99.99 % of fair series lie within 4 standard deviations of 16.
    assert 436 < drawn[True] < 564
    assert not any(book.select(NOW, new_only=True) in tried for _ in range(100))


def test_select_reaches_everybody_and_nobody_when_empty() -> None:
    book = make_book()
    assert book.select(NOW) is None
    nodes = fill(book, 10, good=10)
    # All have just been tried: unlikely, yet never stuck.
    assert {book.select(NOW) for _ in range(300)} == set(nodes)
    assert book.select(NOW, new_only=True) is None


def test_select_prefers_who_did_not_fail() -> None:
    book = make_book()
    nodes = fill(book, 2)
    book.mark_attempt(nodes[0], NOW)
    drawn = Counter(book.select(NOW) for _ in range(500))
    assert drawn[nodes[1]] > 400


def test_select_leaves_excluded_groups_out() -> None:
    book = make_book()
    nodes = fill(book, 50, good=10)
    wanted = nodes[33]
    others = frozenset(book.group(address) for address in nodes if address != wanted)
    assert {book.select(NOW, exclude_groups=others) for _ in range(20)} == {wanted}
    everybody = others | {book.group(wanted)}
    assert book.select(NOW, exclude_groups=everybody) is None


def test_equal_seeds_give_equal_choices() -> None:
    runs = []
    for _ in range(2):
        book = make_book()
        fill(book, 300, good=30)
        runs.append(([book.select(NOW) for _ in range(50)], book.sample(NOW), book.to_bytes()))
    assert runs[0] == runs[1]


# --- collisions ---


def collide(book: AddressBook) -> tuple[NodeAddress, NodeAddress]:
    """(holder, rival): two addresses of one group that want the same tried slot, both having answered."""
    tables, seen = make_tables(), dict[int, NodeAddress]()
    for number in range(20_000):
        address = NodeAddress(f"8.8.{number // 200}.{number % 200 + 1}", 8333)
        book.add([heard(address)], None, NOW)
        if book.find(address) is None:
            continue
        entry = KnownAddress(address, book.group(address), b"", 0, 0)
        holder = seen.setdefault(tables.tried_slot(entry), address)
        if holder != address:
            book.mark_good(holder, NOW)
            book.mark_good(address, Micros(NOW + MINUTE_US))
            return holder, address
    raise AssertionError("no collision found")


def tried_of(book: AddressBook) -> list[NodeAddress]:
    return [place.timed.address for place in book.places(ALL) if place.tried_slot is not None]


def test_the_holder_of_a_tried_slot_is_tested_before_it_is_evicted() -> None:
    book = make_book()
    holder, rival = collide(book)
    assert book.snapshot().collisions == (rival,)
    assert tried_of(book) == [holder]


def test_a_holder_that_answers_keeps_its_slot() -> None:
    book = make_book()
    holder, rival = collide(book)
    later = Micros(NOW + 5 * HOUR_US)
    book.mark_good(rival, later)
    book.mark_attempt(holder, later)
    book.mark_good(holder, later)
    book.resolve_collisions(later)
    assert tried_of(book) == [holder]
    assert book.snapshot().collisions == ()


def test_a_holder_that_does_not_answer_loses_its_slot_after_a_minute() -> None:
    book = make_book()
    holder, rival = collide(book)
    later = Micros(NOW + 5 * HOUR_US)
    book.mark_good(rival, later)
    book.mark_attempt(holder, later)
    book.resolve_collisions(Micros(later + MINUTE_US))
    assert tried_of(book) == [holder]
    book.resolve_collisions(Micros(later + 61 * SECOND_US))
    assert tried_of(book) == [rival]
    record = book.find(holder)
    assert record is not None and not record.is_tried


def test_a_collision_that_nobody_tests_ends_with_the_rival() -> None:
    book = make_book()
    _, rival = collide(book)
    book.resolve_collisions(Micros(NOW + 5 * HOUR_US))
    assert tried_of(book) == [rival]


def test_collisions_end_on_a_deadline_so_that_they_never_close_the_tried_table() -> None:
    """Nobody calls for a test here: forty minutes after the rivals answered, each has its slot."""
    book = make_book()
    assert book.next_deadline() is None
    for number in range(4000):
        address = NodeAddress(f"8.8.{number // 200}.{number % 200 + 1}", 8333)
        book.add([heard(address)], None, NOW)
        book.mark_good(address, NOW)
    rivals = book.snapshot().collisions
    assert len(rivals) == TRIED_COLLISIONS_MAX
    # The holders answered just now: their rivals lose at the first look, and others may try.
    deadline = _deadline(book)
    assert book.alarm.at <= deadline
    assert deadline == NOW + COLLISION_CHECK_US
    book.resolve_collisions(deadline)
    assert book.snapshot().collisions == ()
    assert book.next_deadline() is None
    later = Micros(NOW + 5 * HOUR_US)
    for rival in rivals:
        book.mark_good(rival, later)
    assert book.snapshot().collisions == rivals
    while book.next_deadline() is not None:
        deadline = _deadline(book)
        assert deadline <= later + (COLLISION_TEST_WINDOW_S + 120) * SECOND_US
        book.resolve_collisions(deadline)
    assert book.snapshot().collisions == ()
    # Two wanted the slot of another rival as well, and had it first.
    assert len(set(rivals) & set(tried_of(book))) == TRIED_COLLISIONS_MAX - 2


def _deadline(book: AddressBook) -> Micros:
    deadline = book.next_deadline()
    assert deadline is not None
    return deadline


def test_collisions_are_bounded() -> None:
    book = make_book()
    for number in range(4000):
        address = NodeAddress(f"8.8.{number // 200}.{number % 200 + 1}", 8333)
        book.add([heard(address)], None, NOW)
        book.mark_good(address, NOW)
    assert len(book.snapshot().collisions) == TRIED_COLLISIONS_MAX


# --- samples ---


def test_sample_tells_at_most_23_percent_and_a_small_book_whole() -> None:
    book = make_book()
    nodes = fill(book, 20)
    assert sorted(timed.address for timed in book.sample(NOW)) == sorted(nodes)
    assert len(book.sample(NOW, 7)) == 7
    fill(book, 1000)
    sampled = book.sample(NOW)
    assert len(sampled) == book.size * 23 // 100
    assert len({timed.address for timed in sampled}) == len(sampled)
    assert book.sample(NOW) != sampled
    for number in range(6000):
        book.add([heard(node(number))], node(number % 200), NOW)
    assert book.size > 4500
    assert len(book.sample(NOW, 5000)) == 1000


def test_sample_tells_nobody_hopeless() -> None:
    book = make_book()
    fill(book, 10)
    assert book.sample(Micros(NOW + 31 * DAY_US)) == []


def test_those_who_are_known_are_named_in_the_order_they_came_and_looking_changes_nothing() -> None:
    book = make_book()
    nodes = fill(book, 20)
    before = book.to_bytes()
    assert book.known(NOW, 5) == tuple(nodes[:5])
    assert book.known(NOW, 1_000) == tuple(nodes)
    assert book.known(Micros(NOW + 31 * DAY_US), 5) == ()
    assert book.to_bytes() == before


# --- all together ---

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "attempt", "good", "good", "resolve", "sample", "select"]),
        st.integers(0, 40),
        st.integers(0, 5),
        st.integers(0, 20 * 86_400),
    ),
    max_size=50,
)


@settings(max_examples=100, deadline=None)
@given(OPERATIONS)
def test_the_book_stays_consistent_under_any_operations(operations: list[tuple[str, int, int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables_module, "ADDRESS_NEW_BUCKETS", 4)
        patch.setattr(tables_module, "ADDRESS_TRIED_BUCKETS", 2)
        patch.setattr(tables_module, "ADDRESS_BUCKET_SLOTS", 3)
        tables, now = make_tables(), NOW
        book = book_over(tables, allow_private=True)
        for name, number, source, wait_s in operations:
            now = Micros(now + wait_s * SECOND_US // 10)
            address = NodeAddress(f"127.0.0.{number % 7 + 1}", 1000 + number)
            match name:
                case "add":
                    timed = heard(address, now // SECOND_US - wait_s)
                    book.add([timed], NodeAddress("10.0.0.1", source) if source else None, now)
                case "attempt":
                    book.mark_attempt(address, now)
                case "good":
                    book.mark_good(address, now)
                case "resolve":
                    book.resolve_collisions(now)
                case "sample":
                    assert len(book.sample(now)) <= book.size
                case _:
                    chosen = book.select(now)
                    assert (chosen is None) == (book.size == 0)
            check(book, tables)


def check(book: AddressBook, tables: Tables) -> None:
    snapshot = book.snapshot()
    assert snapshot.size == book.size == len(tables.order)
    assert snapshot.tried == sum(entry.is_tried for entry in tables.entries.values())
    assert snapshot.new <= 4 * 3 and snapshot.tried <= 2 * 3
    for index, entry in enumerate(tables.order):
        assert entry.order == index and tables.entries[entry.address] is entry
        assert entry.is_tried != bool(entry.new_slots) and len(entry.new_slots) <= 8
        assert all(tables.new_at(slot) is entry for slot in entry.new_slots)
        assert entry.tried_slot is None or tables.tried_at(entry.tried_slot) is entry


# --- who yields a slot of the new table ---


def two_entries(tables: Tables) -> tuple[KnownAddress, KnownAddress, int]:
    """(holder, rival, the holder's slot); the rival stands nowhere yet."""
    book_over(tables).add([heard(node(0))], None, NOW)
    (holder,) = tables.entries.values()
    elsewhere = make_tables()
    book_over(elsewhere).add([heard(node(1))], None, NOW)
    (rival,) = elsewhere.entries.values()
    rival.new_slots = ()
    return holder, rival, holder.new_slots[0]


def test_a_slot_is_kept_by_a_good_holder_and_yielded_by_a_hopeless_one() -> None:
    tables = make_tables()
    holder, rival, slot = two_entries(tables)
    assert not may_take(tables, slot, rival, NOW_S)
    holder.attempts = 3
    assert may_take(tables, slot, rival, NOW_S)
    assert not may_take(tables, slot, holder, NOW_S)


def test_a_holder_of_several_slots_yields_one_to_an_address_without_any() -> None:
    tables = make_tables()
    holder, rival, slot = two_entries(tables)
    holder.new_slots += (slot + 1,)
    assert may_take(tables, slot, rival, NOW_S)
    rival.new_slots += (slot + 2,)
    assert not may_take(tables, slot, rival, NOW_S)


def test_a_rival_that_was_forgotten_and_heard_of_again_does_not_win() -> None:
    tables = make_tables()
    book = book_over(tables)
    holder, rival = collide(book)
    tables.entries[rival].last_success = 0
    book.resolve_collisions(Micros(NOW + 5 * HOUR_US))
    assert tried_of(book) == [holder]
    assert book.snapshot().collisions == ()
