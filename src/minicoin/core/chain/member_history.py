"""The lists of members that follow from the changes that a chain carried.

The engine's side: what blocks say, against which it holds what certificates claim.
"""

from typing import Final

from minicoin.core.chain.change_history import ChangeHistory
from minicoin.core.primitives.verdicts import BlockReason
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.members import MemberList


class MemberHistory(ChangeHistory[MemberChange]):
    """From the founding list on."""

    def __init__(self, founding: MemberList) -> None:
        super().__init__(founding.hash, BlockReason.MEMBER_CHANGE)
        self._founding: Final = founding

    def members_at(self, height: int) -> MemberList:
        """Who signs a height, up to two above the tip."""
        carried = self.at(height)
        return self._founding if carried is None else carried.change.members
