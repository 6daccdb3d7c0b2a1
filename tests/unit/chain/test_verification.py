"""Each level finds what only it can find, and a sound chain passes all of them."""

from dataclasses import replace

import pytest
from tests.unit.chain.test_engine import GENESIS, DamagedStore, Tree, hashes, new_engine, store_all
from tests.unit.chain.test_scan import finish

from minicoin.core.chain import verification
from minicoin.core.chain.coins import CoinsCache, CoinsView
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.undo import decode_undo, encode_undo
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.faults import MisuseError
from minicoin.core.primitives.transaction import make_outpoint


@pytest.fixture(scope="module")
def tree():
    return Tree()


@pytest.fixture
def store() -> DamagedStore:
    return DamagedStore()


@pytest.fixture
def verifier() -> ScriptedVerifier:
    return ScriptedVerifier()


@pytest.fixture
def engine(tree, store, verifier):
    made = new_engine(store, verifier)
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


def test_a_missing_block_is_found_at_once(engine, store, tree):
    block = tree.left.blocks[-2].hash
    store.lose_block(block)
    problem = finish(engine.verify_chain(0, 6))
    assert "not stored" in problem and block[::-1].hex() in problem
    # Below what is looked at it is not.
    assert finish(engine.verify_chain(0, 1)) == ""


def test_a_block_in_anothers_place_is_found(engine, store, tree):
    last, other = tree.left.blocks[-1], tree.left.blocks[-2]
    store.put_block(last.hash, other.raw)
    assert "another block" in finish(engine.verify_chain(0, 6))


def test_a_block_that_breaks_a_rule_is_found_from_level_one(engine, store, tree):
    last = tree.left.blocks[-1]
    store.put_block(last.hash, replace(last, transactions=last.transactions[:-1]).raw)
    assert finish(engine.verify_chain(0, 6)) == ""
    assert "bad-txnmrklroot" in finish(engine.verify_chain(1, 6))


def test_torn_undo_data_are_found_from_level_two(engine, store, tree):
    last = tree.left.blocks[-1].hash
    store.put_undo(last, store.read_undo(last)[:-1])
    assert finish(engine.verify_chain(1, 6)) == ""
    assert "undo" in finish(engine.verify_chain(2, 6))


def test_coins_that_do_not_fit_are_found_from_level_three(engine, tree):
    lost = make_outpoint(tree.left.blocks[-1].transactions[0].txid, 0)
    engine.coins.spend(lost)
    assert finish(engine.verify_chain(2, 6)) == ""
    assert "it created is not there" in finish(engine.verify_chain(3, 6))


def test_coins_that_should_be_spent_are_found_from_level_three(engine, store, tree):
    block = tree.left.blocks[-1]
    spent = block.transactions[1].inputs[0].outpoint
    engine.coins.add(spent, decode_undo(block.hash, store.read_undo(block.hash))[0])
    assert "still there" in finish(engine.verify_chain(3, 6))


def test_undo_data_of_too_many_coins_are_found(engine, store, tree):
    last = tree.left.blocks[-1].hash
    undo = decode_undo(last, store.read_undo(last))
    store.put_undo(last, encode_undo(last, [undo[0], *undo]))
    assert "undo data are another block's" in finish(engine.verify_chain(3, 6))


def test_scripts_are_run_at_level_four(engine, verifier, tree):
    verifier.bad = frozenset([tree.left.blocks[-1].transactions[1].wtxid])
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
