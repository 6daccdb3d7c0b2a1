"""Blocks that were proposed and judged on the tip, so that deciding on one costs no second look.

The engine finds out all that connecting a block would, and takes it back: members vote for what is valid, not for what
looks so. What it found is remembered for a few blocks, since a block may be proposed again in a later round, and is
stored once it is decided. Their scripts count as verified. A verdict holds on its tip only.
"""

from dataclasses import dataclass, field
from typing import Final

from minicoin.core.chain.parsed_blocks import CheckedBlock
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.verdicts import InvalidBlock
from minicoin.core.signers.members import MemberList


@dataclass(frozen=True, slots=True)
class ProposalVerdict:
    """`refusal` is None where the block may be the next one; then `next_members` sign behind it."""

    refusal: InvalidBlock | None = None
    next_members: MemberList | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A block with what was found out of it; `checked` where it is valid."""

    block: RawBlock = field(repr=False)
    tip: BlockHash
    verdict: ProposalVerdict
    checked: CheckedBlock | None = field(default=None, repr=False)


class Proposals:
    """The last few. A hash commits to no witnesses, so that the bytes must be the same."""

    def __init__(self, capacity: int) -> None:
        self._capacity: Final = capacity
        self._known: dict[BlockHash, Proposal] = {}

    def __len__(self) -> int:
        return len(self._known)

    def put(self, proposal: Proposal) -> None:
        """Remember one; the oldest goes."""
        self._known.pop(proposal.block.hash, None)
        self._known[proposal.block.hash] = proposal
        if len(self._known) > self._capacity:
            del self._known[next(iter(self._known))]

    def verdict(self, block: RawBlock, tip: BlockHash) -> ProposalVerdict | None:
        """What was found of it on this tip."""
        known = self._known.get(block.hash)
        return known.verdict if known is not None and known.tip == tip and known.block.raw == block.raw else None

    def checked(self, block: RawBlock) -> CheckedBlock | None:
        """The block, if it was found valid: on its parent, as it names it."""
        known = self._known.get(block.hash)
        return known.checked if known is not None and known.block.raw == block.raw else None
