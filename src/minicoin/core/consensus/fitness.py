"""Whether the key of this node may sign now. Asked at each start, before anything is signed.

- At each start q - 1 other members have to say what they hold of this key at the height they work on (members that
  abstain answer too). A vote that our record lacks means that the record is a stale copy, or that the key is used in a
  second place: it signs nothing, and the operator has to see to it.
- A key without its record may have signed anything up to the height that the others work on. It signs nothing until a
  block that was certified after its start passes each height that q members said (all others, where fewer than q are
  left), or until its operator says that it may.
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
    FOREIGN_VOTE = "has met a vote of its key that its record lacks: a stale copy, or the key is used elsewhere"
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

    @property
    def fitness(self) -> Fitness:
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
            if not self._is_lost:
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

    def override(self, height: int) -> None:
        """The operator answers for it that nothing was signed from this height on."""
        self.state = SignState(self.state.member, height, epoch=self._epoch)
        self._is_lost, self.foreign = False, None

    def _settle(self) -> None:
        """A lost record is made anew once what it held can harm no more."""
        others = len(self._members) - (self.state.member in self._members)
        count = min(self._members.quorum, others)
        heights = sorted(self._answered())
        if self._is_lost and 0 < count <= len(heights) and self._certified >= heights[count - 1]:
            self.state = self.state.raised(self._certified + 1)
            self._is_lost = False
