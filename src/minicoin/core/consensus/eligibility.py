"""Whether this node's key may sign at the height at hand, and what keeps it from that.

A key signs where all of these hold; else the node looks on, follows the rounds, and decides all the same:

1. *It is fit* (fitness.py): the others, its record or its operator have shown that nothing of it was forgotten.
2. *Nothing was proven that only operators can put right*: that another node signs with it (a twin), or that the chain
   has a second certificate of a height. Said once, and true until the next start.
3. *Its member stands in the list of the height.*
4. *It signs for this epoch.* Behind a recovery that the configuration names the key begins anew, and never signs again
   for what that takes over from. A key whose record is of an epoch that this chain is not in would contradict itself.
5. *The height is none that it may have signed and forgotten*: a record made anew begins behind those, or where the
   operator answers for it, and may begin above the height at hand.
6. *It has promised nothing.* Who signed a recovery signs no vote until it is named: that promise is what makes a
   recovery safe.

A standby is not fit by the choice of its operator. It gives the key back as soon as it sees it sign anywhere, in a
vote or in a certificate.
"""

from minicoin.core.chain.certified import CertifiedChain
from minicoin.core.consensus.desk import Desk
from minicoin.core.consensus.fitness import Fitness, FitnessCheck
from minicoin.core.consensus.heights import Heights
from minicoin.core.consensus.held_keys import HeldKeys
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.faults import MisuseError
from minicoin.core.notices import SigningStopped, TakeOverRefused
from minicoin.core.part import Outbox
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.recovery import NO_RECOVERY, Recovery

_TWIN = "another node proved that it uses the same signing key: stop one of the two"


class Eligibility:
    """Of the keys of one node, at the heights as they come."""

    def __init__(self, node: Outbox, signers: CertifiedChain, held: HeldKeys, heights: Heights, desk: Desk) -> None:
        self._node = node
        self._signers = signers
        self._held = held
        self._heights = heights
        self._desk = desk
        self.twin = b""
        """The peer id of another node that uses our key."""
        self.stayed_because = ""
        """Why a standby that was to take over stands by all the same."""
        self._is_alarmed = False

    @property
    def fitness(self) -> FitnessCheck:
        """Of the key that signs the height at hand."""
        return self._held.current

    @property
    def member(self) -> bytes:
        """Whom it signs for."""
        return self.fitness.state.member

    @property
    def stands_by(self) -> bool:
        """Whether another node signs with the key, which nobody was told that we have."""
        return self.fitness.fitness is Fitness.STANDING_BY

    @property
    def takes_over(self) -> bool:
        """Whether the others are asked if that node is gone."""
        return self.fitness.fitness is Fitness.TAKING_OVER

    @property
    def state(self) -> SignState | None:
        """What the rounds vote with, where its member is in their list; None where they look on."""
        is_fit = self.fitness.fitness is Fitness.FIT and not self.is_stopped
        return self.fitness.state if is_fit and self._epoch_problem() is None else None

    @property
    def is_stopped(self) -> bool:
        """Whether something was proven that only operators can put right."""
        return bool(self.twin) or self._signers.second_certificate is not None

    @property
    def abstains_because(self) -> str:
        """Why nothing is signed; empty where votes are."""
        second = self._signers.second_certificate
        if second is not None:
            return second.text
        if self.twin:
            return _TWIN
        if self.member not in self._members:
            return "its key is none of the members'"
        if self.fitness.fitness is not Fitness.FIT:
            why = f" ({self.stayed_because})" if self.stands_by and self.stayed_because else ""
            return f"it {self.fitness.fitness.value}{why}"
        if (problem := self._epoch_problem()) is not None:
            return problem
        first, at_hand = self.fitness.state.height, self._heights.height
        if first > at_hand:
            return (
                f"its key may have signed what comes before block {first}: it signs from there on, not block {at_hand}"
            )
        return f"the last vote could not be signed: {self._desk.trouble}" if self._desk.trouble else ""

    @property
    def _members(self) -> MemberList:
        rounds = self._heights.rounds
        assert rounds is not None, "a height begins at the start of the node"
        return rounds.members

    def stay(self, why: str) -> None:
        """The other node is not gone: stand by, and say so."""
        self._held.stand_by()
        self.stayed_because = why
        self._node.emit(TakeOverRefused(why))

    def note_signed(self, height: int, where: str) -> None:
        """The key signed at this height, and it was not us."""
        if self.fitness.is_contradicted(height):
            self.stay(f"its key signed at height {height} ({where}): the other node is alive")

    def alarm(self) -> None:
        """Said once: an operator has to see to it."""
        if not self._is_alarmed and (self.is_stopped or self.fitness.fitness is Fitness.FOREIGN_VOTE):
            self._is_alarmed = True
            self._node.emit(SigningStopped(self.abstains_because))

    def enter(self, height: int) -> None:
        """Behind a recovery the key signs for that, and never again for what it takes over from."""
        recoveries, state = self._signers.recoveries, self.fitness.state
        recovery = recoveries.at(height)
        if recovery is None or state.epoch == recovery.hash:
            return
        left = [NO_RECOVERY, *(one.hash for one in recoveries.named)]
        if state.epoch in left[: left.index(recovery.hash)] and recovery.hash not in state.left:
            self.fitness.state = state.entered(recovery)

    def promise(self, recovery: Recovery) -> None:
        """Sign nothing more for the members that this recovery takes over from. Raises MisuseError where the key may
        not sign it."""
        fitness = self.fitness.fitness
        if fitness not in (Fitness.FIT, Fitness.ASKING):
            raise MisuseError(f"this node cannot sign it: it {fitness.value}")
        if self.twin:
            raise MisuseError(_TWIN)
        if self.member not in self._members:
            raise MisuseError(f"the key of this node is no member's at height {self._heights.height}")
        self.fitness.state = self.fitness.state.promised(recovery)

    def _epoch_problem(self) -> str | None:
        """Why the key does not sign for the members at hand; None where it does."""
        state, epoch = self.fitness.state, self._signers.recoveries.epoch(self._heights.height)
        if state.epoch != epoch:
            return (
                f"its key signs behind recovery {state.epoch.hex()}, and this chain is not behind it, or this node's "
                "configuration does not name it"
            )
        if state.promise is not None:
            return (
                f"its key signed a recovery behind block {state.promise.height}: start the node with it once enough "
                "members have signed (minicoin recovery show)"
            )
        return None
