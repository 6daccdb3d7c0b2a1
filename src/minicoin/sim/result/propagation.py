"""How items reached the nodes: percentiles, coverage, the distribution, and delays between regions.

Definitions, here and nowhere else. A *sample* is one (item, node) pair in which the node has the item; pairs of the
item's own maker, of attackers, and of nodes that were ABSENT do not count at all, nor do items that attackers made:
when those travel is their own choice. A pair that is NEVER is *missing*. Percentiles, coverage and the curve count the
same pairs, samples and missing ones together: "p90" is when 90 % of them had the item, and it is *not reached* (None)
where fewer ever did. Percentiles interpolate linearly and are rounded to whole microseconds.

- pooled: one percentile over all pairs of all items together, so every pair weighs the same.
- per item: the percentile over the pairs of each item, then the median over items, of which one that is not reached
  comes after all others. This is what SimBlock's and Gervais' figures are: over nodes per block, then over blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicoin.sim.measure.record import ABSENT, NEVER, NO_NODE, BlockRecord, FloatArray, IntArray, NodeRecord, RunRecord

PERCENTILES = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Microseconds; None: so many never had it."""

    p50_us: int | None
    p90_us: int | None
    p99_us: int | None


@dataclass(frozen=True, slots=True)
class Propagation:
    """How one kind of item reached the nodes; percentiles are None where nothing reached anybody."""

    items: int
    samples: int
    missing: int
    coverage: float
    """samples / (samples + missing); 1 when there was nobody to reach."""
    pooled: Percentiles | None
    per_item: Percentiles | None
    slowest_us: int | None


@dataclass(frozen=True, slots=True)
class ArrivalTimes:
    """The samples of one item, sorted, and how many nodes are missing."""

    item: int
    """Index of the block, transaction or record."""
    samples: IntArray
    missing: int


def block_spreads(record: RunRecord, blocks: Sequence[BlockRecord] | None = None) -> list[ArrivalTimes]:
    """The samples of each block that counts, in the order of the blocks (all of the record by default)."""
    chosen = record.blocks if blocks is None else blocks
    attackers = {node.index for node in record.nodes if node.is_attacker}
    return [
        _spread(block.index, block.arrivals, block.miner, record.nodes)
        for block in chosen
        if block.miner not in attackers
    ]


def transaction_spreads(record: RunRecord) -> list[ArrivalTimes]:
    """The samples of each sampled transaction that counts."""
    attackers = {node.index for node in record.nodes if node.is_attacker}
    return [
        _spread(tx.index, tx.arrivals, tx.sender, record.nodes)
        for tx in record.transactions
        if tx.sender not in attackers
    ]


def record_spreads(record: RunRecord) -> list[ArrivalTimes]:
    """The samples of each published record that counts."""
    attackers = {node.index for node in record.nodes if node.is_attacker}
    return [
        _spread(one.index, one.arrivals, one.publisher, record.nodes)
        for one in record.published
        if one.publisher not in attackers
    ]


def summarize_spreads(spreads: Sequence[ArrivalTimes]) -> Propagation:
    """Coverage and percentiles by the definitions above."""
    reached = [spread.samples for spread in spreads if spread.samples.size]
    missing = sum(spread.missing for spread in spreads)
    if not reached:
        return Propagation(len(spreads), 0, missing, 0.0 if missing else 1.0, None, None, None)
    pooled = np.concatenate(reached)
    per_item = np.array([_reached_at(spread.samples, spread.missing) for spread in spreads if _pairs(spread)])
    return Propagation(
        items=len(spreads),
        samples=int(pooled.size),
        missing=missing,
        coverage=float(pooled.size / (pooled.size + missing)),
        pooled=_percentiles(_reached_at(np.sort(pooled), missing)),
        per_item=_percentiles(_medians(per_item)),
        slowest_us=int(pooled.max()),
    )


def distribution(spreads: Sequence[ArrivalTimes], points: int) -> tuple[FloatArray, FloatArray]:
    """At most `points` points of the pooled distribution: times in us, and the share of all pairs that had the item
    by then. Missing pairs keep the share below 1."""
    reached = [spread.samples for spread in spreads if spread.samples.size]
    if not reached:
        return np.zeros(0), np.zeros(0)
    pooled = np.sort(np.concatenate(reached))
    total = pooled.size + sum(spread.missing for spread in spreads)
    ranks = np.unique(np.linspace(0, pooled.size - 1, min(points, pooled.size)).round().astype(np.int64))
    return pooled[ranks].astype(np.float64), (ranks + 1) / total


def region_names(record: RunRecord) -> list[str]:
    """Regions in the order in which nodes name them first."""
    return list(dict.fromkeys(node.region for node in record.nodes))


def region_medians(record: RunRecord) -> FloatArray:
    """Median delay in us from the miner's region (row) to the receiver's (column); NaN where there is no sample."""
    names = region_names(record)
    position = {name: index for index, name in enumerate(names)}
    honest = _honest(record.nodes)
    regions = np.array([position[node.region] for node in record.nodes], np.int64)
    found: list[list[list[IntArray]]] = [[[] for _ in names] for _ in names]
    for block in record.blocks:
        if block.miner == NO_NODE or not honest[block.miner]:
            continue
        arrivals = complete(block.arrivals, len(honest))
        counted = honest & (arrivals >= 0)
        counted[block.miner] = False
        for column in range(len(names)):
            found[regions[block.miner]][column].append(arrivals[counted & (regions == column)])
    table = np.full((len(names), len(names)), np.nan)
    for row, cells in enumerate(found):
        for column, parts in enumerate(cells):
            pooled = np.concatenate(parts) if parts else np.zeros(0, np.int64)
            if pooled.size:
                table[row, column] = np.median(pooled)
    return table


def complete(arrivals: IntArray, nodes: int) -> IntArray:
    """With an entry for every node; those that were left out were ABSENT."""
    return np.concatenate([arrivals, np.full(nodes - len(arrivals), ABSENT, np.int64)])


def _honest(nodes: Sequence[NodeRecord]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([not node.is_attacker for node in nodes], np.bool_)


def _spread(item: int, arrivals: IntArray, maker: int, nodes: Sequence[NodeRecord]) -> ArrivalTimes:
    # A model of a million nodes may leave out the node records; then all are honest.
    counted = _honest(nodes)[: len(arrivals)] if nodes else np.ones(len(arrivals), np.bool_)
    if maker != NO_NODE and maker < len(arrivals):
        counted[maker] = False
    kept = arrivals[counted]
    return ArrivalTimes(item, np.sort(kept[kept >= 0]), int(np.count_nonzero(kept == NEVER)))


def _pairs(spread: ArrivalTimes) -> int:
    return spread.samples.size + spread.missing


def _reached_at(samples: IntArray, missing: int) -> FloatArray:
    """When each percentage of samples and missing ones together was reached; infinite where it never was."""
    if not samples.size:
        return np.full(len(PERCENTILES), np.inf)
    # What is missing comes last. Its value does not matter: where it would count, the percentage is not reached.
    everything = np.concatenate([samples, np.full(missing, samples[-1], samples.dtype)])
    last_needed = np.ceil(np.array(PERCENTILES) / 100 * (everything.size - 1))
    found: FloatArray = np.where(last_needed < samples.size, np.percentile(everything, PERCENTILES), np.inf)
    return found


def _medians(rows: FloatArray) -> FloatArray:
    """Of each column; infinite where a value in the middle is."""
    ordered = np.sort(rows, axis=0)
    low, high = ordered[(len(rows) - 1) // 2], ordered[len(rows) // 2]
    middle: FloatArray = (low + high) / 2
    return middle


def _percentiles(values: FloatArray) -> Percentiles:
    p50, p90, p99 = (None if np.isinf(value) else round(float(value)) for value in values)
    return Percentiles(p50, p90, p99)
