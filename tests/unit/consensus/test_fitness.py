"""Whether a key may sign."""

from tests.unit.consensus.ballots import HEIGHT, NIL, prevotes, vote
from tests.unit.signers.banks import BANKS

from minicoin.core.consensus.fitness import Fitness, FitnessCheck
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.signers.votes import VoteKind

KEY = BANKS.keys[0]
STATE = SignState(KEY).recorded(vote(VoteKind.PREVOTE), None, None)


def _check(state, answers):
    check = FitnessCheck(KEY, BANKS, state)
    for place, height, votes in answers:
        check.take(BANKS.keys[place], height, tuple(votes))
    return check


def test_three_others_of_five_have_to_answer() -> None:
    answers = [(place, HEIGHT, prevotes([0])) for place in (1, 2, 2, 0)]
    check = _check(STATE, answers)
    assert check.fitness is Fitness.ASKING
    check.take(bytes(32), HEIGHT, ())
    assert check.fitness is Fitness.ASKING
    check.take(BANKS.keys[3], HEIGHT, ())
    assert check.fitness is Fitness.FIT


def test_a_vote_that_the_record_lacks_keeps_the_key_from_signing_for_good() -> None:
    answers = [(1, HEIGHT, ()), (2, HEIGHT, prevotes([0], NIL)), (3, HEIGHT, ())]
    check = _check(STATE, answers)
    assert check.fitness is Fitness.FOREIGN_VOTE
    check.on_certified(10_000)
    assert check.fitness is Fitness.FOREIGN_VOTE
    check.override(HEIGHT + 1)
    assert check.fitness is Fitness.FIT
    assert check.state.problem(vote(VoteKind.PREVOTE)) is not None


def test_a_stale_copy_is_found_by_a_later_height() -> None:
    check = _check(STATE, [(1, HEIGHT + 3, prevotes([0], height=HEIGHT + 3))])
    assert check.fitness is Fitness.FOREIGN_VOTE


def test_a_key_without_its_record_waits_for_a_block_beyond_what_a_quorum_works_on() -> None:
    answers = [(1, 7, prevotes([0])), (2, 9, ()), (3, 8, ())]
    check = _check(None, answers)
    check.on_certified(20)
    # Three of five are no quorum, so that what they said is not enough.
    assert check.fitness is Fitness.RECORD_LOST
    check = _check(None, [*answers, (4, 7, ())])
    for height in (7, 8):
        check.on_certified(height)
        assert check.fitness is Fitness.RECORD_LOST
    check.on_certified(9)
    assert check.state.height == 10
    assert check.fitness is Fitness.FIT


def test_a_later_word_moves_nothing() -> None:
    check = _check(None, [(place, 7, ()) for place in (1, 2, 3, 4)])
    check.take(BANKS.keys[1], 1_000_000, ())
    check.on_certified(7)
    assert check.fitness is Fitness.FIT


def test_its_operator_may_overrule() -> None:
    check = _check(None, [(1, 7, ()), (2, 7, ()), (3, 7, ())])
    check.override(8)
    assert check.fitness is Fitness.FIT
    assert check.state == SignState(KEY, 8)


def _standby(answers):
    check = FitnessCheck(KEY, BANKS, STATE)
    check.stand_by()
    check.on_certified(HEIGHT)
    assert check.fitness is Fitness.STANDING_BY
    check.take_over()
    for place, height in answers:
        check.take(BANKS.keys[place], height, ())
    return check


def test_a_standby_waits_for_a_whole_height_behind_those_that_others_say() -> None:
    check = _standby([(1, HEIGHT + 1), (2, HEIGHT + 4)])
    for height in range(HEIGHT, HEIGHT + 4):
        check.on_certified(height)
    # Two of the other four are too few; what the key signs meanwhile it may.
    assert check.fitness is Fitness.TAKING_OVER
    assert not check.is_contradicted(HEIGHT + 5)
    check.take(BANKS.keys[3], HEIGHT + 2, ())
    assert [check.is_contradicted(HEIGHT + more) for more in (4, 5, 6)] == [False, True, True]
    check.on_certified(HEIGHT + 4)
    assert check.fitness is Fitness.TAKING_OVER
    check.on_certified(HEIGHT + 5)
    assert check.fitness is Fitness.FIT
    assert check.state == SignState(KEY, HEIGHT + 6)


def test_a_standby_that_is_told_late_watches_from_then_on() -> None:
    check = _standby([])
    check.on_certified(HEIGHT + 10)
    for place in (1, 2, 3):
        check.take(BANKS.keys[place], HEIGHT, ())
    assert check.fitness is Fitness.TAKING_OVER
    check.on_certified(HEIGHT + 11)
    assert check.fitness is Fitness.TAKING_OVER
    check.on_certified(HEIGHT + 12)
    assert check.state == SignState(KEY, HEIGHT + 13)


def test_the_operator_of_a_standby_may_answer_for_a_height() -> None:
    check = _standby([])
    check.override(HEIGHT + 7)
    assert check.fitness is Fitness.ASKING
    check.take(BANKS.keys[1], HEIGHT + 7, tuple(prevotes([0], height=HEIGHT + 7)))
    assert check.fitness is Fitness.FOREIGN_VOTE
