"""A scan finds what a look at the whole set finds, as of the moment it began, wherever the chain goes meanwhile."""

import pytest
from tests.unit.chain.test_engine import GENESIS, Tree, hashes, new_engine, store_all

from minicoin.core.chain import scan as scan_module
from minicoin.core.chain.undo import unpack_coin
from minicoin.core.faults import MisuseError
from minicoin.core.primitives.coin_scan import ScanProgress


@pytest.fixture(scope="module")
def tree():
    return Tree()


def finish(slices):
    while True:
        try:
            next(slices)
        except StopIteration as end:
            return end.value


def all_coins(engine):
    return {outpoint: unpack_coin(packed) for outpoint, packed in engine.coins.items()}


def some_scripts(engine, part: int = 2) -> frozenset[bytes]:
    scripts = sorted({coin.output.script_pubkey for coin in all_coins(engine).values()})
    return frozenset(scripts[::part])


def expected(engine, scripts):
    return {name: coin for name, coin in all_coins(engine).items() if coin.output.script_pubkey in scripts}


def stand_at_fork(tree):
    engine = new_engine()
    store_all(engine, tree.left.blocks)
    store_all(engine, tree.right.blocks[tree.fork_height :], tree.fork_height + 1)
    engine.activate(GENESIS, hashes(tree.trunk.blocks))
    return engine


def test_everything_of_the_scripts_is_found(tree):
    engine = stand_at_fork(tree)
    scripts = some_scripts(engine)
    progress = ScanProgress()
    scan = finish(engine.scan_coins(scripts, progress))
    assert dict(scan.found) == expected(engine, scripts)
    assert (scan.tip, scan.height) == (engine.tip, engine.height)
    assert progress.coins_seen == engine.coin_set_totals().coins
    assert list(scan.found) == sorted(scan.found, key=lambda row: (row[0][:32], int.from_bytes(row[0][32:], "little")))
    for _, coin in scan.found:
        assert scan.block_of_height[coin.height] == tree.trunk.blocks[coin.height - 1].hash
    assert finish(engine.scan_coins(frozenset(), ScanProgress())).found == ()


def test_the_chain_may_move_meanwhile(tree, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scan_module, "_COINS_PER_STEP", 7)
    engine = stand_at_fork(tree)
    scripts = some_scripts(engine, 1)
    before, tip = expected(engine, scripts), engine.tip
    slices = engine.scan_coins(scripts, ScanProgress())
    next(slices)
    engine.activate(tip, hashes(tree.left.blocks[tree.fork_height :]))
    engine.flush()
    scan = finish(slices)
    assert dict(scan.found) == before != expected(engine, scripts)
    assert scan.tip == tip


def test_a_scan_may_be_ended(tree, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scan_module, "_COINS_PER_STEP", 5)
    engine = stand_at_fork(tree)
    progress = ScanProgress()
    slices = engine.scan_coins(some_scripts(engine), progress)
    next(slices)
    assert 0 <= progress.percent <= 100
    progress.is_aborted = True
    finish(slices)
    assert progress.coins_seen == 10


def test_what_is_found_is_bounded(tree, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scan_module, "SCAN_FOUND_COINS_MAX", 3)
    engine = stand_at_fork(tree)
    with pytest.raises(MisuseError, match="more than 3 coins"):
        finish(engine.scan_coins(some_scripts(engine, 1), ScanProgress()))
