"""What a key has signed."""

from dataclasses import replace

import pytest
from tests.unit.consensus.ballots import BLOCK, OTHER, prevotes, vote
from tests.unit.signers.banks import BANKS

from minicoin.core.consensus.choice import justified
from minicoin.core.consensus.sign_state import SignState, promised_by
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import RECOVERIES_NAMED_MAX, ROUNDS_KEPT_MAX
from minicoin.core.signers.recovery import NO_RECOVERY, Recovery
from minicoin.core.signers.votes import NIL, VoteKind

EMPTY = SignState(BANKS.keys[0])
LOCK = justified(prevotes(range(4), round_=1), BANKS)
LATER = justified(prevotes(range(1, 5), round_=2), BANKS)
PREVOTED = EMPTY.recorded(vote(VoteKind.PREVOTE, round_=1), None, None)
LOCKED = PREVOTED.recorded(vote(VoteKind.PRECOMMIT, round_=1), LOCK, LOCK)
LEANING = replace(LOCKED, valid=LATER)
"""It would propose what it is not locked on."""
RECOVERY = Recovery(NO_RECOVERY, 6, BLOCK, BANKS, ("Bank",) * len(BANKS))
"""Of the height at hand."""
PROMISED = LOCKED.promised(RECOVERY)
BEHIND = PROMISED.entered(RECOVERY)


@pytest.mark.parametrize(
    "refused",
    [
        vote(VoteKind.PRECOMMIT, OTHER, round_=1),
        vote(VoteKind.PRECOMMIT, NIL, round_=1),
        vote(VoteKind.PREVOTE, OTHER, round_=1),
        vote(VoteKind.PROPOSAL, round_=1),
        vote(VoteKind.PRECOMMIT, round_=0),
        vote(VoteKind.PRECOMMIT, round_=9, height=6),
    ],
)
def test_lower_and_different_slots_are_refused(refused) -> None:
    assert LOCKED.problem(refused) is not None
    with pytest.raises(MisuseError):
        LOCKED.recorded(refused, None, None)


def test_the_same_vote_is_signed_again_and_changes_nothing() -> None:
    assert LOCKED.recorded(LOCKED.votes[0], None, None) is LOCKED


def test_a_new_height_begins_without_the_votes_and_the_lock_of_the_last() -> None:
    state = LOCKED.recorded(vote(VoteKind.PREVOTE, height=8), None, None)
    assert (state.height, len(state.votes), state.lock, state.valid) == (8, 1, None, None)
    assert state.problem(vote(VoteKind.PRECOMMIT, round_=5)) is not None


@pytest.mark.parametrize(
    "state", [EMPTY, PREVOTED, LOCKED, LEANING, replace(LOCKED, lock=None), EMPTY.raised(40), PROMISED, BEHIND]
)
def test_bytes_come_back(state) -> None:
    raw = state.encode()
    assert SignState.decode(raw) == state
    for end in range(0, len(raw), 7):
        with pytest.raises(DecodeError):
            SignState.decode(raw[:end])
    with pytest.raises(DecodeError):
        SignState.decode(raw + b"\0")


@pytest.mark.parametrize("state", [EMPTY, LOCKED, LEANING, PROMISED, BEHIND])
def test_no_bit_that_turned_on_the_disk_is_taken_for_a_word_of_the_key(state) -> None:
    raw = state.encode()
    for at in range(len(raw)):
        for bit in range(8):
            turned = raw[:at] + bytes((raw[at] ^ 1 << bit,)) + raw[at + 1 :]
            with pytest.raises(DecodeError):
                SignState.decode(turned)


@pytest.mark.parametrize("state", [EMPTY, PREVOTED, LOCKED, LEANING])
def test_what_older_versions_wrote_is_still_read(state) -> None:
    assert SignState.decode(plain(state)) == state
    assert SignState.decode(recovered(state)) == state
    assert SignState.decode(recovered(BEHIND)) == BEHIND


def plain(state: SignState) -> bytes:
    """As the first version wrote it, which knew no recoveries: without epoch, promise, epochs left, and the hash."""
    return b"\x01" + state.encode()[1 : -(32 + 1 + 1) - 32]


def recovered(state: SignState) -> bytes:
    """As the second version wrote it: without the hash."""
    return b"\x02" + state.encode()[1:-32]


def test_it_has_one_form() -> None:
    raw = plain(replace(LOCKED, votes=LOCKED.votes[::-1]))
    with pytest.raises(DecodeError, match="ascending"):
        SignState.decode(raw)
    with pytest.raises(DecodeError, match="one form"):
        SignState.decode(recovered(BEHIND).replace(RECOVERY.hash + b"\0", RECOVERY.hash + b"\5"))
    with pytest.raises(DecodeError, match="version 4"):
        SignState.decode(b"\x04" + LOCKED.encode()[1:])
    with pytest.raises(DecodeError, match="version 0"):
        SignState.decode(b"")
    spelt_out = plain(LOCKED)[:-1] + plain(replace(LOCKED, lock=None))[PREVOTED_END:]
    with pytest.raises(DecodeError, match="one form"):
        SignState.decode(spelt_out)


PREVOTED_END = len(plain(replace(LOCKED, lock=None, valid=None))) - 1


def test_a_raised_floor_refuses_what_is_below_and_lowers_nothing() -> None:
    assert EMPTY.raised(8).problem(vote(VoteKind.PREVOTE)) is not None
    assert EMPTY.raised(7).problem(vote(VoteKind.PREVOTE)) is None
    assert LOCKED.raised(7) is LOCKED


def test_what_it_accounts_for() -> None:
    assert LOCKED.knows(LOCKED.votes[1])
    assert LOCKED.knows(vote(VoteKind.PREVOTE, height=6))
    assert not LOCKED.knows(vote(VoteKind.PRECOMMIT, NIL, round_=1))
    assert not LOCKED.knows(vote(VoteKind.PREVOTE, round_=2))
    assert not LOCKED.knows(vote(VoteKind.PREVOTE, height=8))


def test_of_a_long_height_the_last_rounds_are_kept() -> None:
    state = EMPTY
    for round_ in range(10 * ROUNDS_KEPT_MAX):
        state = state.recorded(vote(VoteKind.PREVOTE, NIL, round_), None, None)
    assert len(state.votes) == ROUNDS_KEPT_MAX + 1
    assert state.knows(vote(VoteKind.PREVOTE, BLOCK, 0))


def test_who_signed_a_recovery_signs_no_vote_before_it_and_no_other_recovery() -> None:
    assert PROMISED.lock_behind(6) == LOCK
    assert (PROMISED.lock_behind(7), EMPTY.lock_behind(6)) == (None, None)
    for height in (7, 8, 99):
        assert "a recovery behind block 6 was signed" in str(PROMISED.problem(vote(VoteKind.PREVOTE, height=height)))
    assert PROMISED.promised(RECOVERY) == PROMISED
    with pytest.raises(MisuseError, match="another recovery, behind block 6"):
        PROMISED.promised(replace(RECOVERY, names=("Other",) * len(BANKS)))
    with pytest.raises(MisuseError, match="another recovery"):
        PROMISED.promised(replace(RECOVERY, height=9))


def test_a_recovery_below_what_was_signed_is_refused() -> None:
    with pytest.raises(MisuseError, match="signed at height 7"):
        LOCKED.promised(replace(RECOVERY, height=5))
    with pytest.raises(MisuseError, match="it follows recovery"):
        LOCKED.promised(replace(RECOVERY, previous=b"p" * 32))


def test_behind_a_recovery_a_key_begins_anew() -> None:
    assert (BEHIND.height, BEHIND.votes, BEHIND.lock, BEHIND.promise) == (7, (), None, None)
    assert BEHIND.epoch == RECOVERY.hash
    again = BEHIND.recorded(vote(VoteKind.PREVOTE, OTHER), None, None)
    assert again.epoch == RECOVERY.hash
    second = again.promised(replace(RECOVERY, previous=RECOVERY.hash))
    assert second.promise is not None
    assert again.raised(40).epoch == RECOVERY.hash


def test_a_key_never_goes_back() -> None:
    assert BEHIND.behind(RECOVERY.hash) is BEHIND
    with pytest.raises(MisuseError, match="not behind"):
        BEHIND.behind(NO_RECOVERY)
    second = BEHIND.behind(b"s" * 32)
    assert second.left == (NO_RECOVERY, RECOVERY.hash)
    with pytest.raises(MisuseError, match="not behind"):
        second.entered(RECOVERY)
    crowded = replace(BEHIND, left=(NO_RECOVERY,) * RECOVERIES_NAMED_MAX)
    with pytest.raises(MisuseError, match="not behind"):
        crowded.behind(b"s" * 32)


def test_what_is_no_statement_of_a_recovery_is_not_promised() -> None:
    assert promised_by(LOCKED, RECOVERY.statement(None)) == PROMISED
    with pytest.raises(MisuseError, match="no statement"):
        promised_by(LOCKED, b"anything")
