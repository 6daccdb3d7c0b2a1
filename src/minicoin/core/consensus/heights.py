"""Height after height: the rounds of the one at hand, what came early for the next, what is kept of those behind.

The one object of the rounds that a node holds. A vote comes here when its signature holds and its member stands in the
list of the vote's height, as far as that list is known; votes of heights further in front are worth nothing here: the
chain has to catch up first.
"""

from minicoin.core.consensus.ahead import Ahead
from minicoin.core.consensus.archive import Archive
from minicoin.core.consensus.outputs import RoundOutput
from minicoin.core.consensus.rounds import Rounds
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.timeouts import Pause, RoundTimes
from minicoin.core.limits import CONSENSUS_HELD_VOTES_MAX
from minicoin.core.signers.evidence import TwoVotes
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.votes import SignedVote
from minicoin.core.units import Micros


class Heights:
    """Before the first `begin` there are no rounds, and votes are kept for nobody."""

    def __init__(self, times: RoundTimes) -> None:
        self.times = times
        self.rounds: Rounds | None = None
        self.archive = Archive()
        self._next = Ahead()

    @property
    def height(self) -> int:
        """The height at hand; 0 where there is none."""
        return 0 if self.rounds is None else self.rounds.height

    def begin(self, pause: Pause, members: MemberList, state: SignState | None, now: Micros) -> tuple[RoundOutput, ...]:
        """Begin a height, or the one at hand again with another sign state; None to look on. What came early is taken
        now."""
        waiting: list[SignedVote] = []
        if self.rounds is not None and pause.height == self.height:
            waiting = self.rounds.votes()
        elif self.rounds is not None:
            self.archive.keep(self.rounds.votes())
            if pause.height == self.height + 1:
                waiting = self._next.votes()
            self._next = Ahead()
        self.rounds = Rounds(pause, members, self.times, state)
        out = list(self.rounds.start(now))
        for signed in sorted(waiting, key=lambda one: one.vote.slot):
            if signed.member in members:
                out.extend(self.rounds.take(signed, now))
        return tuple(out)

    def take(self, signed: SignedVote, now: Micros) -> tuple[RoundOutput, ...]:
        """A vote of any height."""
        if self.rounds is None:
            return ()
        height = signed.vote.height
        if height == self.height:
            return self.rounds.take(signed, now) if signed.member in self.rounds.members else ()
        other = self._next.put(signed) if height == self.height + 1 else self.archive.contradicted(signed)
        return () if other is None else (TwoVotes(other, signed),)

    def held_of(self, member: bytes) -> tuple[SignedVote, ...]:
        """The newest votes signed with this key, at the height at hand and the next, for the member to compare with its
        sign state."""
        if self.rounds is None:
            return ()
        votes = [one for one in (*self.rounds.votes(), *self._next.votes()) if one.member == member]
        return tuple(sorted(votes, key=lambda one: one.vote.slot)[-CONSENSUS_HELD_VOTES_MAX:])
