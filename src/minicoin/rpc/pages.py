"""Reads that come in pages: each page is a query of its own, so that the loop runs between them."""

from collections.abc import AsyncIterator

from minicoin.core.limits import QUERY_PAGE_HISTORY_MAX
from minicoin.core.queries.chain import HeaderView
from minicoin.core.queries.mempool import EntryView
from minicoin.core.queries.wallet import HistoryEntry
from minicoin.rpc.port import NodePort


async def read_entries(port: NodePort) -> list[EntryView]:
    """The whole mempool in the order of admission. What comes or goes meanwhile may be in it or not."""
    entries: list[EntryView] = []
    while page := await _entries_behind(port, entries[-1].sequence if entries else -1):
        entries += page
    return entries


async def read_history(port: NodePort, skip: int = 0) -> AsyncIterator[HistoryEntry]:
    """The wallet's history from newest to oldest."""
    while page := await _history_from(port, skip):
        for entry in page:
            yield entry
        skip += len(page)


async def read_headers(port: NodePort, height: int, count: int) -> tuple[HeaderView, ...]:
    """One page of headers of the best chain."""
    return await port.query(lambda node: node.chain.headers_from(height, count))


async def _entries_behind(port: NodePort, after: int) -> tuple[EntryView, ...]:
    return await port.query(lambda node: node.mempool.entries(after))


async def _history_from(port: NodePort, skip: int) -> tuple[HistoryEntry, ...]:
    return await port.query(lambda node: node.wallet.history(QUERY_PAGE_HISTORY_MAX, skip))
