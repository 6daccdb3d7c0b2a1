"""What became of the blocks: stale ones, forks, and who earned the best chain.

A block is *stale* when it is not in the best chain at the end. A *fork* is a block with more than one child. Its
*depth* is the greatest number of blocks in a row in one of its side branches: 1 in an ordinary fork.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicoin.sim.measure.record import ABSENT, NO_NODE, NO_PARENT, BlockRecord, RunRecord
from minicoin.sim.result.propagation import complete


@dataclass(frozen=True, slots=True)
class Fork:
    """One parent with several children."""

    parent: int
    """Index of the block, or NO_PARENT."""
    children: tuple[int, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Earner:
    """A miner, or a group of them."""

    name: str
    hash_share: float
    found: int
    best: int
    """Blocks in the best chain."""
    revenue_share: float
    """best / all blocks of the best chain that were found while measuring."""


@dataclass(frozen=True, slots=True)
class Forks:
    """The blocks of a run in figures."""

    blocks: int
    stale: int
    stale_rate: float
    """stale / blocks."""
    forks: int
    deepest: int
    """Depth of the deepest fork; 0 without one."""
    mean_interval_us: int | None
    """Between the blocks found, stale ones included."""
    expected_stale_rate: float | None
    """From the measured delays instead of counted blocks: the mean over blocks of sum over nodes j of
    h_j (1 - e^(-t_j / T)), where t_j is the block's delay to j, h_j the hash share of j and T the mean interval.
    Far steadier than the count where forks are rare."""


def summarize_forks(record: RunRecord) -> Forks:
    """Figures over all blocks of the record."""
    blocks = record.blocks
    stale = sum(not block.is_best for block in blocks)
    found = find_forks(blocks)
    interval_us = _mean_interval_us(blocks)
    return Forks(
        blocks=len(blocks),
        stale=stale,
        stale_rate=stale / len(blocks) if blocks else 0.0,
        forks=len(found),
        deepest=max((fork.depth for fork in found), default=0),
        mean_interval_us=interval_us,
        expected_stale_rate=None if interval_us is None else expected_stale_rate(record, interval_us),
    )


def children_of(blocks: Sequence[BlockRecord]) -> dict[tuple[int, int], list[int]]:
    """Indices of blocks by (parent, height). Blocks whose parent was there before share one if their heights agree."""
    children: dict[tuple[int, int], list[int]] = {}
    for block in blocks:
        children.setdefault((block.parent, block.height), []).append(block.index)
    return children


def find_forks(blocks: Sequence[BlockRecord]) -> list[Fork]:
    """All forks in the order of their first child."""
    by_index = {block.index: block for block in blocks}
    lengths = _branch_lengths(blocks)
    found = []
    for (parent, _), siblings in children_of(blocks).items():
        if len(siblings) > 1:
            # The main branch is the best one, or else the longest: in a side branch that forks again, say.
            main = max(siblings, key=lambda index: (by_index[index].is_best, lengths[index]))
            depth = max(lengths[index] for index in siblings if index != main)
            found.append(Fork(parent, tuple(siblings), depth))
    return found


def expected_stale_rate(record: RunRecord, interval_us: int) -> float | None:
    """See Forks.expected_stale_rate; None where nothing says who has hash power. A delay that is NEVER counts as
    endless; attackers and their blocks are left out, since they do not mine by the rule that the formula assumes."""
    if not record.nodes:
        return None
    shares = np.array([0.0 if node.is_attacker else node.hash_share for node in record.nodes])
    attackers = {node.index for node in record.nodes if node.is_attacker}
    rates = []
    for block in record.blocks:
        if block.miner == NO_NODE or block.miner in attackers or not block.arrivals.size:
            continue
        arrivals = complete(block.arrivals, len(shares))
        lost = np.where(arrivals >= 0, -np.expm1(-arrivals / interval_us), 1.0)
        # Its own miner never competes with it, and who was down did not mine.
        lost[block.miner] = 0.0
        lost[arrivals == ABSENT] = 0.0
        rates.append(float(shares @ lost))
    return float(np.mean(rates)) if rates and shares.any() else None


def miners(record: RunRecord) -> list[Earner]:
    """Who found blocks, most first."""
    found: dict[int, list[BlockRecord]] = {}
    for block in record.blocks:
        if block.miner != NO_NODE:
            found.setdefault(block.miner, []).append(block)
    best_total = sum(block.is_best for block in record.blocks)
    named = {node.index: (node.name, node.hash_share) for node in record.nodes}
    earners = [
        _earner(*named.get(index, (str(index), 0.0)), blocks, best_total) for index, blocks in sorted(found.items())
    ]
    return sorted(earners, key=lambda earner: -earner.found)


def groups(record: RunRecord) -> list[Earner]:
    """The same by group of nodes, in the order of the nodes."""
    members: dict[str, list[int]] = {}
    for node in record.nodes:
        members.setdefault(node.group, []).append(node.index)
    group_of = {node.index: node.group for node in record.nodes}
    found: dict[str, list[BlockRecord]] = {}
    for block in record.blocks:
        if block.miner in group_of:
            found.setdefault(group_of[block.miner], []).append(block)
    best_total = sum(block.is_best for block in record.blocks)
    return [
        _earner(name, sum(record.nodes[index].hash_share for index in indices), found.get(name, []), best_total)
        for name, indices in members.items()
    ]


def _earner(name: str, hash_share: float, blocks: Sequence[BlockRecord], best_total: int) -> Earner:
    best = sum(block.is_best for block in blocks)
    return Earner(name, hash_share, len(blocks), best, best / best_total if best_total else 0.0)


def _branch_lengths(blocks: Sequence[BlockRecord]) -> dict[int, int]:
    """Of each block: blocks in the longest chain that begins with it."""
    lengths = {block.index: 1 for block in blocks}
    for block in sorted(blocks, key=lambda block: -block.height):
        if block.parent != NO_PARENT:
            lengths[block.parent] = max(lengths[block.parent], lengths[block.index] + 1)
    return lengths


def _mean_interval_us(blocks: Sequence[BlockRecord]) -> int | None:
    if len(blocks) < 2:
        return None
    times = [block.found_at_us for block in blocks]
    return max(1, round((max(times) - min(times)) / (len(times) - 1)))
