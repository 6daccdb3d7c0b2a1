"""What is voted on, and how a quorum of prevotes is kept as a reason.

A block is chosen together with the list of the next height that follows from it: whoever votes for one says both, and
votes that differ in either are no votes for the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.votes import NIL, SignedVote, Vote, VoteKind


@dataclass(frozen=True, slots=True)
class Choice:
    """A block and the hash of the next height's list, or NO_CHOICE."""

    block: BlockHash
    next_members: bytes


NO_CHOICE: Final = Choice(NIL, NIL)


def choice_of(vote: Vote) -> Choice:
    """What a vote is for."""
    return Choice(vote.block, vote.next_members)


@dataclass(frozen=True, slots=True)
class Justified:
    """A choice for which a quorum prevoted in a round, with those prevotes by ascending member."""

    round: int
    choice: Choice
    prevotes: tuple[SignedVote, ...]

    def holds(self, height: int, members: MemberList) -> bool:
        """Whether they are a quorum of this list; their signatures are not looked at."""
        expected = Vote(VoteKind.PREVOTE, height, self.round, self.choice.block, self.choice.next_members)
        keys = {one.member for one in self.prevotes if one.vote == expected and one.member in members}
        return len(keys) >= members.quorum


def justified(votes: Iterable[SignedVote], members: MemberList) -> Justified:
    """Of a quorum of equal prevotes or more: exactly a quorum of them. Raises MisuseError."""
    chosen = tuple(sorted(votes, key=lambda one: one.member)[: members.quorum])
    if len(chosen) < members.quorum or len({one.vote for one in chosen}) != 1:
        raise MisuseError("what a quorum prevoted for is shown by a quorum of equal prevotes")
    return Justified(chosen[0].vote.round, choice_of(chosen[0].vote), chosen)
