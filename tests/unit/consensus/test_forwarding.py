"""Votes on request."""

from dataclasses import replace

from tests.unit.consensus.ballots import BLOCK, prevotes
from tests.unit.consensus.test_rounds import OTHERS, Driven

from minicoin.core.consensus.forwarding import answer, lacks
from minicoin.core.signers.votes import NIL


def test_who_lacks_votes_is_given_them_whoever_signed_them() -> None:
    asker, other = Driven(), Driven().take(*prevotes(OTHERS))
    (holding,) = [asker.rounds.holding(round_) for round_ in asker.rounds.open_rounds()]
    assert answer(other.rounds, holding) == tuple(prevotes(OTHERS))
    asker.take(*answer(other.rounds, holding))
    assert answer(other.rounds, asker.rounds.holding(0)) == ()


def test_who_is_behind_is_given_our_round_too() -> None:
    other = Driven().take(*prevotes(OTHERS[:2], NIL, round_=4))
    asker = Driven().take(*answer(other.rounds, Driven().rounds.holding(0)))
    assert asker.rounds.round == other.rounds.round == 4


def test_who_knows_no_quorum_is_given_ours() -> None:
    other = Driven().propose().judge().take(*prevotes(OTHERS[:3]), *prevotes(OTHERS[:2], NIL, round_=2))
    assert other.rounds.valid is not None
    asker = Driven().take(*prevotes(OTHERS[:2], NIL, round_=2))
    holding = asker.rounds.holding(2)
    assert set(other.rounds.valid.prevotes) <= set(answer(other.rounds, holding))
    assert not set(other.rounds.valid.prevotes) & set(answer(other.rounds, replace(holding, valid_round=0)))
    asker.propose(2, BLOCK).judge().take(*answer(other.rounds, holding))
    assert asker.rounds.valid is not None and asker.rounds.valid.round == 0


def test_a_question_that_shows_more_than_we_have_is_worth_one_back() -> None:
    ours, theirs = Driven(), Driven().take(*prevotes(OTHERS[:1]))
    assert lacks(ours.rounds, theirs.rounds.holding(0))
    assert not lacks(theirs.rounds, ours.rounds.holding(0))
    assert not lacks(ours.rounds, ours.rounds.holding(0))
    assert lacks(ours.rounds, replace(ours.rounds.holding(0), round=1))
    assert lacks(ours.rounds, replace(ours.rounds.holding(0), has_proposal=True))
    waits = Driven(enters=False)
    assert lacks(waits.rounds, Driven().rounds.holding(0))
