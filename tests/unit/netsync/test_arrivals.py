"""Who delivered a block that the worker has: remembered for blame, counted while it waits, bounded afterwards."""

from minicoin.core.limits import BLOCK_SOURCES_MAX, NEWEST_BLOCKS_MAX
from minicoin.core.netsync.arrivals import Arrivals
from minicoin.core.primitives.block import ZERO_HASH, BlockHeader, RawBlock
from minicoin.core.units import ConnId

PEER = ConnId(7)


def block(nonce: int, size: int = 100) -> RawBlock:
    header = BlockHeader(1, ZERO_HASH, bytes(32), 0, 0, nonce)
    return RawBlock(header, header.raw + bytes(size - 80))


def test_bytes_are_counted_while_the_worker_has_them() -> None:
    arrivals = Arrivals()
    arrivals.begin(block(1, 100), PEER)
    arrivals.begin(block(2, 150), None)
    assert (len(arrivals), arrivals.storing_bytes) == (2, 250)
    arrivals.stored(block(1).hash)
    assert (block(1).hash in arrivals, arrivals.storing_bytes) == (False, 150)
    assert arrivals.refused(block(2).hash) is None
    assert (len(arrivals), arrivals.storing_bytes) == (0, 0)


def test_a_deliverer_is_blamed_once() -> None:
    arrivals = Arrivals()
    arrivals.begin(block(1), PEER)
    assert arrivals.refused(block(1).hash) == PEER
    assert arrivals.refused(block(1).hash) is None
    arrivals.begin(block(2), PEER)
    arrivals.stored(block(2).hash)
    assert arrivals.take_source(block(2).hash) == PEER
    assert arrivals.take_source(block(2).hash) is None


def test_answers_about_strangers_change_nothing() -> None:
    arrivals = Arrivals()
    arrivals.stored(block(1).hash)
    assert arrivals.refused(block(2).hash) is None
    assert arrivals.storing_bytes == 0


def test_the_memory_of_deliverers_is_bounded() -> None:
    arrivals = Arrivals()
    for nonce in range(BLOCK_SOURCES_MAX + 1):
        arrivals.begin(block(nonce), PEER)
        arrivals.stored(block(nonce).hash)
    assert arrivals.take_source(block(0).hash) is None
    assert arrivals.take_source(block(1).hash) == PEER


def test_the_newest_that_the_worker_accepted_are_kept_and_no_others() -> None:
    arrivals = Arrivals()
    for nonce in range(NEWEST_BLOCKS_MAX + 3):
        arrivals.begin(block(nonce), PEER)
        assert arrivals.newest(block(nonce).hash) is None
    arrivals.refused(block(0).hash)
    arrivals.stored(block(1).hash)
    for nonce in range(2, NEWEST_BLOCKS_MAX + 3):
        arrivals.stored(block(nonce).hash, is_newest=True)
    kept = [nonce for nonce in range(NEWEST_BLOCKS_MAX + 3) if arrivals.newest(block(nonce).hash) == block(nonce)]
    assert kept == list(range(3, NEWEST_BLOCKS_MAX + 3))
