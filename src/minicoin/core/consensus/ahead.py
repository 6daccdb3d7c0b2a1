"""Votes that come before their time: of rounds in front of ours, and of the next height.

Others are always a little in front. What they say then is kept, or a network would stall within some hundred blocks;
of each member only its highest rounds, so that nobody fills the memory of another.

f + 1 members who speak from a round or beyond include an honest one that is there: it is time to go there too
(Buchman, Kwon, Milosevic 2018, line 55). The highest such round counts, so that signers whose rounds ran apart meet.
"""

from minicoin.core.limits import MEMBERS_AHEAD_MAX, ROUNDS_AHEAD_PER_MEMBER_MAX
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.votes import SignedVote, VoteKind


class Ahead:
    """Votes of one height. What was kept here is counted when its round is entered."""

    def __init__(self) -> None:
        self._by_member: dict[bytes, dict[int, dict[VoteKind, SignedVote]]] = {}

    def put(self, signed: SignedVote) -> SignedVote | None:
        """Keep a vote. Gives the other one where it contradicts what is kept."""
        if signed.member not in self._by_member and len(self._by_member) >= MEMBERS_AHEAD_MAX:
            return None
        rounds = self._by_member.setdefault(signed.member, {})
        kinds = rounds.setdefault(signed.vote.round, {})
        known = kinds.setdefault(signed.vote.kind, signed)
        if len(rounds) > ROUNDS_AHEAD_PER_MEMBER_MAX:
            del rounds[min(rounds)]
        return known if known.vote != signed.vote else None

    def reached_by(self, count: int, members: MemberList) -> int | None:
        """The highest round that so many members have reached, if there is one."""
        highest = sorted((max(rounds) for key, rounds in self._by_member.items() if key in members), reverse=True)
        return highest[count - 1] if len(highest) >= count else None

    def proposal(self, round_: int, proposer: bytes) -> SignedVote | None:
        """The proposal of a round that has not begun here."""
        return self._by_member.get(proposer, {}).get(round_, {}).get(VoteKind.PROPOSAL)

    def release(self, round_: int) -> list[SignedVote]:
        """Take out what is kept up to and with this round, by round and kind."""
        released: list[SignedVote] = []
        for key in list(self._by_member):
            rounds = self._by_member[key]
            for one in [one for one in rounds if one <= round_]:
                released.extend(rounds.pop(one).values())
            if not rounds:
                del self._by_member[key]
        return sorted(released, key=lambda one: one.vote.slot)

    def votes(self) -> list[SignedVote]:
        """All that is kept."""
        return [one for rounds in self._by_member.values() for kinds in rounds.values() for one in kinds.values()]
