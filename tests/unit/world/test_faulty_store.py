"""What a crash leaves of the simulated store: a prefix, whole blocks only, and everything that was synced."""

import pytest

from minicoin.core.chain.store import ChainStore
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.transaction import Outpoint
from minicoin.core.rng import Rng
from minicoin.testing.chain_maker import ChainMaker
from minicoin.world.faulty_store import FaultyStore, StoreFailed

NETWORK = lookup("bitcoin-regtest")
OUTPOINT = Outpoint(bytes(36))


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, 6)
    return branch.blocks


def _kept(store: ChainStore, blocks: list[Block]) -> int:
    has = [store.has(block.hash) for block in blocks]
    assert has == sorted(has, reverse=True)
    return sum(has)


def test_what_was_synced_survives_and_a_prefix_of_the_rest(blocks: list[Block]) -> None:
    kept: list[int] = []
    for seed in range(40):
        store = FaultyStore()
        for number, block in enumerate(blocks):
            store.append(block.hash, block.raw)
            if number == 1:
                store.sync()
        store.crash(Rng(bytes([seed])))
        kept.append(_kept(store, blocks))
        assert store.lost == len(blocks) - kept[-1]
        assert [header.hash for header in store.recovered_headers()] == [block.hash for block in blocks[: kept[-1]]]
    assert set(kept) == {2, 3, 4, 5, 6}


def test_what_was_committed_is_whole_and_the_rest_of_the_index_is_gone(blocks: list[Block]) -> None:
    store = FaultyStore()
    store.append(blocks[0].hash, blocks[0].raw)
    store.append_undo(blocks[0].hash, b"undo")
    store.add_headers([(1, blocks[0].header)])
    store.commit({OUTPOINT: b"coin"}, (), blocks[0].hash)
    store.append(blocks[1].hash, blocks[1].raw)
    store.append_undo(blocks[1].hash, b"later")
    store.add_headers([(2, blocks[1].header)])
    store.sync()
    store.crash(Rng(b""))
    assert store.coins_tip() == blocks[0].hash
    assert store.coin(OUTPOINT) == b"coin"
    assert store.read_undo(blocks[0].hash) == b"undo"
    assert store.read_undo(blocks[1].hash) is None
    assert [header.hash for header in store.headers()] == [blocks[0].hash]
    assert [header.hash for header in store.recovered_headers()] == [blocks[1].hash]
    assert sorted(store.stored()) == sorted([blocks[0].hash, blocks[1].hash])


@pytest.mark.parametrize("damage", ["torn", "truncated"])
def test_a_torn_block_is_left_out(blocks: list[Block], damage: str) -> None:
    store = FaultyStore()
    store.append(blocks[0].hash, blocks[0].raw)
    store.sync()
    store.tear_next("torn" if damage == "torn" else "truncated")
    with pytest.raises(StoreFailed, match="in the middle of a write"):
        store.append(blocks[1].hash, blocks[1].raw)
    with pytest.raises(StoreFailed):
        store.append(blocks[2].hash, blocks[2].raw)
    store.crash(Rng(b"1"))
    assert _kept(store, blocks) == 1
    store.append(blocks[1].hash, blocks[1].raw)
    assert store.read(blocks[1].hash) == blocks[1].raw
    assert store.torn == 1


def test_a_full_disk_takes_nothing_and_keeps_all(blocks: list[Block]) -> None:
    store = FaultyStore()
    store.append(blocks[0].hash, blocks[0].raw)
    store.is_full = True
    for write in (
        lambda: store.append(blocks[1].hash, blocks[1].raw),
        lambda: store.append_undo(blocks[0].hash, b""),
        lambda: store.commit({}, (), BlockHash(bytes(32))),
    ):
        with pytest.raises(StoreFailed, match="no space left"):
            write()
    assert store.refused == 3
    store.append(blocks[0].hash, blocks[0].raw)
    store.is_full = False
    store.append(blocks[1].hash, blocks[1].raw)
    assert _kept(store, blocks) == 2


def test_recovered_headers_come_parents_first(blocks: list[Block]) -> None:
    store = FaultyStore()
    for block in (blocks[2], blocks[0], blocks[1]):
        store.append(block.hash, block.raw)
    store.sync()
    store.crash(Rng(b""))
    assert [header.hash for header in store.recovered_headers()] == [block.hash for block in blocks[:3]]
