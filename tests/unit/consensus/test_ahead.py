"""Votes that come before their time."""

from tests.unit.consensus.ballots import OTHER, precommits, prevotes, signed
from tests.unit.signers.banks import BANKS

from minicoin.core.consensus.ahead import Ahead
from minicoin.core.limits import MEMBERS_AHEAD_MAX, ROUNDS_AHEAD_PER_MEMBER_MAX
from minicoin.core.signers.votes import SignedVote, VoteKind


def _ahead(votes):
    ahead = Ahead()
    for one in votes:
        ahead.put(one)
    return ahead


def test_f_and_one_members_lead_to_the_highest_round_that_so_many_reached() -> None:
    ahead = _ahead([*prevotes([0], round_=6), *prevotes([1], round_=9)])
    assert ahead.reached_by(2, BANKS) == 6
    ahead.put(precommits([2], round_=10)[0])
    assert ahead.reached_by(2, BANKS) == 9
    assert ahead.reached_by(4, BANKS) is None


def test_one_member_is_one_however_much_it_says() -> None:
    ahead = _ahead([*prevotes([0], round_=6), *precommits([0], round_=6), *prevotes([0], round_=9)])
    assert ahead.reached_by(2, BANKS) is None


def test_strangers_do_not_count() -> None:
    stranger = prevotes([0], round_=3)[0]
    ahead = _ahead([SignedVote(stranger.vote, b"s" * 32, bytes(64)), *prevotes([1], round_=3)])
    assert ahead.reached_by(2, BANKS) is None


def test_of_a_member_the_highest_rounds_are_kept_and_only_so_many_members() -> None:
    ahead = _ahead(prevotes([0], round_=round_)[0] for round_ in range(1, 1_000))
    assert len(ahead.votes()) == ROUNDS_AHEAD_PER_MEMBER_MAX
    assert min(one.vote.round for one in ahead.votes()) == 1_000 - ROUNDS_AHEAD_PER_MEMBER_MAX
    what = prevotes([0])[0].vote
    many = _ahead(SignedVote(what, number.to_bytes(32, "big"), bytes(64)) for number in range(2 * MEMBERS_AHEAD_MAX))
    assert len(many.votes()) == MEMBERS_AHEAD_MAX


def test_what_was_kept_is_released_in_order_when_its_round_begins() -> None:
    proposal = signed(2, VoteKind.PROPOSAL, round_=1)
    ahead = _ahead([*precommits([0], round_=1), *prevotes([0], round_=2), proposal])
    assert ahead.proposal(1, BANKS.keys[2]) == proposal
    assert [one.vote.slot[1:] for one in ahead.release(1)] == [(1, 1), (1, 3)]
    assert [one.vote.round for one in ahead.votes()] == [2]


def test_a_contradiction_is_told() -> None:
    first = prevotes([0], round_=1)[0]
    assert _ahead([first]).put(prevotes([0], OTHER, round_=1)[0]) == first
