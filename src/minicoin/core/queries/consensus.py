"""What outside may read of a consortium: who signs the next block, where the rounds are, what holds a block up."""

from dataclasses import dataclass

from minicoin.core.consensus.status import ConsensusStatus
from minicoin.core.members.proposing import standing_of
from minicoin.core.signers.members import MemberList
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
        if status is not None:
            return (*status.warnings(), *told)
        return (*(() if second is None else (second.text,)), *told)
