"""The settings that validity depends on, height by height, as they follow from the changes that a chain carried.

1. A height's settings are those of the last change that holds there; what it does not name, and all before the first
   change, is what the network was founded with.
2. *Headers do not know.* Whoever reads headers in front of blocks has not seen their coinbases; so the header tree
   holds a header to what every setting allows (proof.py), and the engine holds each block to its height's. A header is
   certified by a quorum, whose members judged its whole block: whoever believes them that its payments are good, as a
   header-only node does, believes them this too, and a certified hash of the settings would come from the same quorum.
3. *What is not understood is not passed over.* A change may name a setting that this version does not know. A block may
   carry it, for a quorum signed it; no member of this version votes for such a block; and from the change's height on
   this version judges nothing any more: it stops there and says that it is to be updated, and a later version goes on.
"""

from typing import Final

from minicoin.core.chain.change_history import ChangeHistory
from minicoin.core.params.rules import SignersKind
from minicoin.core.params.settings import MIN_INTERVAL, SettingScope, problems, setting_problem
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.signers.settings import NONE_BEFORE, Settings, SettingsChange


class SettingsHistory(ChangeHistory[SettingsChange]):
    """From the founding settings on."""

    def __init__(self, founding: SignersKind) -> None:
        super().__init__(NONE_BEFORE, BlockReason.SETTINGS_CHANGE)
        self._min_interval_s: Final = founding.min_interval_s

    def settings_at(self, height: int) -> Settings:
        """What was set for a height, up to two above the tip; nothing is what the network was founded with."""
        carried = self.at(height)
        return () if carried is None else carried.change.settings

    def min_interval_s(self, height: int) -> int:
        """So long behind its parent the block of a height is dated, or later. Where that is not understood no block is
        judged (`require_understood`), and none is made that anybody takes."""
        text = dict(self.settings_at(height)).get(MIN_INTERVAL.name)
        if text is None or setting_problem(MIN_INTERVAL.name, text, SettingScope.CHAIN) is not None:
            return self._min_interval_s
        return MIN_INTERVAL.number(text)

    def require_understood(self, height: int) -> None:
        """Raises BlockRejected where this version cannot judge the block of a height."""
        unknown = problems(self.settings_at(height), SettingScope.CHAIN)
        if unknown:
            detail = f"{unknown[0]}, and the members set it for block {height}: update this program, and it goes on"
            raise BlockRejected(BlockReason.SETTINGS_UNKNOWN, detail, is_permanent=False)
