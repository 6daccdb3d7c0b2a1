"""The lists of members that follow from the changes that a chain carried, and from recoveries.

The engine's side: what blocks say, against which it holds what certificates claim. A recovery is a change that no block
carries: it holds behind the block that it names, has a version of its own, and takes the place of what was pending.
"""

from dataclasses import dataclass
from typing import Final

from minicoin.core.chain.change_history import CarriedChange, ChangeHistory
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import BlockReason
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.recovery import NO_RECOVERY, Recovery


@dataclass(frozen=True, slots=True)
class RecoveredList(MemberChange):
    """A recovery in its place among the changes."""

    recovery: bytes = NO_RECOVERY

    @property
    def hash(self) -> bytes:
        """What the next change names as the one before it."""
        return self.recovery


class MemberHistory(ChangeHistory[MemberChange]):
    """From the founding list on."""

    def __init__(self, founding: MemberList) -> None:
        super().__init__(founding.hash, BlockReason.MEMBER_CHANGE)
        self._founding: Final = founding

    def members_at(self, height: int) -> MemberList:
        """Who signs a height, up to two above the tip."""
        carried = self.at(height)
        return self._founding if carried is None else carried.change.members

    def recover(self, recovery: Recovery) -> None:
        """The block that it names was connected."""
        change = RecoveredList(
            self.next_version,
            recovery.height + 1,
            self.last_hash,
            recovery.members,
            recovery.names,
            tuple((one.member, one.signature) for one in recovery.signatures),
            recovery.hash,
        )
        self.append(CarriedChange(recovery.height, recovery.block, change))

    def leave(self, block: BlockHash) -> None:
        """A block was disconnected: its change goes, and recoveries behind it."""
        while self._carried and self._carried[-1].block == block:
            self._carried.pop()
