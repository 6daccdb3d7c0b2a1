"""Headers in pages, and what is unknown or there is none of."""

from itertools import pairwise

import pytest
from tests.unit.queries.made import BLOCKS

from minicoin.core.limits import QUERY_PAGE_HEADERS_MAX
from minicoin.core.primitives.block import BlockHash
from minicoin.core.queries.node import NodeQueries


def test_headers_come_in_pages_within_the_chain(queries: NodeQueries) -> None:
    chain = queries.chain
    assert [view.height for view in chain.headers_from(BLOCKS - 1, 10)] == [BLOCKS - 1, BLOCKS]
    assert [view.height for view in chain.headers_from(-5, 7)] == [0, 1]
    assert chain.headers_from(BLOCKS + 1, 5) == ()
    assert len(chain.headers_from(0, 10**9)) == min(BLOCKS + 1, QUERY_PAGE_HEADERS_MAX)


def test_a_header_knows_its_neighbours(queries: NodeQueries) -> None:
    chain = queries.chain
    views = chain.headers_from(0, BLOCKS + 1)
    for lower, upper in pairwise(views):
        assert lower.next == upper.hash
        assert upper.header.previous == lower.hash
        assert upper.chainwork == lower.chainwork + 2
        assert lower.confirmations == upper.confirmations + 1
    assert (views[-1].confirmations, views[-1].next) == (1, None)
    assert chain.header(views[3].hash) == views[3]


def test_what_is_unknown(queries: NodeQueries) -> None:
    nowhere = BlockHash(b"\x01" * 32)
    assert queries.chain.header(nowhere) is None
    assert queries.chain.hash_at(BLOCKS + 1) is None
    assert queries.chain.confirmations(nowhere) == -1


@pytest.mark.parametrize(("blocks", "height", "spanned"), [(10, -1, 10), (10, 50, 10), (10**6, -1, BLOCKS), (10, 3, 3)])
def test_work_is_counted_over_the_blocks_there_are(queries, blocks: int, height: int, spanned: int) -> None:
    assert queries.chain.work_span(blocks, height).work == 2 * spanned


def test_work_of_no_blocks(queries: NodeQueries) -> None:
    assert queries.chain.work_span(10, 0) == queries.chain.work_span(10, BLOCKS + 1)
    assert queries.chain.work_span(10, 0).seconds == 0
