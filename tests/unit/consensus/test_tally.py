"""Votes of one height, counted by member."""

from tests.unit.consensus.ballots import BLOCK, HEIGHT, NEXT, OTHER, precommits, prevotes, signed
from tests.unit.signers.banks import BANKS

from minicoin.core.consensus.choice import NO_CHOICE, Choice
from minicoin.core.consensus.tally import Tally, has_bit, has_more
from minicoin.core.limits import ROUNDS_KEPT_MAX
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.votes import NIL, VoteKind

ONE, TWO = Choice(BLOCK, NEXT), Choice(OTHER, NEXT)


def _tally(votes):
    tally = Tally(BANKS)
    assert [other for one in votes if (other := tally.put(one)) is not None] == []
    return tally


def test_members_count_and_not_messages() -> None:
    tally = _tally([*prevotes([0, 1, 2]), *prevotes([0, 1, 2])])
    assert tally.count(VoteKind.PREVOTE, 0, ONE) == tally.total(VoteKind.PREVOTE, 0) == 3
    assert tally.chosen(VoteKind.PREVOTE, 0) is None
    tally.put(prevotes([3])[0])
    assert tally.chosen(VoteKind.PREVOTE, 0) == ONE
    assert tally.chosen(VoteKind.PREVOTE, 1) is tally.chosen(VoteKind.PRECOMMIT, 0) is None


def test_a_quorum_for_nothing_is_one() -> None:
    assert _tally(precommits([0, 1, 2, 4], NIL)).chosen(VoteKind.PRECOMMIT, 0) == NO_CHOICE


def test_a_second_vote_is_evidence_once_and_counts_for_its_own_choice() -> None:
    tally = _tally(prevotes([0, 1, 2, 3]))
    first, second = prevotes([3]) + prevotes([3], OTHER)
    assert tally.put(second) == first
    assert tally.put(second) is None
    assert tally.count(VoteKind.PREVOTE, 0, ONE) == 4
    assert tally.count(VoteKind.PREVOTE, 0, TWO) == 1
    assert tally.total(VoteKind.PREVOTE, 0) == 4


def test_a_third_counts_only_where_it_is_leant_on() -> None:
    tally = _tally(prevotes([3]))
    tally.put(prevotes([3], OTHER)[0])
    third = BlockHash(b"3" * 32)
    tally.put(prevotes([3], third)[0])
    assert tally.count(VoteKind.PREVOTE, 0, Choice(third, NEXT)) == 0
    assert tally.put(prevotes([3], third)[0], is_leant_on=True) is None
    assert tally.count(VoteKind.PREVOTE, 0, Choice(third, NEXT)) == 1


def test_rounds_behind_are_forgotten_but_for_pinned_ones() -> None:
    tally = _tally([one for round_ in range(3) for one in prevotes([0], round_=round_)])
    tally.forget_before(ROUNDS_KEPT_MAX + 2, [1])
    assert tally.rounds() == [1, 2]


def test_a_question_names_what_is_held_and_is_answered_with_the_rest() -> None:
    asker, other = _tally(prevotes([0, 4])), _tally([*prevotes([0, 1, 4]), *precommits([2])])
    other.put(signed(BANKS.keys.index(BANKS.proposer(HEIGHT, 0)), VoteKind.PROPOSAL))
    holding = asker.holding(HEIGHT, 0, -1, BANKS.proposer(HEIGHT, 0))
    assert (holding.has_proposal, holding.prevotes, holding.precommits) == (False, bytes((0b10001,)), bytes(1))
    beyond = other.beyond(holding)
    assert [one.vote.kind for one in beyond] == [VoteKind.PROPOSAL, VoteKind.PREVOTE, VoteKind.PRECOMMIT]
    for one in beyond:
        asker.put(one)
    assert other.beyond(asker.holding(HEIGHT, 0, -1, BANKS.proposer(HEIGHT, 0))) == []


def test_who_voted_for_something_else_is_asked_for_what_is_leant_on() -> None:
    asker, other = _tally(prevotes([3], OTHER)), _tally(prevotes([3]))
    proposer = BANKS.proposer(HEIGHT, 0)
    assert other.beyond(asker.holding(HEIGHT, 0, -1, proposer)) == []
    assert other.beyond(asker.holding(HEIGHT, 0, -1, proposer, ONE)) == prevotes([3])


def test_bits() -> None:
    assert has_bit(b"\x02", 1) and not has_bit(b"\x02", 0) and not has_bit(b"\x02", 9) and not has_bit(b"\xff", None)
    assert has_more(b"\x03", b"\x01") and not has_more(b"\x01", b"\x03") and has_more(b"\0\x01", b"\xff")
