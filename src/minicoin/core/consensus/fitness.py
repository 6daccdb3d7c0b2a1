"""Whether the key of this node may sign now. Asked at each start, before anything is signed.

- At each start q - 1 other members have to say what they hold of this key at the height they work on (members that
  abstain answer too). A vote that our record lacks means that the record is a stale copy, or that the key is used in a
  second place: it signs nothing, and the operator has to see to it.
- A key without its record may have signed anything up to the height that the others work on. It signs nothing until a
  block that was certified after its start passes each height that q members said (all others, where fewer than q are
  left), or until its operator says that it may.
- A standby has the key of a node that signs, and stands by: it follows, and tells nobody that it has the key. Once its
  operator has it take over it asks as at a start, and is given back to standing by if the other node shows up: proven
  to it or to somebody who answers, by a vote, or in a certificate. What it does not know the other has signed, so it
  signs nothing before a whole height has passed, behind those that q - 1 members said, in which the key was silent.
"""

from enum import Enum

from minicoin.core.consensus.sign_state import SignState
from minicoin.core.limits import CONSENSUS_PEERS_MAX
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.recovery import NO_RECOVERY
from minicoin.core.signers.votes import SignedVote


class Fitness(Enum):
    """What keeps a key from signing, or nothing."""

    ASKING = "asks the other members what they hold of its key"
    RECORD_LOST = "has lost the record of what its key signed, and waits for a block that makes it harmless"
    FOREIGN_VOTE = (
        "has met a vote of its key that its record lacks: a stale copy, or the key is used elsewhere. Put back the "
        "last state/sign-state, or stop the other node (docs/upkeep.md, A restored backup)"
    )
    STANDING_BY = "stands by for another node with its key, until it is told to take over"
    TAKING_OVER = "takes over: it asks the others, and waits for a whole height in which its key is silent"
    FIT = "signs"


class FitnessCheck:
    """Of one key, from a start on."""

    def __init__(self, member: bytes, members: MemberList, state: SignState | None, epoch: bytes = NO_RECOVERY) -> None:
        """`state` is None where the key's record is not there; `members` is the list of the height at hand, `epoch` the
        hash of the last recovery that is named."""
        self.state = SignState(member, epoch=epoch) if state is None else state
        self._epoch = epoch
        self.foreign: SignedVote | None = None
        self._members = members
        self._is_lost = state is None
        self._heights: dict[bytes, int] = {}
        self._certified = 0
        self._standby: Fitness | None = None
        """STANDING_BY or TAKING_OVER; None for a node that is no standby, or not any more."""
        self._watched_from: int | None = None
        """The last certified block when as many had answered as a standby needs."""

    @property
    def fitness(self) -> Fitness:
        if self._standby is not None:
            return self._standby
        if self.foreign is not None:
            return Fitness.FOREIGN_VOTE
        if self._is_lost:
            return Fitness.RECORD_LOST
        return Fitness.FIT if len(self._answered()) >= self._members.quorum - 1 else Fitness.ASKING

    def follow(self, members: MemberList) -> None:
        """The list of the height at hand, whose answers count."""
        self._members = members

    def _answered(self) -> list[int]:
        """What members of the list said they work on."""
        return [height for member, height in self._heights.items() if member in self._members]

    def take(self, member: bytes, height: int, votes: tuple[SignedVote, ...]) -> None:
        """Another signer works on this height, and holds these votes of our key, whose signatures hold."""
        if member == self.state.member or len(self._heights) >= CONSENSUS_PEERS_MAX:
            return
        # The first word of a start counts: later ones would move the height that has to be passed ever further.
        self._heights.setdefault(member, height)
        for signed in votes:
            if not self._is_lost and self._standby is None:
                self.check(signed)
        self._settle()

    def check(self, signed: SignedVote) -> None:
        """A vote of our key, wherever it comes from."""
        if self.foreign is None and not self.state.knows(signed.vote):
            self.foreign = signed

    def on_certified(self, height: int) -> None:
        """A block was certified since the start."""
        self._certified = max(self._certified, height)
        self._settle()

    def stand_by(self) -> None:
        """Sign nothing until told to take over."""
        self._standby = Fitness.STANDING_BY

    def take_over(self) -> None:
        """Begin to ask, and to watch."""
        self._standby = Fitness.TAKING_OVER
        self._heights.clear()
        self._watched_from = None
        self._settle()

    def is_contradicted(self, height: int) -> bool:
        """Whether somebody signs with the key whom a standby would take over from: it signed at this height."""
        silent_from = self._silent_from()
        return self._standby is Fitness.TAKING_OVER and silent_from is not None and height >= silent_from

    def _silent_from(self) -> int | None:
        """The first height at which the key has to be silent; None where too few have answered. In the one at hand it
        may have signed before we looked."""
        heights, count = sorted(self._answered()), max(self._members.quorum - 1, 0)
        if self._watched_from is None or len(heights) < count:
            return None
        return max([self._watched_from + 1, *heights[count - 1 : count]]) + 1

    def override(self, height: int) -> None:
        """The operator answers for it that nothing was signed from this height on."""
        self.state = SignState(self.state.member, height, epoch=self._epoch)
        self._is_lost, self.foreign, self._standby = False, None, None

    def _settle(self) -> None:
        """A lost record is made anew once what it held can harm no more; that of a standby, likewise."""
        if self._standby is Fitness.TAKING_OVER:
            if self._watched_from is None and len(self._answered()) >= self._members.quorum - 1:
                self._watched_from = self._certified
            silent_from = self._silent_from()
            if silent_from is not None and self._certified >= silent_from:
                self.state = self.state.raised(self._certified + 1)
                self._standby, self._is_lost, self.foreign = None, False, None
            return
        others = len(self._members) - (self.state.member in self._members)
        count = min(self._members.quorum, others)
        heights = sorted(self._answered())
        if self._is_lost and 0 < count <= len(heights) and self._certified >= heights[count - 1]:
            self.state = self.state.raised(self._certified + 1)
            self._is_lost = False
