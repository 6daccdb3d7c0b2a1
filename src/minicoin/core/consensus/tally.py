"""The votes of one height, by round and kind.

Members are counted, never messages: how many voted at all, and how many for each choice. An honest member votes once. A
second, different vote of a member is evidence against it, and counts for its own choice all the same, as the paper's
messages do: else a liar that says one thing to some and another to the rest makes a quorum that some saw one that the
others can never see, and the height stalls. Both choices cannot win by it, since two quorums share an honest member. A
third vote counts only where the proposal at hand leans on that choice, so that what a member fills is bounded.

`Tally` keeps the rounds up to the one at hand, a fixed number of them behind it and those that are pinned; what comes
from in front is core/consensus/ahead's. Whose a vote is, and that its signature holds, was checked before.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from minicoin.core.consensus.choice import Choice, choice_of
from minicoin.core.limits import ROUNDS_KEPT_MAX
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.votes import NO_ROUND, SignedVote, VoteKind

_VOTES_PER_SLOT_MAX: Final = 2


@dataclass(frozen=True, slots=True)
class Holding:
    """What a signer has of one round: a bit for each member in the list's order, lowest first."""

    height: int
    round: int
    has_proposal: bool
    prevotes: bytes
    precommits: bytes
    valid_round: int = NO_ROUND
    """The last round of which it knows a quorum of prevotes for a block."""


@dataclass(slots=True)
class _Ballot:
    """The votes of one kind in one round."""

    by_member: dict[bytes, list[SignedVote]] = field(default_factory=dict)
    counts: dict[Choice, int] = field(default_factory=dict)

    def put(self, signed: SignedVote, is_leant_on: bool) -> SignedVote | None:
        known = self.by_member.setdefault(signed.member, [])
        if any(one.vote == signed.vote for one in known) or (len(known) >= _VOTES_PER_SLOT_MAX and not is_leant_on):
            return None
        known.append(signed)
        choice = choice_of(signed.vote)
        if all(choice_of(one.vote) != choice for one in known[:-1]):
            self.counts[choice] = self.counts.get(choice, 0) + 1
        return known[0] if len(known) == _VOTES_PER_SLOT_MAX else None

    def votes(self) -> Iterator[SignedVote]:
        return (one for votes in self.by_member.values() for one in votes)


@dataclass(slots=True)
class RoundVotes:
    """All of one round."""

    ballots: dict[VoteKind, _Ballot] = field(default_factory=lambda: {kind: _Ballot() for kind in VoteKind})

    def votes(self) -> Iterator[SignedVote]:
        """All of them, by kind and in the order they came."""
        return (one for ballot in self.ballots.values() for one in ballot.votes())


class Tally:
    """One height's votes under one list."""

    def __init__(self, members: MemberList) -> None:
        self.members = members
        self._rounds: dict[int, RoundVotes] = {}

    def put(self, signed: SignedVote, *, is_leant_on: bool = False) -> SignedVote | None:
        """Count a member's vote. Gives its first one where this is the second, which is told once."""
        round_votes = self._rounds.setdefault(signed.vote.round, RoundVotes())
        return round_votes.ballots[signed.vote.kind].put(signed, is_leant_on)

    def forget_before(self, round_: int, pinned: Iterable[int]) -> None:
        """Keep the last rounds in front of this one, and those that are pinned."""
        kept = set(pinned)
        for one in [one for one in self._rounds if one < round_ - ROUNDS_KEPT_MAX and one not in kept]:
            del self._rounds[one]

    def proposal(self, round_: int, proposer: bytes) -> SignedVote | None:
        """What its proposer said first."""
        return next(iter(self._ballot(VoteKind.PROPOSAL, round_).by_member.get(proposer, ())), None)

    def count(self, kind: VoteKind, round_: int, choice: Choice) -> int:
        """How many members voted so."""
        return self._ballot(kind, round_).counts.get(choice, 0)

    def total(self, kind: VoteKind, round_: int) -> int:
        """How many members voted at all."""
        return len(self._ballot(kind, round_).by_member)

    def chosen(self, kind: VoteKind, round_: int) -> Choice | None:
        """What a quorum voted for, NO_CHOICE included."""
        counts = self._ballot(kind, round_).counts
        return next((choice for choice, count in counts.items() if count >= self.members.quorum), None)

    def votes_for(self, kind: VoteKind, round_: int, choice: Choice) -> list[SignedVote]:
        """Who voted so."""
        return [one for one in self._ballot(kind, round_).votes() if choice_of(one.vote) == choice]

    def rounds(self) -> list[int]:
        """Those of which something is held, ascending."""
        return sorted(self._rounds)

    def votes(self, round_: int) -> list[SignedVote]:
        """All of a round."""
        return list(self._rounds[round_].votes()) if round_ in self._rounds else []

    def holding(
        self, height: int, round_: int, valid_round: int, proposer: bytes, leant_on: Choice | None = None
    ) -> Holding:
        """What is held of a round, as others are asked for the rest: of prevotes those only for what is leant on."""
        return Holding(
            height,
            round_,
            self.proposal(round_, proposer) is not None,
            self._bitmap(VoteKind.PREVOTE, round_, leant_on),
            self._bitmap(VoteKind.PRECOMMIT, round_, None),
            valid_round,
        )

    def beyond(self, holding: Holding) -> list[SignedVote]:
        """What is held of that round and is not in that holding."""
        bitmaps = {VoteKind.PREVOTE: holding.prevotes, VoteKind.PRECOMMIT: holding.precommits}
        lacking = []
        for one in self.votes(holding.round):
            if one.vote.kind is VoteKind.PROPOSAL:
                lacks = not holding.has_proposal
            else:
                lacks = not has_bit(bitmaps[one.vote.kind], self.members.index(one.member))
            if lacks:
                lacking.append(one)
        return lacking

    def _ballot(self, kind: VoteKind, round_: int) -> _Ballot:
        round_votes = self._rounds.get(round_)
        return _Ballot() if round_votes is None else round_votes.ballots[kind]

    def _bitmap(self, kind: VoteKind, round_: int, choice: Choice | None) -> bytes:
        bitmap = bytearray((len(self.members) + 7) // 8)
        by_member = self._ballot(kind, round_).by_member
        for place, key in enumerate(self.members.keys):
            if any(choice is None or choice_of(one.vote) == choice for one in by_member.get(key, ())):
                bitmap[place // 8] |= 1 << place % 8
        return bytes(bitmap)


def has_bit(bitmap: bytes, place: int | None) -> bool:
    """Whether the bit at this place is set; a bitmap that is too short has it not."""
    return place is not None and place // 8 < len(bitmap) and bool(bitmap[place // 8] >> place % 8 & 1)


def has_more(bitmap: bytes, other: bytes) -> bool:
    """Whether the first has a bit that the second has not."""
    return bool(int.from_bytes(bitmap, "little") & ~int.from_bytes(other, "little"))
