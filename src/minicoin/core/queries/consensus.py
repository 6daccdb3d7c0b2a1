"""What outside may read of a consortium: who signs the next block, where the rounds are, what holds a block up."""

from dataclasses import dataclass

from minicoin.core.consensus.status import ConsensusStatus
from minicoin.core.limits import CONSENSUS_PROPOSAL_AHEAD_MAX_US
from minicoin.core.members.proposing import standing_of
from minicoin.core.signers.members import MemberList
from minicoin.core.units import SECOND_US
from minicoin.core.view import NodeView


@dataclass(frozen=True, slots=True)
class ConsensusView:
    """Of one moment."""

    height: int
    """That the members at hand sign: the one behind the tip."""
    members: MemberList
    names: tuple[str, ...]
    """Theirs, by place."""
    status: ConsensusStatus | None
    """How the rounds go; None at a node that signs for no member."""


class ConsensusQueries:
    """Reads of one moment."""

    def __init__(self, view: NodeView) -> None:
        self._view = view

    def view(self) -> ConsensusView | None:
        """None on networks whose blocks members do not sign."""
        signers, height = self._view.tree.signers, self._view.tree.tip.height + 1
        if signers is None:
            return None
        names = standing_of(self._view.tree).names
        return ConsensusView(height, signers.members_at(height), names, self._view.consensus())

    def warnings(self) -> tuple[str, ...]:
        """What an operator should know; nothing while all is well."""
        signers, status = self._view.tree.signers, self._view.consensus()
        if signers is None:
            return ()
        second, left = signers.second_certificate, signers.left_branch
        told = [] if left is None else [left.text]
        told += [
            f"peers follow recovery {one.hash.hex()} behind block {one.height}, which this node's configuration does "
            "not name: if your bank agreed to it, start the node with --recovery and its file"
            for one in signers.unnamed
        ]
        if contradiction := self._view.sync.contradiction:
            told.append(
                f"what peers show contradicts the anchor: {contradiction}. Nothing is taken from them; if the nodes of "
                "all members show the same, the anchor is wrong: have one write it anew (`members list --export`)"
            )
        told += self._clock_warnings()
        if status is not None:
            return (*status.warnings(), *told)
        return (*(() if second is None else (second.text,)), *told)

    def _clock_warnings(self) -> list[str]:
        """As clocks were when the peers greeted us. A few that are wrong are theirs to mend."""
        offsets = [session.time_offset_s for session in self._view.sessions.values() if session.is_ready]
        limit = CONSENSUS_PROPOSAL_AHEAD_MAX_US // SECOND_US
        told: list[str] = []
        for where, sign in (("behind", 1), ("ahead of", -1)):
            found = sorted(sign * offset for offset in offsets if sign * offset > limit)
            if 2 * len(found) > len(offsets):
                told.append(
                    f"this computer's clock is {found[(len(found) - 1) // 2]} s {where} that of {len(found)} of "
                    f"{len(offsets)} peers, and no member votes for a block dated more than {limit} s ahead of its "
                    "own: set date and time right and start the node again"
                )
        return told
