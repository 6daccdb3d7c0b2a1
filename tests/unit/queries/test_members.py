"""What outside reads of the members."""

import tomllib
from functools import partial
from types import SimpleNamespace

from tests.unit.chain.five_banks import FOUNDING, KEYS, NETWORK, NEW_KEYS, maker, tree_of

from minicoin.core.members.proposing import standing_of
from minicoin.core.policy.anchor import anchor_from_mapping
from minicoin.core.queries.members import MemberQueries
from minicoin.core.signers.changes import member_change
from minicoin.testing.certified_chain import public


def view_of(made, own=None):
    tree = tree_of(made.blocks)
    if made.blocks:
        tree.set_tip(made.blocks[-1].block.hash)
    for carried in made.history.carried():
        tree.signers.carried.members.append(carried)
    changes = SimpleNamespace(standing=partial(standing_of, tree), open=lambda: (), own=lambda members: own)
    return SimpleNamespace(
        tree=tree,
        network=NETWORK,
        member_changes=changes,
        admission=None,
    )


def grown_with_a_change():
    made = maker(3)
    named = [(key, name) for key, name in zip(FOUNDING.keys, NETWORK.proof.names, strict=True)]
    change = member_change(1, 7, FOUNDING.hash, [*named, (public(NEW_KEYS[0]), "Sixth")])
    for key in KEYS[:4]:
        change = change.signed_by(key, NETWORK.network_id)
    made.extend(change=change)
    return made


def test_who_signed_and_who_missed():
    found = MemberQueries(view_of(maker(10), own=public(KEYS[0]))).report()
    assert (found.finalized, found.height, found.quorum, found.faults) == (10, 11, 4, 1)
    by_key = {row.key: row for row in found.members}
    signers = [public(key) for key in sorted(KEYS, key=public)[:4]]
    assert [by_key[key].signed for key in signers] == [10] * 4
    (absent,) = set(by_key) - set(signers)
    assert (by_key[absent].signed, by_key[absent].missed, by_key[absent].last_signed) == (0, 10, None)
    assert [row.key for row in found.members if row.is_own] == [public(KEYS[0])]


def test_a_pending_change_and_the_history():
    made = grown_with_a_change()
    queries = MemberQueries(view_of(made))
    pending = queries.report().pending
    assert pending is not None
    assert (pending.from_height, pending.carried_at, pending.added) == (7, 4, (("Sixth", public(NEW_KEYS[0])),))
    assert [change.version for change in queries.history()] == [0, 1]
    made.grow(2)
    found = MemberQueries(view_of(made)).report()
    assert found.pending is None
    assert "Sixth" in [row.name for row in found.members]
    assert len(found.members) == 6


def test_an_anchor_is_read_back():
    made = maker(5)
    text = MemberQueries(view_of(made)).anchor()
    assert text is not None
    anchor = anchor_from_mapping(tomllib.loads(text), NETWORK)
    assert (anchor.height, anchor.block, anchor.members) == (5, made.blocks[-1].block.hash, FOUNDING)


def test_there_is_no_anchor_before_the_first_block():
    assert MemberQueries(view_of(maker(0))).anchor() is None
