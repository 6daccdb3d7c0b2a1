"""Votes of the heights behind us."""

from tests.unit.consensus.ballots import BLOCK, OTHER, precommits, prevotes

from minicoin.core.consensus.archive import Archive
from minicoin.core.limits import HEIGHTS_ARCHIVED_MAX, VOTES_ARCHIVED_MAX
from minicoin.core.signers.votes import SignedVote


def test_a_late_contradiction_convicts_once() -> None:
    archive = Archive()
    votes = [*prevotes(range(5)), *precommits(range(5))]
    archive.keep(votes)
    assert archive.votes(7) == votes
    late = precommits([3], OTHER)[0]
    assert archive.contradicted(precommits([3])[0]) is None
    assert archive.contradicted(late) == precommits([3])[0]
    assert archive.contradicted(late) is None
    assert late in archive.votes(7)


def test_what_is_not_known_is_not_kept_for_the_asking() -> None:
    archive = Archive()
    assert archive.contradicted(precommits([3])[0]) is None
    assert archive.votes(7) == []


def test_old_heights_go() -> None:
    archive = Archive()
    for height in range(1, 2 * HEIGHTS_ARCHIVED_MAX):
        archive.keep(precommits(range(5), BLOCK, height=height))
    assert len([height for height in range(300) if archive.votes(height)]) == HEIGHTS_ARCHIVED_MAX
    assert archive.votes(HEIGHTS_ARCHIVED_MAX - 1) == []


def test_in_all_they_are_bounded() -> None:
    archive = Archive()
    for height in (1, 2, 3):
        one = precommits([0], height=height)[0].vote
        half = VOTES_ARCHIVED_MAX // 2
        archive.keep(SignedVote(one, number.to_bytes(32, "big"), bytes(64)) for number in range(half))
    assert [len(archive.votes(height)) for height in (1, 2, 3)] == [0, half, half]


def test_whether_a_vote_is_another_one_is_known_before_its_signature_is_looked_at() -> None:
    archive = Archive()
    first, second = precommits([0])[0], precommits([0], OTHER)[0]
    archive.keep([first])
    assert archive.is_other(second) and not archive.is_other(first)
    assert archive.contradicted(second) == first
    assert not archive.is_other(second)
    assert not archive.is_other(precommits([1], OTHER)[0])
