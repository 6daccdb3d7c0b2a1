"""Recoveries out of records and files: what counts, what is put together, and what has to be at hand."""

import pytest
from tests.unit.chain.five_banks import FOUNDING, KEYS, NETWORK, NEW_KEYS, maker, tree_of
from tests.unit.chain.recovered_banks import LEFT, draft, prevotes_for, statement
from tests.unit.records.world import NOW, store_of

from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.members.recovery_drafts import RecoveryDrafts, RecoveryStanding, check, recovery_standing
from minicoin.core.params.recovery_file import RecoveryFile
from minicoin.core.primitives.block import RawBlock
from minicoin.core.records.kinds import RECOVERY
from minicoin.core.signers.recovery import NO_RECOVERY, SignerLock

MADE = maker(3)
NEXT = MADE.next_block()
BLOCK = RawBlock(NEXT.header, NEXT.raw)
AT = RecoveryStanding(3, MADE.tip.hash, NO_RECOVERY, FOUNDING, tuple("ABCDE"))
BARE = draft(3, MADE.tip.hash)
LOCK = SignerLock(2, BLOCK.hash, FOUNDING.hash)
FILES = [RecoveryFile(statement(BARE, key)) for key in LEFT]
LOCKED = RecoveryFile(statement(BARE, LEFT[0], LOCK), BLOCK)


@pytest.fixture
def drafts() -> RecoveryDrafts:
    return RecoveryDrafts(store_of(Identity.from_number(1)), NETWORK.network_id)


def nowhere(block: object) -> None:
    return None


def test_what_the_records_have_counts_with_what_is_handed_in() -> None:
    store = store_of(Identity.from_number(1))
    found = RecoveryDrafts(store, NETWORK.network_id)
    assert found.open(AT) == ()
    store.keep(store.sign(RECOVERY, "one", FILES[0].recovery.encode(), NOW))
    store.keep(store.sign(RECOVERY, "two", b"garbage", NOW))
    store.keep(store.sign(RECOVERY, "three", statement(BARE, NEW_KEYS[0]).encode(), NOW))
    (draft_,) = found.open(AT)
    assert (draft_.missing, len(draft_.recovery.signatures)) == (2, 1)
    (draft_,) = found.open(AT, [FILES[1].recovery, FILES[2].recovery])
    assert draft_.missing == 0
    other = statement(draft(3, MADE.tip.hash, KEYS[:2]), LEFT[0])
    assert len(found.open(AT, [other])) == 2
    with pytest.raises(MisuseError, match="2 recoveries could be meant"):
        found.complete(AT, (), nowhere) if len(found.open(AT, [other])) == 1 else found.complete(
            AT, [RecoveryFile(other), FILES[0]], nowhere
        )


def test_what_is_for_another_moment_does_not_count(drafts) -> None:
    for wrong in (
        statement(draft(2, MADE.tip.hash), LEFT[0]),
        statement(draft(3, MADE.blocks[0].block.hash), LEFT[0]),
        statement(draft(3, MADE.tip.hash, previous=b"p" * 32), LEFT[0]),
    ):
        assert drafts.open(AT, [wrong]) == ()
        with pytest.raises(MisuseError):
            check(wrong, AT, NETWORK.network_id)


def test_enough_signatures_make_one(drafts) -> None:
    made = drafts.complete(AT, FILES, nowhere)
    assert made.recovery.problem(FOUNDING, NETWORK.network_id) is None
    with pytest.raises(MisuseError, match="2 members signed it, and it takes 3 of 5"):
        drafts.complete(AT, FILES[:2], nowhere)
    with pytest.raises(MisuseError, match="no recoveries could be meant"):
        drafts.complete(AT, (), nowhere)


def test_what_binds_has_to_be_at_hand(drafts) -> None:
    made = drafts.complete(AT, [LOCKED, *FILES[1:]], nowhere)
    assert (made.recovery.bound, made.block) == (LOCK, BLOCK)
    bare = RecoveryFile(LOCKED.recovery)
    assert drafts.complete(AT, [bare, *FILES[1:]], lambda block: BLOCK if block == BLOCK.hash else None) == made
    with pytest.raises(MisuseError, match="on which A is locked, has to be decided"):
        drafts.complete(AT, [bare, *FILES[1:]], nowhere)
    # Whoever keeps it back is left out, where there are others.
    more = RecoveryFile(statement(BARE, KEYS[3]))
    without = drafts.complete(AT, [bare, *FILES[1:], more], nowhere)
    assert (without.recovery.bound, len(without.recovery.signatures)) == (None, 3)


def test_nothing_is_drafted_while_blocks_are_to_come() -> None:
    tree = tree_of(MADE.blocks)
    with pytest.raises(MisuseError, match="has 0 of 3 certified blocks"):
        recovery_standing(tree)
    for certified in MADE.blocks:
        tree.mark_stored(certified.block.hash)
    tree.set_tip(MADE.tip.hash)
    assert recovery_standing(tree).block == MADE.tip.hash
    assert recovery_standing(tree).needed == 3
    assert prevotes_for(LOCK, 4) == LOCKED.recovery.prevotes
