"""Equal nodes have equal digests; what differs in the tree or in what a peer showed and owes makes another one."""

import pytest
from tests.unit.netsync.scripted import FULL, NETWORK, chain

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.netsync import digest
from minicoin.core.netsync.digest import SyncSnapshot, write_digest
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import ConnId, Micros

QUIET = SyncSnapshot(in_flight=0, wanted=0, orphans=0, storing=0, is_initial=True)


def tree(length=5, seed=1):
    made = HeaderTree(NETWORK)
    made.load(block.header for block in chain(length, seed))
    return made


def peer():
    return SyncPeer(ConnId(1), False, FULL)


def forms(headers=None, peers=(), snapshot=QUIET, *, is_brief=False):
    return dict(write_digest(headers or tree(), peers, snapshot, is_brief=is_brief))


def test_equal_ones_are_equal():
    assert forms(peers=[peer()]) == forms(peers=[peer()])


@pytest.mark.parametrize(
    "change",
    [
        lambda headers: headers.load([chain(6)[5].header]),
        lambda headers: headers.mark_stored(chain(5)[0].hash),
        lambda headers: headers.mark_invalid(chain(5)[3].hash),
        lambda headers: headers.set_tip(chain(5)[1].hash),
    ],
)
def test_whatever_happens_to_the_tree_is_seen_in_the_headers_and_nowhere_else(change):
    changed = tree()
    change(changed)
    before, after = forms(), forms(changed)
    assert before["headers"] != after["headers"] and before["synchronisation"] == after["synchronisation"]


def test_which_block_is_stored_is_seen_not_only_how_many_are():
    made = []
    for gap in (2, 3):
        made.append(tree())
        for height in (0, gap):
            made[-1].mark_stored(chain(5)[height].hash)
    one, other = made
    assert one.snapshot() == other.snapshot()
    assert forms(one) != forms(other)


def owes(block, *, classic):
    def change(one):
        note = one.note_classic_asked if classic else one.note_asked
        note(BlockHash(block), Micros(5))

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.learn(tree().best_header),
        lambda one: setattr(one, "last_common", tree().best_header),
        lambda one: setattr(one, "headers_asked_at", Micros(3)),
        lambda one: setattr(one, "is_header_synced", True),
        lambda one: setattr(one, "is_classic", True),
        lambda one: setattr(one, "stalls", 1),
        lambda one: one.want_classic(BlockHash(bytes(32))),
        owes(bytes(32), classic=False),
        owes(bytes(32), classic=True),
    ],
)
def test_whatever_a_peer_showed_or_owes_is_seen_in_synchronisation_and_nowhere_else(change):
    changed = peer()
    change(changed)
    before, after = forms(peers=[peer()]), forms(peers=[changed])
    assert before["synchronisation"] != after["synchronisation"] and before["headers"] == after["headers"]


def test_a_large_tree_is_told_by_its_leaves_where_brevity_is_asked_for(monkeypatch):
    assert forms(is_brief=True) == forms(is_brief=False)
    monkeypatch.setattr(digest, "DIGEST_ITEMS_MAX", 3)
    brief, whole = (forms(is_brief=brief)["headers"] for brief in (True, False))
    assert len(brief) < len(whole)
    assert brief != forms(tree(seed=2), is_brief=True)["headers"], "a leaf commits to all below it"
