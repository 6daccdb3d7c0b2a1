"""The cache of parsed blocks: bounded, and honest about what the store holds."""

import pytest

from minicoin.core.chain.parsed_blocks import ChainDamaged, CheckedBlock, ParsedBlocks
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import lookup
from minicoin.testing.chain_maker import ChainMaker

NETWORK = lookup("bitcoin-regtest")


@pytest.fixture(scope="module")
def blocks():
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, 5)
    return branch.blocks


def test_a_block_is_given_out_once_and_then_read(blocks):
    store = MemoryChainStore()
    cache = ParsedBlocks(store, 10_000)
    kept = CheckedBlock(blocks[0], 300)
    cache.put(blocks[0].hash, kept)
    assert cache.take(blocks[0].hash) is kept
    with pytest.raises(MisuseError, match="not stored"):
        cache.take(blocks[0].hash)
    store.append(blocks[0].hash, blocks[0].raw)
    read = cache.take(blocks[0].hash)
    assert read.block == blocks[0]
    assert read.size == len(blocks[0].raw)
    assert read.legacy_sigops == kept.legacy_sigops


def test_the_oldest_go_first(blocks):
    cache = ParsedBlocks(MemoryChainStore(), 1000)
    for block in blocks:
        cache.put(block.hash, CheckedBlock(block, 300))
    for block in blocks[:2]:
        with pytest.raises(MisuseError):
            cache.take(block.hash)
    for block in blocks[2:]:
        assert cache.take(block.hash).block is block


def test_damage_is_no_misuse(blocks):
    store = MemoryChainStore()
    store.append(blocks[0].hash, blocks[0].raw[:-3])
    store.append(blocks[1].hash, blocks[1].raw[:-1] + b"\x01")
    cache = ParsedBlocks(store, 1000)
    for block in blocks[:2]:
        with pytest.raises(ChainDamaged, match="damaged"):
            cache.take(block.hash)
