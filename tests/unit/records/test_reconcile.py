"""Scuttlebutt: whoever exchanges ends with the newest of both; no gap below what was delivered; pages and bounds."""

import pytest
from tests.unit.records.world import GROUP, NOW, OTHER_GROUP, record_of, store_of

from minicoin.core.libp2p.identity import Identity
from minicoin.core.records import reconcile
from minicoin.core.records.messages import FIRST_SOURCE, LAST_SOURCE
from minicoin.core.records.reconcile import answer_digest, answer_lacks, behind, make_digest, newer, next_page
from minicoin.core.rng import Rng

SIGNERS = [Identity.from_number(number) for number in range(1, 9)]


def exchange(one, other, messages_max=100):
    """Digest, delta, values, page after page; how many digests it took."""
    count, first = 0, FIRST_SOURCE
    while first is not None:
        count += 1
        assert count <= messages_max
        digest = make_digest(one.sources, first, GROUP, wants_digest=True)
        delta = answer_digest(other.sources, digest, OTHER_GROUP)
        for record in delta.records:
            one.take(record, GROUP, NOW)
        lacking, lacks_more = answer_lacks(one.sources, delta.lacks)
        for record in lacking:
            other.take(record, OTHER_GROUP, NOW)
        first = digest.first if delta.has_more or lacks_more else next_page(digest.last)
    return count


def newest_of(records):
    best = {}
    for record in records:
        if record.place not in best or best[record.place].version < record.version:
            best[record.place] = record
    return best


def held(store):
    return {one.record.place: one.record for one in store.all_held()}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("entries_max", [3, 1_024])
def test_two_that_exchange_hold_the_newest_of_both(seed, entries_max, monkeypatch) -> None:
    monkeypatch.setattr(reconcile, "SIGNED_RECORD_DIGEST_ENTRIES_MAX", entries_max)
    monkeypatch.setattr(reconcile, "SIGNED_RECORDS_MESSAGE_BYTES_MAX", 1_000)
    rng = Rng(b"reconcile" + bytes((seed,)))
    one, other = store_of(), store_of()
    records = [record_of(rng.choice(SIGNERS), key=str(rng.below(3)), version=NOW + number) for number in range(40)]
    for record in records:
        for store, group in ((one, GROUP), (other, OTHER_GROUP)):
            if rng.below(2):
                store.take(record, group, NOW)
    known = newest_of((*held(one).values(), *held(other).values()))
    exchange(one, other)
    # News may have hidden a gap from the highest version: the second exchange sees it by the sum.
    exchange(one, other)
    assert held(one) == held(other) == known
    assert exchange(one, other) == (1 if entries_max > 8 else -(-len(one.sources) // 3) + (len(one.sources) % 3 == 0))


def test_of_one_source_nothing_is_left_out_wherever_the_message_ends(monkeypatch) -> None:
    store = store_of()
    for version in range(10):
        store.take(record_of(SIGNERS[0], key=str(version), version=NOW + version), GROUP, NOW)
    size = len(record_of(SIGNERS[0], key="0").encode())
    source = record_of(SIGNERS[0]).source
    for room in range(size, 11 * size, size // 2):
        monkeypatch.setattr(reconcile, "SIGNED_RECORDS_MESSAGE_BYTES_MAX", room)
        records, has_more = newer(store.sources, (source,), ((source, NOW + 2, 1),))
        count = min(room // size, 7)
        assert [record.version for record in records] == [NOW + 3 + number for number in range(count)]
        assert has_more is (count < 7)


def test_the_source_with_the_newest_record_goes_first(monkeypatch) -> None:
    store = store_of()
    for order, signer in enumerate(SIGNERS[:4]):
        for number in range(2):
            store.take(record_of(signer, key=str(number), version=NOW + 10 * order + number), GROUP, NOW)
    records, _ = newer(store.sources, store.sources.names(FIRST_SOURCE, LAST_SOURCE), ())
    assert [record.version - NOW for record in records] == [30, 31, 20, 21, 10, 11, 0, 1]


def test_a_gap_that_the_highest_version_hides_is_found_by_the_sum() -> None:
    one, other = store_of(), store_of()
    missed, told = record_of(key="a"), record_of(key="b", version=NOW + 1)
    for record in (missed, told):
        one.take(record, GROUP, NOW)
    other.take(told, GROUP, NOW)
    digest = make_digest(other.sources, FIRST_SOURCE, GROUP, wants_digest=False)
    assert answer_digest(one.sources, digest, GROUP).records == (missed, told)
    # And the other way round it is asked for.
    digest = make_digest(one.sources, FIRST_SOURCE, GROUP, wants_digest=True)
    delta = answer_digest(other.sources, digest, GROUP)
    assert answer_lacks(one.sources, delta.lacks) == ((missed, told), False)


def test_what_was_declined_is_not_sent_again() -> None:
    one, other = store_of(), store_of()
    one.take(record_of(), GROUP, NOW)
    other.sources.decline(record_of(), GROUP)
    digest = make_digest(other.sources, FIRST_SOURCE, GROUP, wants_digest=True)
    assert answer_digest(one.sources, digest, OTHER_GROUP).records == ()
    assert behind(other.sources, make_digest(one.sources, FIRST_SOURCE, GROUP, wants_digest=True).entries, GROUP) == ()
    # But what is newer is, and another group's peer sends even this.
    one.take(newest := record_of(key="b", version=NOW + 1), GROUP, NOW)
    assert answer_digest(one.sources, digest, OTHER_GROUP).records == (newest,)
    digest = make_digest(other.sources, FIRST_SOURCE, OTHER_GROUP, wants_digest=True)
    assert answer_digest(one.sources, digest, GROUP).records == (record_of(), newest)


def test_two_that_hold_the_same_send_nothing() -> None:
    one, other = store_of(), store_of()
    for store in (one, other):
        for signer in SIGNERS:
            store.take(record_of(signer), GROUP, NOW)
    digest = make_digest(one.sources, FIRST_SOURCE, GROUP, wants_digest=True)
    delta = answer_digest(other.sources, digest, OTHER_GROUP)
    assert (delta.records, delta.has_more, delta.lacks) == ((), False, ())


def test_a_digest_of_lies_brings_its_sender_nothing_and_asks_for_no_more_than_it_names() -> None:
    store = store_of()
    store.take(record_of(), GROUP, NOW)
    lies = tuple((bytes((number,)) * 16, 2**64 - 1, 1) for number in range(50))
    lacks = behind(store.sources, lies, GROUP)
    assert lacks == tuple((name, 0, 0) for name, _, _ in lies)
    assert (
        newer(store.sources, store.sources.names(FIRST_SOURCE, LAST_SOURCE), ((record_of().source, 2**64 - 1, 1),))[0]
        == ()
    )


def test_pages_follow_each_other_to_the_end() -> None:
    assert next_page(LAST_SOURCE) is None
    assert next_page(FIRST_SOURCE) == bytes(15) + b"\1"
