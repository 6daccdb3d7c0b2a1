"""The mempool in pages."""

from tests.unit.queries.made import PAYMENTS

from minicoin.core.primitives.block import ZERO_HASH
from minicoin.core.primitives.transaction import Txid
from minicoin.core.queries import mempool
from minicoin.core.queries.node import NodeQueries


def test_mempool_pages_hold_every_entry_once_and_in_order(queries: NodeQueries, monkeypatch) -> None:
    monkeypatch.setattr(mempool, "QUERY_PAGE_ENTRIES_MAX", 2)
    seen = []
    after = -1
    while page := queries.mempool.entries(after):
        assert len(page) <= 2
        seen += [entry.txid for entry in page]
        after = page[-1].sequence
    assert len(set(seen)) == len(seen) == PAYMENTS == queries.mempool.snapshot().count
    assert [txid for _, txid in queries.mempool.txids()] == seen
    assert queries.mempool.txids(after) == ()


def test_an_unknown_transaction(queries: NodeQueries) -> None:
    assert queries.mempool.entry(Txid(ZERO_HASH)) is None
    assert queries.mempool.ancestors(Txid(ZERO_HASH)) is None
    assert queries.mempool.descendants(Txid(ZERO_HASH)) is None
