"""Written down, then signed, then sent: never in another order."""

from tests.unit.signers.banks import BANKS, BLOCK, KEYS, NETWORK_ID, public

from minicoin.core.consensus.desk import BLOCKS_KEY, SIGN_STATE_KEY, Desk, Order
from minicoin.core.effects import SaveState, SignVote
from minicoin.core.events import Saved, VoteSigned
from minicoin.core.signers.votes import Vote, VoteKind, sign_vote

MEMBER = public(KEYS[0])
PREVOTE = Vote(VoteKind.PREVOTE, 7, 0, BLOCK, BANKS.hash)
PRECOMMIT = Vote(VoteKind.PRECOMMIT, 7, 0, BLOCK, BANKS.hash)


def signed(vote: Vote) -> VoteSigned:
    return VoteSigned(vote, sign_vote(vote, KEYS[0], NETWORK_ID))


def test_the_blocks_then_the_state_then_the_signature() -> None:
    desk = Desk()
    assert tuple(desk.take(Order(SignVote(MEMBER, PREVOTE), SIGN_STATE_KEY, b"state", b"blocks"))) == (
        SaveState(BLOCKS_KEY, b"blocks"),
    )
    # What else is saved meanwhile says nothing of these.
    assert tuple(desk.on_saved(Saved("wallet"))) == tuple(desk.on_saved(Saved(SIGN_STATE_KEY))) == ()
    assert tuple(desk.on_saved(Saved(BLOCKS_KEY))) == (SaveState(SIGN_STATE_KEY, b"state"),)
    assert desk.on_signed(signed(PREVOTE)) == (None, ())
    assert tuple(desk.on_saved(Saved(SIGN_STATE_KEY))) == (SignVote(MEMBER, PREVOTE),)
    assert tuple(desk.on_saved(Saved(SIGN_STATE_KEY))) == ()
    # Another vote was not asked for.
    assert desk.on_signed(signed(PRECOMMIT)) == (None, ())
    ready, more = desk.on_signed(signed(PREVOTE))
    assert ready == signed(PREVOTE).signed
    assert tuple(more) == ()
    assert len(desk) == 0


def test_one_after_the_other() -> None:
    desk = Desk()
    desk.take(Order(SignVote(MEMBER, PREVOTE), SIGN_STATE_KEY, b"1", None))
    assert tuple(desk.take(Order(SignVote(MEMBER, PRECOMMIT), SIGN_STATE_KEY, b"2", None))) == ()
    desk.on_saved(Saved(SIGN_STATE_KEY))
    ready, more = desk.on_signed(signed(PREVOTE))
    assert ready is not None
    assert tuple(more) == (SaveState(SIGN_STATE_KEY, b"2"),)


def test_what_the_disk_refuses_is_never_signed_and_the_next_is_tried() -> None:
    desk = Desk()
    desk.take(Order(SignVote(MEMBER, PREVOTE), SIGN_STATE_KEY, b"1", b"blocks"))
    desk.take(Order(SignVote(MEMBER, PRECOMMIT), SIGN_STATE_KEY, b"2", None))
    assert tuple(desk.on_saved(Saved(BLOCKS_KEY, "disk full"))) == (SaveState(SIGN_STATE_KEY, b"2"),)
    assert desk.trouble == "disk full"
    desk.on_saved(Saved(SIGN_STATE_KEY))
    assert desk.on_signed(signed(PREVOTE)) == (None, ())
    assert desk.on_signed(signed(PRECOMMIT))[0] is not None
    assert desk.trouble == ""


def test_a_key_that_does_not_sign_is_told_of() -> None:
    desk = Desk()
    desk.take(Order(SignVote(MEMBER, PREVOTE), SIGN_STATE_KEY, b"1", None))
    desk.on_saved(Saved(SIGN_STATE_KEY))
    ready, more = desk.on_signed(VoteSigned(PREVOTE, None, "locked"))
    assert (ready, tuple(more), desk.trouble, len(desk)) == (None, (), "locked", 0)
