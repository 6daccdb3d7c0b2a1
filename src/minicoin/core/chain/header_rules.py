"""What a header must be at its place: the rules that lean on the headers in front of it, and on the clock.

1. *Its proof fits its parent* (proof.py): the bits that are due, and a time that BIP94 allows.
2. *It is later than the median of the eleven in front of it*: no miner can turn the time back by himself.
3. *It is at most two hours in front of our clock.* That does not condemn it for good: clocks differ, and hours pass.
   What members certified is no later for our clock's sake.
4. *Its version says the rules that are buried by its height* (deployments.py).
5. *At a checkpoint's height it is the checkpoint.*

Reasons are those of Bitcoin Core's ContextualCheckBlockHeader. The header tree keeps all five. The engine asks 1, 2 and
4 of a block that was proposed to it, whose time is looked at by whoever votes.
"""

from collections.abc import Mapping

from minicoin.core.chain.deployments import RuleBook
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.proof import HeaderProof
from minicoin.core.limits import BLOCK_TIME_AHEAD_S
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.units import Micros, seconds


def check_child(header: BlockHeader, parent: HeaderNode, proof: HeaderProof) -> None:
    """Rules 1 and 2. Raises BlockRejected."""
    proof.check_child(header, parent)
    if header.time <= parent.median_time_past:
        raise BlockRejected(BlockReason.TIME_TOO_OLD, f"{header.time}, the median of 11 is {parent.median_time_past}")


def check_clock(header: BlockHeader, now: Micros) -> None:
    """Rule 3. Raises BlockRejected, which is not permanent."""
    if header.time > seconds(now) + BLOCK_TIME_AHEAD_S:
        raise BlockRejected(
            BlockReason.TIME_TOO_NEW, f"{header.time - seconds(now)} s ahead of our clock", is_permanent=False
        )


def check_version(header: BlockHeader, height: int, rules: RuleBook) -> None:
    """Rule 4. Raises BlockRejected."""
    minimum = rules.minimum_version(height)
    if header.version < minimum:
        raise BlockRejected(BlockReason.BAD_VERSION, f"{header.version} at height {height}, needs {minimum}")


def check_checkpoint(header: BlockHeader, height: int, checkpoints: Mapping[int, BlockHash]) -> None:
    """Rule 5. Raises BlockRejected."""
    checkpoint = checkpoints.get(height)
    if checkpoint is not None and checkpoint != header.hash:
        raise BlockRejected(BlockReason.CHECKPOINT, f"{header} at height {height}")
