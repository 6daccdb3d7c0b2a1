"""The votes of the heights behind us, kept against those who signed them.

Two votes for one slot convict a member by themselves, whenever the second turns up. A forgotten lock does not: that
shows only from what else was said at its height, so all of it is kept for a while. In memory only.
"""

from collections.abc import Iterable
from typing import Final

from minicoin.core.limits import HEIGHTS_ARCHIVED_MAX, VOTES_ARCHIVED_MAX
from minicoin.core.signers.votes import SignedVote

_VOTES_PER_SLOT_MAX: Final = 2


class Archive:
    """Votes by height, the oldest heights going first; of each member's slot the first, and the one that convicts."""

    def __init__(self) -> None:
        self._heights: dict[int, dict[tuple[bytes, tuple[int, int, int]], tuple[bytes, ...]]] = {}
        self._count = 0

    def keep(self, votes: Iterable[SignedVote]) -> None:
        """What was counted of heights that are over."""
        for one in votes:
            self._put(one)
        while len(self._heights) > HEIGHTS_ARCHIVED_MAX or self._count > VOTES_ARCHIVED_MAX:
            gone = self._heights.pop(min(self._heights))
            self._count -= sum(len(raws) for raws in gone.values())

    def is_other(self, signed: SignedVote) -> bool:
        """Whether its member is known to have signed one other vote for the same slot. Its signature is not looked
        at."""
        known = self._heights.get(signed.vote.height, {}).get((signed.member, signed.vote.slot), ())
        return len(known) == 1 and SignedVote.decode(known[0]).vote != signed.vote

    def contradicted(self, signed: SignedVote) -> SignedVote | None:
        """What its member signed before for the same slot, if that was something else; told once."""
        known = self._heights.get(signed.vote.height, {}).get((signed.member, signed.vote.slot), ())
        return SignedVote.decode(known[0]) if len(known) == 1 and self._put(signed) else None

    def votes(self, height: int) -> list[SignedVote]:
        """All that is kept of a height."""
        return [SignedVote.decode(raw) for raws in self._heights.get(height, {}).values() for raw in raws]

    def _put(self, signed: SignedVote) -> bool:
        """Whether it was new."""
        slots = self._heights.setdefault(signed.vote.height, {})
        key, raw = (signed.member, signed.vote.slot), signed.encode()
        known = slots.get(key, ())
        is_new = raw not in known and len(known) < _VOTES_PER_SLOT_MAX
        if is_new:
            slots[key] = (*known, raw)
            self._count += 1
        return is_new
