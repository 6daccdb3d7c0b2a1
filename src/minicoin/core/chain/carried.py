"""All that a chain's coinbases changed: the member list and the settings, apart from each other.

Both threads have one of these: the engine's goes with the blocks that it connects, the header tree's follows it. As
bytes a change is what its coinbase pushes, tag and all: so the store keeps it, and so it crosses between the two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.chain.change_history import CarriedChange
from minicoin.core.chain.coinbase_tags import CoinbaseTags, decode_change
from minicoin.core.chain.member_history import MemberHistory, RecoveredList
from minicoin.core.chain.recoveries import Recoveries
from minicoin.core.chain.settings_history import SettingsHistory
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.changes import MemberChange


@dataclass(frozen=True, slots=True, order=True)
class StoredChange:
    """A change as a coinbase pushes it, and the block that carries it."""

    height: int
    block: BlockHash
    change: bytes


class Carried:
    """Of the chain up to a tip."""

    def __init__(self, founding: SignersKind, recoveries: Recoveries) -> None:
        self._founding: Final = founding
        self.members: Final = MemberHistory(founding.founding_list)
        self.settings: Final = SettingsHistory(founding)
        self._recoveries: Final = recoveries
        self.connected(0)

    def names_at(self, height: int) -> tuple[str, ...]:
        """What the members of a height are called, in the order of their keys."""
        carried = self.members.at(height)
        return self._founding.names if carried is None else carried.change.names

    def all_names(self) -> tuple[tuple[bytes, str], ...]:
        """(key, name) of whoever was a member as far as blocks are known; the latest name."""
        names = dict(zip(self._founding.members, self._founding.names, strict=True))
        for carried in self.members.carried():
            names.update(zip(carried.change.members.keys, carried.change.names, strict=True))
        return tuple(names.items())

    def all(self) -> tuple[StoredChange, ...]:
        """Every change, lowest first."""
        members = (
            (one.height, one.block, CoinbaseTags(change=one.change))
            for one in self.members.carried()
            if not isinstance(one.change, RecoveredList)
        )
        settings = ((one.height, one.block, CoinbaseTags(settings=one.change)) for one in self.settings.carried())
        stored = (
            StoredChange(height, block, change)
            for height, block, tags in (*members, *settings)
            for change in tags.changes()
        )
        return tuple(sorted(stored))

    def check(self, tags: CoinbaseTags, height: int) -> None:
        """Whether the block at `height`, right behind those that are known, may carry these. Raises BlockRejected."""
        if tags.change is not None:
            self.members.check(tags.change, height)
        if tags.settings is not None:
            self.settings.check(tags.settings, height)

    def load(self, changes: Iterable[StoredChange], tip_height: int) -> None:
        """What an earlier run met on the way to its tip, lowest first."""
        self.members.load(())
        self.settings.load(())
        waiting = [one for one in self._recoveries.named if one.height <= tip_height]
        for change in changes:
            while waiting and waiting[0].height < change.height:
                self.members.recover(waiting.pop(0))
            self.append(change)
        for recovery in waiting:
            self.members.recover(recovery)

    def append(self, stored: StoredChange) -> None:
        """A block that carries a change was connected."""
        change = decode_change(stored.change)
        if isinstance(change, MemberChange):
            self.members.append(CarriedChange(stored.height, stored.block, change))
        else:
            self.settings.append(CarriedChange(stored.height, stored.block, change))

    def connected(self, height: int) -> None:
        """The block of this height is the tip, and what it carries is here: recoveries that name it hold."""
        for recovery in self._recoveries.behind(height):
            self.members.recover(recovery)

    def leave(self, block: BlockHash) -> None:
        """A block was disconnected."""
        self.members.leave(block)
        self.settings.leave(block)
