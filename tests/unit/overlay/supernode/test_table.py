"""Records by signer: the newest of each, against a plain dict."""

from tests.unit.overlay.supernode.made import T0, status_record

from minicoin.core.overlay.supernode.entries import LIFE_US
from minicoin.core.overlay.supernode.table import RecordTable
from minicoin.core.rng import Rng
from minicoin.core.units import Micros

RECORDS = [status_record(number, Micros(T0 + step)) for number in range(12) for step in range(3)]


def test_any_walk_holds_the_newest_of_each_and_pages_through_all():
    for seed in range(20):
        rng, table, naive = Rng(bytes((seed,))), RecordTable(), {}
        for _ in range(60):
            record = rng.choice(RECORDS)
            if rng.below(6) == 0:
                table.remove(record.owner)
                naive.pop(record.owner, None)
                continue
            is_news = record.owner not in naive or naive[record.owner].version < record.version
            assert table.is_news(record, T0) == is_news
            if is_news:
                assert table.put(record) == naive.get(record.owner)
                naive[record.owner] = record
            assert len(table) == len(naive) and table.get(record.owner) == naive[record.owner]
        seen, after, more = [], b"", True
        while more:
            page, more = table.page(after, 1 + rng.below(4))
            seen += page
            after = page[-1].owner if page else after
        assert seen == [naive[owner] for owner in sorted(naive)]


def test_what_expired_is_no_news_and_is_named():
    table, record = RecordTable(), RECORDS[0]
    table.put(record)
    late = Micros(T0 + LIFE_US)
    assert table.expired(T0) == () and table.expired(late) == (record,)
    assert not RecordTable().is_news(record, late)
