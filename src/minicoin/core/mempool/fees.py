"""Prices: the floor that rises when the mempool is full and decays afterwards, the histogram of what is offered, and an
estimate drawn from both and from recent blocks.

The floor is Bitcoin Core's rolling minimum fee. The estimate is a reading of the present, not a forecast: what one
would have to pay to stand before all but the next N blocks' worth of the mempool, and no less than recent full blocks
took. It knows nothing of transactions that arrive later.
"""

from bisect import bisect_right
from collections.abc import Iterator

from minicoin.core.limits import BLOCK_WEIGHT_MAX
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.outcomes import FeerateBucket
from minicoin.core.primitives.verdicts import BlockSummary
from minicoin.core.units import HOUR_US, SECOND_US, Micros

_HALF_LIFE_US = 12 * HOUR_US
_DECAY_STEP_US = 10 * SECOND_US
_BLOCK_VBYTES = BLOCK_WEIGHT_MAX // 4
_BLOCKS_REMEMBERED = 12
# A block this full left transactions out: its feerate was a price. An emptier one took whatever came.
_FULL_BLOCK_WEIGHT = BLOCK_WEIGHT_MAX * 9 // 10
_EDGES = (
    0,
    1_000,
    2_000,
    3_000,
    4_000,
    5_000,
    6_000,
    8_000,
    10_000,
    12_000,
    15_000,
    20_000,
    25_000,
    30_000,
    40_000,
    50_000,
    60_000,
    80_000,
    100_000,
    125_000,
    150_000,
    200_000,
    250_000,
    300_000,
    400_000,
    500_000,
    750_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
)


class FeeFloor:
    """The feerate below which nothing enters, raised by each eviction, halved every 12 hours or faster."""

    __slots__ = ("_decayed_at", "_feerate", "_has_block_since_rise", "_incremental")

    def __init__(self, incremental_feerate: int) -> None:
        self._incremental = incremental_feerate
        self._feerate = 0.0
        self._decayed_at = Micros(0)
        self._has_block_since_rise = False

    def raise_above(self, evicted_feerate: float) -> None:
        """A package of this feerate was evicted: the next one must pay for its own relay on top."""
        raised = evicted_feerate + self._incremental
        if raised > self._feerate:
            self._feerate = raised
            self._has_block_since_rise = False

    def on_block(self, now: Micros) -> None:
        """A block made room: from here on the floor decays."""
        self._has_block_since_rise = True
        self._decayed_at = now

    def current(self, now: Micros, fullness: float) -> int:
        """The floor at `now`; `fullness` is the used share of the mempool's bytes."""
        decayed = self._decayed(now, fullness)
        return max(round(decayed), self._incremental) if decayed and self._has_block_since_rise else round(decayed)

    def settle(self, now: Micros, fullness: float) -> None:
        """Book the decay until now, before the fullness that governs it changes."""
        if now > self._decayed_at + _DECAY_STEP_US:
            self._feerate = self._decayed(now, fullness)
            self._decayed_at = now

    def _decayed(self, now: Micros, fullness: float) -> float:
        if self._feerate == 0.0 or not self._has_block_since_rise or now <= self._decayed_at:
            return self._feerate
        half_life = _HALF_LIFE_US / (4 if fullness < 0.25 else 2 if fullness < 0.5 else 1)
        decayed: float = self._feerate / 2.0 ** ((now - self._decayed_at) / half_life)
        return 0.0 if decayed < self._incremental / 2 else decayed


class FeeStatistics:
    """Running histogram of the mempool by feerate, and what recent blocks took."""

    __slots__ = ("_block_feerates", "_counts", "_fees_sat", "_vbytes")

    def __init__(self) -> None:
        # By bucket; what is not there is zero.
        self._counts: dict[int, int] = {}
        self._vbytes: dict[int, int] = {}
        self._fees_sat: dict[int, int] = {}
        self._block_feerates: list[int | None] = []

    def add(self, entry: Entry, sign: int = 1) -> None:
        """Count an entry in, or out with sign -1."""
        bucket = bisect_right(_EDGES, entry.feerate) - 1
        self._counts[bucket] = self._counts.get(bucket, 0) + sign
        self._vbytes[bucket] = self._vbytes.get(bucket, 0) + sign * entry.vsize
        self._fees_sat[bucket] = self._fees_sat.get(bucket, 0) + sign * entry.fee_sat

    def on_block(self, summary: BlockSummary) -> None:
        """Remember what a connected block took per virtual byte, if it was full."""
        is_full = summary.weight >= _FULL_BLOCK_WEIGHT
        self._block_feerates.append(summary.fees_sat * 4_000 // summary.weight if is_full else None)
        del self._block_feerates[:-_BLOCKS_REMEMBERED]

    def histogram(self) -> tuple[FeerateBucket, ...]:
        """The buckets that hold something, cheapest first."""
        return tuple(
            FeerateBucket(_EDGES[i], self._counts[i], self._vbytes[i], self._fees_sat[i])
            for i in range(len(_EDGES))
            if self._counts.get(i)
        )

    def estimate(self, target_blocks: int, floor: int) -> int:
        """A feerate likely to be mined within `target_blocks` if the mempool stays as it is."""
        return max(floor, self._mempool_price(target_blocks), self._blocks_price())

    def _mempool_price(self, target_blocks: int) -> int:
        room = target_blocks * _BLOCK_VBYTES
        for i in reversed(range(len(_EDGES))):
            room -= self._vbytes.get(i, 0)
            if room < 0:
                return _EDGES[min(i + 1, len(_EDGES) - 1)]
        return 0

    def _blocks_price(self) -> int:
        prices = sorted(_prices(self._block_feerates))
        # Where most blocks had room to spare, a minimal fee was enough.
        if 2 * len(prices) <= len(self._block_feerates):
            return 0
        return prices[len(prices) // 2]


def _prices(feerates: list[int | None]) -> Iterator[int]:
    return (feerate for feerate in feerates if feerate is not None)
