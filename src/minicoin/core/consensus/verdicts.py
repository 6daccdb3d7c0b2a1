"""Which blocks of a height are valid, as far as we were told, and for which we have asked.

A refusal is forgotten with its round, so that a block dated too far in front of our clock is looked at again; what is
valid on its parent stays so, whatever our clock says later. Blocks of rounds long past are forgotten, except valid ones
that bind us.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from minicoin.core.consensus.choice import Choice
from minicoin.core.limits import ROUNDS_KEPT_MAX
from minicoin.core.primitives.block import BlockHash


@dataclass(slots=True)
class _Verdict:
    round: int
    is_there: bool = False
    next_members: bytes | None = None


class Verdicts:
    """One for each block asked for; a round asks for two blocks at most."""

    def __init__(self) -> None:
        self._blocks: dict[BlockHash, _Verdict] = {}

    def know(self, choice: Choice, round_: int) -> None:
        """A block that was found valid elsewhere: our own, or one that binds us since before a start."""
        self._blocks[choice.block] = _Verdict(round_, True, choice.next_members)

    def asks(self, block: BlockHash, round_: int) -> bool:
        """Whether the verdict has to be asked for, which is then taken as done."""
        is_new = block not in self._blocks
        if is_new:
            self._blocks[block] = _Verdict(round_)
        return is_new

    def answer(self, block: BlockHash, next_members: bytes | None) -> None:
        """What was asked for; for nothing where nobody asks any more, or where the block is known to be valid: a start
        may have taken up since what binds us."""
        if block in self._blocks and self._blocks[block].next_members is None:
            self._blocks[block] = _Verdict(self._blocks[block].round, True, next_members)

    def allows(self, choice: Choice) -> bool | None:
        """Whether the block may follow and that list with it; None where the verdict is not there."""
        verdict = self._blocks.get(choice.block)
        return verdict.next_members == choice.next_members if verdict is not None and verdict.is_there else None

    def forget_before(self, round_: int, pinned: Iterable[BlockHash]) -> None:
        """A round begins."""
        kept = tuple(pinned)
        self._blocks = {
            block: one
            for block, one in self._blocks.items()
            if (one.next_members is not None or not one.is_there)
            and (block in kept or one.round >= round_ - ROUNDS_KEPT_MAX)
        }
