"""Height after height."""

from tests.unit.consensus.ballots import HEIGHT, OTHER, precommits, prevotes, signed
from tests.unit.signers.banks import BANKS

from minicoin.core.consensus.heights import Heights
from minicoin.core.consensus.outputs import Cast, Decided, ForeignVote
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.timeouts import Pause, RoundTimes
from minicoin.core.signers.evidence import TwoVotes
from minicoin.core.signers.votes import SignedVote, VoteKind
from minicoin.core.units import Micros

NOW = Micros(1_000_000_000)


def _heights(height=HEIGHT, state=None):
    heights = Heights(RoundTimes())
    heights.begin(Pause(height, 0, NOW), BANKS, state, NOW)
    return heights


def test_before_a_height_nothing_is_kept() -> None:
    heights = Heights(RoundTimes())
    assert heights.take(prevotes([0])[0], NOW) == ()
    assert heights.held_of(BANKS.keys[0]) == ()


def test_what_came_early_decides_the_next_height_as_soon_as_it_begins() -> None:
    heights = _heights(HEIGHT - 1)
    for one in precommits([0, 1, 2, 3]):
        assert heights.take(one, NOW) == ()
    (decided,) = [one for one in heights.begin(Pause(HEIGHT, 0, NOW), BANKS, None, NOW) if isinstance(one, Decided)]
    assert decided.certificate.height == HEIGHT


def test_what_is_further_ahead_is_nobodys() -> None:
    heights = _heights(HEIGHT - 2)
    heights.take(precommits([0])[0], NOW)
    heights.begin(Pause(HEIGHT, 0, NOW), BANKS, None, NOW)
    assert heights.rounds.votes() == []


def test_strangers_votes_do_not_count() -> None:
    heights = _heights()
    stranger = prevotes([0])[0]
    heights.take(SignedVote(stranger.vote, b"s" * 32, bytes(64)), NOW)
    assert heights.rounds.votes() == []


def test_contradictions_are_evidence_at_any_height() -> None:
    heights = _heights()
    heights.take(precommits([0])[0], NOW)
    assert heights.take(precommits([0], OTHER)[0], NOW) == (TwoVotes(precommits([0])[0], precommits([0], OTHER)[0]),)
    following = precommits([0], height=HEIGHT + 1)[0], precommits([0], OTHER, height=HEIGHT + 1)[0]
    assert heights.take(following[0], NOW) == ()
    assert heights.take(following[1], NOW) == (TwoVotes(*following),)
    heights.take(precommits([1])[0], NOW)
    heights.begin(Pause(HEIGHT + 1, 0, NOW), BANKS, None, NOW)
    late = precommits([1], OTHER)[0]
    assert heights.take(late, NOW) == (TwoVotes(precommits([1])[0], late),)
    assert heights.take(late, NOW) == ()


def test_a_height_begins_again_with_what_it_knew_once_the_key_may_sign() -> None:
    proposer = BANKS.keys.index(BANKS.proposer(HEIGHT, 0))
    me = (proposer + 1) % 5
    heights = _heights()
    heights.take(signed(proposer, VoteKind.PROPOSAL), NOW)
    for one in prevotes([place for place in range(5) if place != me]):
        heights.take(one, NOW)
    out = heights.begin(Pause(HEIGHT, 0, NOW), BANKS, SignState(BANKS.keys[me]), NOW)
    assert heights.rounds.is_voting
    out += heights.rounds.take_block(signed(0, VoteKind.PREVOTE).vote.block, BANKS.hash, NOW)
    assert [one.vote.kind for one in out if isinstance(one, Cast)] == [VoteKind.PREVOTE, VoteKind.PRECOMMIT]


def test_a_vote_of_the_own_key_from_elsewhere_is_told() -> None:
    heights = _heights(state=SignState(BANKS.keys[2]))
    assert heights.take(prevotes([2])[0], NOW)[0] == ForeignVote(prevotes([2])[0])
    assert not heights.rounds.is_voting


def test_what_is_held_of_a_key() -> None:
    heights = _heights()
    votes = [*prevotes([3]), *prevotes([3], round_=4), *prevotes([3], height=HEIGHT + 1)]
    for one in (*votes, *prevotes([2])):
        heights.take(one, NOW)
    assert heights.held_of(BANKS.keys[3]) == tuple(votes)
