"""Changes that a chain's coinbases carried, of one kind: the member list's, or the settings'. What follows from them is
told by member_history and settings_history.

1. A change names the height from which it holds, and is carried two blocks earlier at the latest: so all who prepare
   that height know of it, and the certificate of the block between names the list that signs it.
2. One is pending from the block that carries it until its height, and meanwhile there is no other of its kind.
3. Versions rise by one, and each change names the one before it (the first what the network was founded with): a change
   that was carried once cannot be again, and of two drafts only one can be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.settings import SettingsChange

CARRIED_AHEAD_BLOCKS: Final = 2
"""So far in front of its height a change is carried, or farther."""

C = TypeVar("C", MemberChange, SettingsChange)


@dataclass(frozen=True, slots=True)
class CarriedChange(Generic[C]):
    """A change, and the block that carries it."""

    height: int
    block: BlockHash
    change: C


class ChangeHistory(Generic[C]):
    """Of the chain up to a tip, lowest first."""

    def __init__(self, first: bytes, reason: BlockReason) -> None:
        """`first` is what the first change names as the one before it; `reason` is said of one that does not follow."""
        self._first: Final = first
        self._reason: Final = reason
        self._carried: list[CarriedChange[C]] = []

    def carried(self) -> tuple[CarriedChange[C], ...]:
        """All changes, lowest first."""
        return tuple(self._carried)

    @property
    def next_version(self) -> int:
        """The version that the next change has."""
        return self._carried[-1].change.version + 1 if self._carried else 1

    @property
    def last_hash(self) -> bytes:
        """What the next change names as the one before it."""
        return self._carried[-1].change.hash if self._carried else self._first

    def pending(self, height: int) -> C | None:
        """The change that does not hold yet at `height`."""
        last = self._carried[-1].change if self._carried else None
        return last if last is not None and last.from_height > height else None

    def at(self, height: int) -> CarriedChange[C] | None:
        """What holds at a height, up to two above the tip; None for what the network was founded with."""
        found = (carried for carried in reversed(self._carried) if carried.change.from_height <= height)
        return next(found, None)

    def follows(self, change: C, height: int) -> bool:
        """Whether the block at `height`, or a later one, may carry it as far as those below are known."""
        is_next = change.version == self.next_version and change.previous == self.last_hash
        return is_next and change.from_height >= height + CARRIED_AHEAD_BLOCKS

    def check(self, change: C, height: int) -> None:
        """Whether the block at `height`, right behind those that are known, may carry the change; who signed it is
        looked at elsewhere. Raises BlockRejected."""
        pending = self.pending(height)
        if pending is not None:
            raise self._refused(f"version {pending.version} is pending until height {pending.from_height}")
        if change.version != self.next_version:
            raise self._refused(f"version {change.version}, expected {self.next_version}")
        if change.previous != self.last_hash:
            raise self._refused(f"it follows {change.previous.hex()}, and the last one is {self.last_hash.hex()}")
        if change.from_height < height + CARRIED_AHEAD_BLOCKS:
            raise self._refused(f"from height {change.from_height}, too late for block {height}")

    def load(self, carried: Iterable[CarriedChange[C]]) -> None:
        """What an earlier run met on the way to its tip, lowest first."""
        self._carried = list(carried)

    def append(self, carried: CarriedChange[C]) -> None:
        """A block that carries a change was connected."""
        self._carried.append(carried)

    def leave(self, block: BlockHash) -> None:
        """A block was disconnected."""
        if self._carried and self._carried[-1].block == block:
            self._carried.pop()

    def _refused(self, detail: str) -> BlockRejected:
        return BlockRejected(self._reason, detail)
