"""Each level finds what only it can find, and a sound chain passes all of them."""

from dataclasses import replace

import pytest
from tests.unit.chain.test_engine import GENESIS, Tree, hashes, new_engine, store_all
from tests.unit.chain.test_scan import finish

from minicoin.core.chain import verification
from minicoin.core.chain.coins import CoinsCache, CoinsView
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.undo import encode_undo
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.faults import MisuseError
from minicoin.core.primitives.transaction import make_outpoint


@pytest.fixture(scope="module")
def tree():
    return Tree()


@pytest.fixture
def engine(tree):
    store = MemoryChainStore()
    made = new_engine(store)
    store_all(made, tree.left.blocks)
    made.activate(GENESIS, hashes(tree.left.blocks))
    made.flush()
    return made


def test_a_sound_chain_passes_every_level_and_stays_as_it_is(engine):
    before = engine.coin_set_totals()
    for level in range(5):
        for count in (0, 3):
            assert finish(engine.verify_chain(level, count)) == ""
    assert engine.coin_set_totals() == before


def test_a_missing_block_is_found_at_once(engine, tree):
    block = tree.left.blocks[-2].hash
    del engine._store._blocks[block]
    problem = finish(engine.verify_chain(0, 6))
    assert "not stored" in problem and block[::-1].hex() in problem
    # Below what is looked at it is not.
    assert finish(engine.verify_chain(0, 1)) == ""


def test_a_block_in_anothers_place_is_found(engine, tree):
    last, other = tree.left.blocks[-1], tree.left.blocks[-2]
    engine._store._blocks[last.hash] = other.raw
    assert "another block" in finish(engine.verify_chain(0, 6))


def test_a_block_that_breaks_a_rule_is_found_from_level_one(engine, tree):
    last = tree.left.blocks[-1]
    engine._store._blocks[last.hash] = replace(last, transactions=last.transactions[:-1]).raw
    assert finish(engine.verify_chain(0, 6)) == ""
    assert "bad-txnmrklroot" in finish(engine.verify_chain(1, 6))


def test_torn_undo_data_are_found_from_level_two(engine, tree):
    last = tree.left.blocks[-1].hash
    engine._store._undo[last] = engine._store._undo[last][:-1]
    assert finish(engine.verify_chain(1, 6)) == ""
    assert "undo" in finish(engine.verify_chain(2, 6))


def test_coins_that_do_not_fit_are_found_from_level_three(engine, tree):
    lost = make_outpoint(tree.left.blocks[-1].transactions[0].txid, 0)
    engine._coins.spend(lost)
    assert finish(engine.verify_chain(2, 6)) == ""
    assert "it created is not there" in finish(engine.verify_chain(3, 6))


def test_coins_that_should_be_spent_are_found_from_level_three(engine, tree):
    block = tree.left.blocks[-1]
    spent = block.transactions[1].inputs[0].outpoint
    engine._coins.add(spent, engine._read_undo(block.hash)[0])
    assert "still there" in finish(engine.verify_chain(3, 6))


def test_undo_data_of_too_many_coins_are_found(engine, tree):
    last = tree.left.blocks[-1].hash
    undo = engine._read_undo(last)
    engine._store._undo[last] = encode_undo(last, [undo[0], *undo])
    assert "undo data are another block's" in finish(engine.verify_chain(3, 6))


def test_scripts_are_run_at_level_four(engine, tree):
    bad = tree.left.blocks[-1].transactions[1].wtxid
    engine._verifier = ScriptedVerifier(frozenset([bad]))
    assert finish(engine.verify_chain(3, 6)) == ""
    assert finish(engine.verify_chain(4, 6)) != ""


def test_the_chain_must_stand_still_for_the_coins_only(engine, tree):
    moves = engine.tip
    for level in (2, 3):
        slices = engine.verify_chain(level, 6)
        next(slices)
        engine.activate(tree.left.blocks[-2].hash, ())
        if level == 2:
            assert finish(slices) == ""
        else:
            with pytest.raises(MisuseError, match="moved"):
                finish(slices)
        engine.activate(tree.left.blocks[-2].hash, (moves,))


def test_the_view_is_bounded(engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verification, "COIN_CHANGES_MAX", 3)
    with pytest.raises(MisuseError, match="more than 3 coins"):
        finish(engine.verify_chain(3, 6))


def test_a_view_leaves_what_it_stands_on_alone():
    base = CoinsCache(MemoryChainStore())
    key, other = make_outpoint(b"\x01" * 32, 0), make_outpoint(b"\x01" * 32, 1)
    base.add(key, b"coin")
    view = CoinsView(base)
    assert view.spend(key) == b"coin"
    view.add(other, b"more")
    assert (view.get(key), view.get(other)) == (None, b"more")
    assert (base.get(key), base.get(other)) == (b"coin", None)
