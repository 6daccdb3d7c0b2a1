"""The rules of one height, each alone. What they come to together is the law's (test_law)."""

import pytest
from tests.unit.consensus.ballots import BLOCK, HEIGHT, NEXT, OTHER, precommits, prevotes, signed, vote
from tests.unit.signers.banks import BANKS

from minicoin.core.consensus.choice import Choice, justified
from minicoin.core.consensus.outputs import Ask, Cast, Decided, ForeignVote, NeedProposal, NeedVerdict
from minicoin.core.consensus.round_state import RoundStep
from minicoin.core.consensus.rounds import Rounds
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.timeouts import Pause, RoundTimes
from minicoin.core.limits import CONSENSUS_ASK_EVERY_US, ROUNDS_KEPT_MAX
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.evidence import TwoVotes
from minicoin.core.signers.votes import NIL, VoteKind
from minicoin.core.units import SECOND_US, Micros

T = Micros(1_000 * SECOND_US)
TIMES = RoundTimes()
PROPOSER = BANKS.keys.index(BANKS.proposer(HEIGHT, 0))
ME = (PROPOSER + 3) % 5
OTHERS = [place for place in range(5) if place != ME]


def _proposer(round_):
    return (PROPOSER + round_) % 5


class Driven:
    """A signer whose casts are signed at once, and whose clock stands still unless it is moved."""

    def __init__(self, me=ME, state=None, enters=True):
        self.me, self.now = me, T
        self.rounds = Rounds(
            Pause(HEIGHT, 0, Micros(T - SECOND_US)), BANKS, TIMES, SignState(BANKS.keys[me]) if state is None else state
        )
        self.out = []
        self.do(self.rounds.start(self.now))
        if enters:
            self.do(self.rounds.set_payment_waits(True, self.now))

    def do(self, outputs):
        self.out += outputs
        for one in outputs:
            if isinstance(one, Cast):
                what = one.vote
                self.do(
                    self.rounds.take(
                        signed(self.me, what.kind, what.block, what.round, valid_round=what.valid_round), self.now
                    )
                )
        return self

    def take(self, *votes):
        for one in votes:
            self.do(self.rounds.take(one, self.now))
        return self

    def judge(self, block=BLOCK, following=NEXT):
        return self.do(self.rounds.take_block(block, following, self.now))

    def wait(self):
        """Until the next deadline."""
        self.now = self.rounds.next_deadline()
        return self.do(self.rounds.on_deadline(self.now))

    def wait_for(self, step):
        while self.rounds.step is not step:
            self.wait()
        return self

    def propose(self, round_=0, block=BLOCK, valid_round=-1):
        return self.take(signed(_proposer(round_), VoteKind.PROPOSAL, block, round_, valid_round=valid_round))

    def cast(self):
        """What was cast since the last time."""
        votes = [one.vote for one in self.out if isinstance(one, Cast)]
        self.out = [one for one in self.out if not isinstance(one, Cast)]
        return [(one.kind, one.round, one.block) for one in votes]


PREVOTE, PRECOMMIT = VoteKind.PREVOTE, VoteKind.PRECOMMIT


def _locked():
    """Locked on BLOCK in round 0, and in round 1 since."""
    driven = Driven().propose().judge().take(*prevotes(OTHERS[:3]), *precommits(OTHERS[:3], NIL))
    assert driven.cast() == [(PREVOTE, 0, BLOCK), (PRECOMMIT, 0, BLOCK)]
    driven.take(*precommits(OTHERS[3:], NIL))
    assert driven.rounds.round == 1
    return driven


def test_the_proposer_is_asked_for_a_block_and_proposes_it() -> None:
    driven = Driven(me=PROPOSER)
    assert NeedProposal(0) in driven.out
    driven.do(driven.rounds.propose(BLOCK, NEXT, T))
    # Its own block is known to be valid.
    assert driven.cast() == [(VoteKind.PROPOSAL, 0, BLOCK), (PREVOTE, 0, BLOCK)]
    driven.do(driven.rounds.propose(OTHER, NEXT, T))
    assert driven.cast() == []


def test_nobody_else_proposes() -> None:
    driven = Driven()
    driven.do(driven.rounds.propose(BLOCK, NEXT, T))
    assert driven.cast() == []
    assert not any(isinstance(one, NeedProposal) for one in driven.out)


@pytest.mark.parametrize(
    ("following", "expected"), [(NEXT, BLOCK), (None, NIL), (bytes(32), NIL)], ids=["valid", "invalid", "other list"]
)
def test_line_22_a_proposal_is_prevoted_by_its_verdict(following, expected) -> None:
    driven = Driven().propose()
    assert driven.cast() == []
    assert driven.out == [NeedVerdict(BLOCK)]
    assert driven.judge(following=following).cast() == [(PREVOTE, 0, expected)]


def test_only_whose_turn_it_is_proposes() -> None:
    driven = Driven().take(signed(_proposer(1), VoteKind.PROPOSAL))
    assert driven.out == []


def test_line_22_the_lock_refuses_another_block() -> None:
    assert _locked().propose(1, OTHER).judge(OTHER).cast() == [(PREVOTE, 1, NIL)]
    assert _locked().propose(1, BLOCK).cast() == [(PREVOTE, 1, BLOCK)]


def test_line_28_a_later_quorum_of_prevotes_opens_the_lock() -> None:
    driven = _locked()
    driven.take(*precommits(OTHERS, NIL, round_=1)).cast()
    driven.propose(2, OTHER, valid_round=1).judge(OTHER)
    # It names prevotes that are not here: they are asked for, and nothing is said until they come.
    assert driven.cast() == []
    asked = [one for one in driven.out if isinstance(one, Ask)][-1]
    assert [one.round for one in asked.holdings] == [2, 1]
    assert driven.take(*prevotes(OTHERS, OTHER, round_=1)).cast() == [(PREVOTE, 2, OTHER)]


def test_line_28_an_earlier_one_does_not() -> None:
    driven = Driven().take(*precommits(OTHERS, NIL)).propose(1).judge().take(*prevotes(OTHERS, round_=1))
    driven.take(*precommits(OTHERS, NIL, round_=1))
    assert driven.rounds.lock is not None and driven.rounds.lock.round == 1
    driven.cast()
    driven.propose(2, OTHER, valid_round=0).judge(OTHER).take(*prevotes(OTHERS, OTHER, round_=0))
    assert driven.cast() == [(PREVOTE, 2, NIL)]


def test_a_liars_other_prevote_completes_the_quorum_that_somebody_saw() -> None:
    driven = _locked()
    driven.take(*precommits(OTHERS, NIL, round_=1)).cast()
    # Here the liar said something else, twice.
    driven.take(*prevotes(OTHERS[:1], BLOCK, round_=1), *prevotes(OTHERS[:1], NIL, round_=1))
    driven.propose(2, OTHER, valid_round=1).judge(OTHER).take(*prevotes(OTHERS[1:], OTHER, round_=1))
    assert driven.cast() == []
    assert driven.take(*prevotes(OTHERS[:1], OTHER, round_=1)).cast() == [(PREVOTE, 2, OTHER)]


def test_line_34_a_quorum_of_prevotes_for_whatever_limits_the_wait() -> None:
    driven = Driven().propose().judge().take(*prevotes(OTHERS[:2], NIL))
    assert driven.rounds.next_deadline() == T + TIMES.propose_us
    driven.take(*prevotes(OTHERS[2:3]))
    assert driven.rounds.next_deadline() == T + TIMES.prevote_us
    driven.cast()
    assert driven.wait().cast() == [(PRECOMMIT, 0, NIL)]


def test_line_36_a_quorum_of_prevotes_locks() -> None:
    driven = Driven().propose().judge().take(*prevotes(OTHERS[:3]))
    assert driven.cast() == [(PREVOTE, 0, BLOCK), (PRECOMMIT, 0, BLOCK)]
    expected = justified(prevotes(sorted([ME, *OTHERS[:3]])), BANKS)
    assert driven.rounds.lock == driven.rounds.valid
    assert driven.rounds.lock is not None and driven.rounds.lock.choice == expected.choice


def test_line_36_what_is_cast_brings_the_lock_that_has_to_be_on_disk() -> None:
    driven = Driven().propose().judge().take(*prevotes(OTHERS[:3]))
    first, second = [one for one in driven.out if isinstance(one, Cast)]
    assert (first.lock, second.lock) == (None, driven.rounds.lock)
    assert second.valid is driven.rounds.valid


def test_line_36_a_quorum_that_comes_after_a_precommit_for_nothing_is_the_valid_choice() -> None:
    driven = Driven().propose().judge().take(*prevotes(OTHERS[:2]), *prevotes(OTHERS[2:3], NIL)).wait()
    assert driven.cast()[-1] == (PRECOMMIT, 0, NIL)
    driven.take(*prevotes(OTHERS[3:]))
    assert driven.rounds.lock is None
    assert driven.rounds.valid is not None and driven.rounds.valid.choice == Choice(BLOCK, NEXT)


def test_line_36_waits_for_the_verdict() -> None:
    driven = Driven().take(*prevotes(OTHERS)).propose().wait_for(RoundStep.PREVOTE)
    assert driven.cast() == [(PREVOTE, 0, NIL)]
    assert driven.judge().cast() == [(PRECOMMIT, 0, BLOCK)]


def test_line_44_a_quorum_of_prevotes_for_nothing() -> None:
    driven = Driven().propose().judge(following=None).take(*prevotes(OTHERS[:3], NIL))
    assert driven.cast() == [(PREVOTE, 0, NIL), (PRECOMMIT, 0, NIL)]


def test_line_47_a_quorum_of_precommits_for_whatever_limits_the_round() -> None:
    driven = Driven().take(*precommits(OTHERS[:2]), *precommits(OTHERS[2:], NIL))
    assert driven.rounds.next_deadline() == T + TIMES.precommit_us
    driven.wait()
    assert (driven.rounds.round, driven.rounds.step) == (1, RoundStep.PROPOSE)


def test_line_49_a_quorum_of_precommits_decides_in_any_round_and_without_the_body() -> None:
    driven = Driven().take(*precommits(OTHERS[:3]), *precommits(OTHERS, NIL, round_=1))
    assert driven.rounds.round == 2
    driven.take(*precommits(OTHERS[3:]))
    (decided,) = [one for one in driven.out if isinstance(one, Decided)]
    assert (decided.certificate.block, decided.certificate.round) == (BLOCK, 0)
    assert driven.rounds.next_deadline() is None
    driven.cast()
    assert driven.take(*prevotes(OTHERS, round_=9)).cast() == []


def test_line_55_two_of_five_in_a_later_round_take_us_there() -> None:
    driven = Driven().take(*prevotes(OTHERS[:1], round_=4), *precommits(OTHERS[:1], round_=4))
    assert driven.rounds.round == 0
    driven.take(*prevotes(OTHERS[1:2], round_=5))
    assert driven.rounds.round == 4
    assert driven.rounds.tally.total(PREVOTE, 4) == 1


def test_who_follows_the_others_has_voted_for_nothing_in_the_round_before() -> None:
    driven = Driven().take(*prevotes(OTHERS[:2], NIL, round_=4))
    assert driven.cast() == [(PREVOTE, 3, NIL), (PRECOMMIT, 3, NIL)]


def test_who_is_late_has_voted_in_the_round_that_it_leaves() -> None:
    # The precommits of others end the round before their prevotes are here; one of them may be a liar's, and lost.
    driven = Driven().propose().judge().take(*precommits(OTHERS[:3]), *precommits(OTHERS[3:], NIL)).wait()
    assert driven.rounds.round == 1
    assert driven.cast() == [(PREVOTE, 0, BLOCK), (PRECOMMIT, 0, NIL)]
    assert Driven().take(*precommits(OTHERS, NIL)).cast() == [(PREVOTE, 0, NIL), (PRECOMMIT, 0, NIL)]


def test_who_looks_on_votes_for_nothing_nowhere() -> None:
    driven = Driven(state=SignState(BANKS.keys[ME]).raised(HEIGHT + 1)).take(*precommits(OTHERS, NIL))
    assert (driven.rounds.round, driven.cast()) == (1, [])


def test_line_57_without_a_proposal_it_prevotes_for_nothing() -> None:
    driven = Driven()
    assert driven.rounds.next_deadline() == T + TIMES.propose_us
    assert driven.wait().cast() == [(PREVOTE, 0, NIL)]


def test_a_quorum_of_precommits_for_nothing_needs_no_waiting() -> None:
    driven = Driven().take(*precommits(OTHERS, NIL))
    assert (driven.rounds.round, driven.now) == (1, T)


def test_a_proposer_proposes_what_a_quorum_prevoted_for_and_says_in_which_round() -> None:
    # Round 3 is ours; the prevotes of round 0 come when that is gone by.
    driven = Driven().propose().judge().take(*precommits(OTHERS, NIL)).take(*prevotes(OTHERS))
    assert driven.rounds.valid is not None and driven.rounds.lock is None
    driven.cast()
    driven.take(*prevotes(OTHERS[:2], NIL, round_=3))
    assert driven.cast()[:3] == [(PREVOTE, 2, NIL), (PRECOMMIT, 2, NIL), (VoteKind.PROPOSAL, 3, BLOCK)]
    assert driven.rounds.tally.proposal(3, BANKS.keys[ME]).vote.valid_round == 0


def test_a_height_waits_to_begin() -> None:
    driven = Driven(enters=False)
    assert (driven.rounds.step, driven.rounds.round) == (RoundStep.WAIT, -1)
    assert driven.rounds.next_deadline() == T - SECOND_US + TIMES.empty_after_s * SECOND_US
    driven.wait()
    assert (driven.rounds.step, driven.rounds.round) == (RoundStep.PROPOSE, 0)


def test_a_valid_proposal_begins_it_and_an_invalid_one_does_not() -> None:
    assert Driven(enters=False).propose().judge().cast() == [(PREVOTE, 0, BLOCK)]
    driven = Driven(enters=False).propose().judge(following=None)
    assert (driven.rounds.step, driven.cast()) == (RoundStep.WAIT, [])


def test_messages_of_two_of_five_begin_it() -> None:
    driven = Driven(enters=False).take(*prevotes(OTHERS[:1]))
    assert driven.rounds.step is RoundStep.WAIT
    assert driven.take(*prevotes(OTHERS[1:2], NIL)).rounds.step is RoundStep.PROPOSE


def test_a_start_within_a_height_takes_up_the_lock_and_casts_everything_again() -> None:
    lock = justified(prevotes(range(4)), BANKS)
    state = SignState(BANKS.keys[ME]).recorded(vote(PREVOTE), None, None).recorded(vote(PRECOMMIT), lock, lock)
    driven = Driven(state=state, enters=False)
    assert driven.cast() == [(PREVOTE, 0, BLOCK), (PRECOMMIT, 0, BLOCK)]
    assert (driven.rounds.round, driven.rounds.step, driven.rounds.lock) == (0, RoundStep.PRECOMMIT, lock)
    driven.take(*precommits(OTHERS, NIL)).propose(1, OTHER).judge(OTHER)
    assert driven.cast() == [(PREVOTE, 1, NIL)]


def test_a_key_that_may_have_signed_later_looks_on() -> None:
    driven = Driven(state=SignState(BANKS.keys[ME]).raised(HEIGHT + 1))
    assert driven.propose().judge().take(*prevotes(OTHERS)).cast() == []
    assert any(isinstance(one, Decided) for one in driven.take(*precommits(OTHERS)).out)


@pytest.mark.parametrize("foreign", [*prevotes([ME], NIL), *precommits([ME]), *prevotes([ME], round_=8)])
def test_a_vote_of_our_key_that_was_not_cast_silences_us(foreign) -> None:
    driven = Driven().propose().judge()
    driven.cast()
    assert ForeignVote(foreign) in driven.take(foreign).out
    assert driven.take(*prevotes(OTHERS)).cast() == []


def test_our_own_votes_come_back_without_harm() -> None:
    driven = Driven().propose().judge().take(*prevotes([ME]))
    assert not any(isinstance(one, ForeignVote) for one in driven.out)
    for round_ in range(ROUNDS_KEPT_MAX + 5):
        driven.take(*precommits(OTHERS, NIL, round_))
    assert not any(isinstance(one, ForeignVote) for one in driven.take(*prevotes([ME])).out)


def test_two_votes_for_one_slot_are_evidence_once() -> None:
    first, second = prevotes(OTHERS[:1])[0], prevotes(OTHERS[:1], OTHER)[0]
    driven = Driven().take(first, second, second)
    assert [one for one in driven.out if isinstance(one, TwoVotes)] == [TwoVotes(first, second)]


def test_a_healthy_height_asks_nothing_and_one_that_waits_asks_each_second() -> None:
    driven = Driven()
    for _ in range(10):
        driven.wait()
    asked = [one for one in driven.out if isinstance(one, Ask)]
    assert driven.now == T + 9 * CONSENSUS_ASK_EVERY_US or driven.now == T + 10 * CONSENSUS_ASK_EVERY_US
    assert len(asked) == (driven.now - T) // CONSENSUS_ASK_EVERY_US
    healthy = Driven().propose().judge().take(*prevotes(OTHERS), *precommits(OTHERS))
    assert not any(isinstance(one, Ask) for one in healthy.out)


def test_memory_is_bounded_in_a_height_that_never_ends() -> None:
    driven = Driven()
    for round_ in range(5 * ROUNDS_KEPT_MAX):
        block = BlockHash(round_.to_bytes(32, "big"))
        driven.propose(round_, block).take(*prevotes(OTHERS, block, round_), *precommits(OTHERS, NIL, round_))
        driven.out.clear()
    assert len(driven.rounds.tally.rounds()) <= ROUNDS_KEPT_MAX + 2
    # What nobody asks for any more does not come back by being sent again.
    driven.take(*prevotes(OTHERS, round_=3))
    assert 3 not in driven.rounds.tally.rounds()
