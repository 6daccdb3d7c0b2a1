"""Blocks without a parent: found by it, bounded in number and bytes."""

from minicoin.core.limits import ORPHAN_BLOCK_BYTES_MAX, ORPHAN_BLOCKS_MAX
from minicoin.core.netsync.orphans import OrphanBlocks
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.units import ConnId

PEER = ConnId(3)
UNKNOWN = BlockHash(b"?" * 32)


def block(previous: BlockHash, nonce: int, size: int = 100) -> RawBlock:
    header = BlockHeader(1, previous, bytes(32), 0, 0, nonce)
    return RawBlock(header, header.raw + bytes(size - 80))


def test_the_children_of_a_block_that_came() -> None:
    orphans = OrphanBlocks()
    first, second, other = block(UNKNOWN, 1), block(UNKNOWN, 2), block(BlockHash(b"!" * 32), 3)
    for one in (first, second, other, first):
        orphans.add(one, PEER)
    assert len(orphans) == 3
    assert orphans.take_children(UNKNOWN) == [(first, PEER), (second, PEER)]
    assert orphans.take_children(UNKNOWN) == []
    assert other.hash in orphans


def test_the_root_is_the_lowest_one_that_is_here() -> None:
    orphans = OrphanBlocks()
    low = block(UNKNOWN, 1)
    middle = block(low.hash, 2)
    high = block(middle.hash, 3)
    for one in (high, low, middle):
        orphans.add(one, PEER)
    assert orphans.root(high.hash) == low.hash
    assert orphans.root(UNKNOWN) == UNKNOWN


def test_the_oldest_leaves_when_there_are_too_many() -> None:
    orphans = OrphanBlocks()
    many = [block(UNKNOWN, nonce) for nonce in range(ORPHAN_BLOCKS_MAX + 1)]
    for one in many:
        orphans.add(one, PEER)
    assert len(orphans) == ORPHAN_BLOCKS_MAX
    assert many[0].hash not in orphans and many[-1].hash in orphans


def test_bytes_are_bounded_and_given_back() -> None:
    orphans = OrphanBlocks()
    half = ORPHAN_BLOCK_BYTES_MAX // 2
    large = [block(UNKNOWN, nonce, half) for nonce in range(3)]
    for one in large:
        orphans.add(one, PEER)
    assert [one.hash in orphans for one in large] == [False, True, True]
    orphans.take_children(UNKNOWN)
    orphans.add(block(UNKNOWN, 9, ORPHAN_BLOCK_BYTES_MAX), PEER)
    orphans.add(block(UNKNOWN, 10, ORPHAN_BLOCK_BYTES_MAX + 1), PEER)
    assert len(orphans) == 1
