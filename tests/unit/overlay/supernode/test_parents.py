"""What a leaf thinks of its parents."""

from tests.unit.overlay.supernode.made import T0, Ledger, peer, status

from minicoin.core.overlay.supernode.circle import Near
from minicoin.core.overlay.supernode.parents import Parent, Parents
from minicoin.core.overlay.supernode.tips import Doubt
from minicoin.core.units import Micros

LEDGER = Ledger(20)


def family(*heights):
    parents = Parents()
    for conn, height in enumerate(heights, 1):
        near = Near(peer(conn, conn), T0)
        near.status = status(conn, height=height, tip=LEDGER.hash_at(height))
        near.heard_at = T0
        parents.add(Parent(near, b"", T0))
    return parents


def look(parents, height=20):
    ledger = Ledger(height)
    parents.look(height, ledger.view().recent_blocks(144))


def test_one_that_lags_at_two_looks_in_a_row_is_given_up():
    parents = family(20, 15, 19)
    look(parents)
    assert [parent.doubt for parent in parents] == [None, Doubt.LAGS, None] and parents.part_with_doubted() == []
    look(parents)
    assert parents.trusted_count == 2
    assert [parent.conn for parent in parents.part_with_doubted()] == [2] and 2 not in parents


def test_one_that_was_right_in_between_begins_anew():
    parents = family(20, 15)
    look(parents)
    (_, slow) = parents
    slow.near.status = status(2, height=20, tip=LEDGER.hash_at(20))
    look(parents)
    assert slow.looks == 0 and slow.doubt is None


def test_the_last_is_kept_until_another_is_there():
    parents = family(15)
    look(parents)
    look(parents)
    assert parents.trusted_count == 0 and parents.part_with_doubted() == []
    parents.add(Parent(Near(peer(2, 2), T0), b"", T0))
    assert [parent.conn for parent in parents.part_with_doubted()] == [1]


def test_a_branch_a_silence_and_a_tip_that_never_came():
    parents = family(20, 20, 20, 30)
    _, branch, silent, _ = parents
    branch.near.status = status(2, height=20, tip=b"?" * 32)
    silent.near.asked_at = T0
    look(parents)
    look(parents)
    assert [parent.doubt for parent in parents] == [None, Doubt.CONTRADICTS, Doubt.SILENT, Doubt.UNSEEN]
    assert next(near.peer.conn for near in parents.in_turn()) == 1


def test_a_leaf_that_is_behind_itself_doubts_nobody_for_being_ahead():
    parents = family(30, 30)
    for height in (20, 20, 20):
        look(parents, height)
    assert [parent.doubt for parent in parents] == [None, None]
    parents = family(30, 20)
    for height in (18, 19, 20):
        look(parents, height)
    assert [parent.looks for parent in parents] == [0, 0]


def test_what_it_said_before_we_sat_there_says_nothing():
    parents = family(15)
    (parent,) = parents
    parent.since = Micros(T0 + 1)
    look(parents)
    assert parent.doubt is None
