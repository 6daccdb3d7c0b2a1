"""A message of each kind that members and indexes exchange, plain and as large as it may be."""

from tests.unit.overlay.index.members import entry, peer_id

from minicoin.core.limits import INDEX_LEAVES_MAX, INDEX_PAGE_RECORDS_MAX, INDEXES_FOLLOWED_MAX
from minicoin.core.overlay.index.messages import (
    IdxAsk,
    IdxDelta,
    IdxFind,
    IdxHello,
    IdxJoin,
    IdxKnown,
    IdxNext,
    IdxPage,
    IdxRefuse,
)

FULL = (entry(1),) * INDEX_PAGE_RECORDS_MAX
SAMPLES = (
    IdxHello(is_index=True),
    IdxHello(is_index=False, entry=entry(1)),
    IdxJoin(None),
    IdxJoin(entry(1), wants_view=False),
    IdxRefuse("the index is full", 60),
    IdxNext(bytes(range(32))),
    IdxPage(7, 2, (entry(1), entry(2))),
    IdxPage(1 << 63, 1 << 40, FULL, bytes(32)),
    IdxPage(7, 2_000, (entry(1),), bytes(32), is_whole=False),
    IdxDelta(7, 8, (entry(3),), (peer_id(1), peer_id(2))),
    IdxDelta(7, 9, (entry(3),), (), is_whole=False),
    IdxDelta(0, 1, FULL, (peer_id(1),) * INDEX_LEAVES_MAX),
    IdxFind(5, peer_id(1)),
    IdxAsk(6),
    IdxKnown(6, (entry(1),)),
    IdxKnown(6, FULL, (entry(2),) * INDEXES_FOLLOWED_MAX),
)
