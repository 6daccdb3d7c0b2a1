"""The changes of the member list that a chain's coinbases carried, and the lists that follow from them.

The engine's side: what blocks say, against which it holds what certificates claim. A change names the height from which
its list signs; it is carried two blocks earlier at the latest, so that the certificate of the block between names the
list by its hash. One is pending from the block that carries it until its list signs, and meanwhile there is no other.
Versions rise by one, and each change names the one before it (the first the founding list): a change that was carried
once cannot be again, and of two drafts only one can be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.members import MemberList

CARRIED_AHEAD_BLOCKS: Final = 2
"""So far in front of its height a change is carried, or farther."""


@dataclass(frozen=True, slots=True)
class CarriedChange:
    """A change, and the block that carries it."""

    height: int
    block: BlockHash
    change: MemberChange


class MemberHistory:
    """Of the chain up to a tip, lowest first."""

    def __init__(self, founding: MemberList) -> None:
        self._founding: Final = founding
        self._carried: list[CarriedChange] = []

    def carried(self) -> tuple[CarriedChange, ...]:
        """All changes, lowest first."""
        return tuple(self._carried)

    @property
    def next_version(self) -> int:
        """The version that the next change has."""
        return self._carried[-1].change.version + 1 if self._carried else 1

    @property
    def last_hash(self) -> bytes:
        """What the next change names as the one before it."""
        return self._carried[-1].change.hash if self._carried else self._founding.hash

    def pending(self, height: int) -> MemberChange | None:
        """The change whose list does not sign yet at `height`."""
        last = self._carried[-1].change if self._carried else None
        return last if last is not None and last.from_height > height else None

    def members_at(self, height: int) -> MemberList:
        """Who signs a height, up to two above the tip."""
        changes = (carried.change for carried in reversed(self._carried))
        return next((change.members for change in changes if change.from_height <= height), self._founding)

    def check(self, change: MemberChange, height: int) -> None:
        """Whether the block at `height`, right behind those that are known, may carry the change; who signed it is
        looked at elsewhere. Raises BlockRejected."""
        pending = self.pending(height)
        if pending is not None:
            raise _refused(f"version {pending.version} is pending until height {pending.from_height}")
        if change.version != self.next_version:
            raise _refused(f"version {change.version}, expected {self.next_version}")
        if change.previous != self.last_hash:
            raise _refused(f"it follows {change.previous.hex()}, and the last one is {self.last_hash.hex()}")
        if change.from_height < height + CARRIED_AHEAD_BLOCKS:
            raise _refused(f"from height {change.from_height}, too late for block {height}")

    def load(self, carried: Iterable[CarriedChange]) -> None:
        """What an earlier run met on the way to its tip, lowest first."""
        self._carried = list(carried)

    def append(self, carried: CarriedChange) -> None:
        """A block that carries a change was connected."""
        self._carried.append(carried)

    def leave(self, block: BlockHash) -> None:
        """A block was disconnected."""
        if self._carried and self._carried[-1].block == block:
            self._carried.pop()


def _refused(detail: str) -> BlockRejected:
    return BlockRejected(BlockReason.MEMBER_CHANGE, detail)
