"""Sources against a naive list, their digests, and what was declined for one group only."""

from tests.unit.records.world import ALICE, BOB, CAROL, GROUP, NOW, OTHER_GROUP, record_of

from minicoin.core.limits import SIGNED_RECORDS_DECLINED_REMEMBERED_MAX
from minicoin.core.records.record import sum_of
from minicoin.core.records.sources import Sources
from minicoin.core.rng import Rng

RECORDS = [record_of(who, key=str(number), version=NOW + number) for who in (ALICE, BOB, CAROL) for number in range(5)]


def naive_digest(held):
    names = sorted({record.source for record in held})
    of = {name: [record for record in held if record.source == name] for name in names}
    return tuple((name, max(record.version for record in of[name]), sum_of(of[name])) for name in names)


def test_it_does_what_a_list_does() -> None:
    rng, sources, held = Rng(b"sources"), Sources(), []
    for _ in range(500):
        record = rng.choice(RECORDS)
        if record in held:
            held.remove(record)
            sources.remove(record)
        else:
            held.append(record)
            sources.add(record)
        assert sources.digest() == naive_digest(held)
        assert len(sources) == len(naive_digest(held))
        first, last = sorted((rng.choice(RECORDS).source, rng.choice(RECORDS).source))
        assert sources.names(first, last) == tuple(name for name, _, _ in naive_digest(held) if first <= name <= last)
        assert sources.page(first, 2, GROUP) == tuple(entry for entry in naive_digest(held) if entry[0] >= first)[:2]
        name, version = record.source, NOW + rng.below(6)
        newer = sorted(
            (one for one in held if one.source == name and one.version > version), key=lambda one: one.version
        )
        assert sources.newer(name, version) == tuple(newer)
        assert sources.standing(name) == next((entry[1:] for entry in naive_digest(held) if entry[0] == name), (0, 0))
        assert sources.has(name, record.version) is (record in held)


def test_what_a_group_had_no_room_for_is_told_to_that_group_and_to_no_other() -> None:
    sources, record = Sources(), record_of(ALICE)
    sources.decline(record, GROUP)
    assert sources.page(b"", 10, GROUP) == ((record.source, record.version, 0),)
    assert sources.page(b"", 10, OTHER_GROUP) == ()
    assert sources.version(record.source) == 0
    older = record_of(ALICE, version=NOW - 1)
    sources.decline(older, GROUP)
    sources.add(older)
    assert sources.page(b"", 10, GROUP) == ((record.source, record.version, 0),)
    assert sources.page(b"", 10, OTHER_GROUP) == ((record.source, older.version, sum_of((older,))),)


def test_what_was_declined_is_forgotten_when_there_is_too_much_of_it() -> None:
    sources, record = Sources(), record_of(ALICE)
    for number in range(SIGNED_RECORDS_DECLINED_REMEMBERED_MAX + 10):
        sources.decline(record, number.to_bytes(4, "big"))
    assert sources.page(b"", 10, (9).to_bytes(4, "big")) == ()
    assert sources.page(b"", 10, (10).to_bytes(4, "big")) != ()
