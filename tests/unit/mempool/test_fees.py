"""Floor, histogram and estimate."""

import pytest

from minicoin.core.mempool.fees import FeeFloor, FeeStatistics
from minicoin.core.primitives.block import ZERO_HASH, BlockHeader
from minicoin.core.primitives.verdicts import BlockSummary
from minicoin.core.units import HOUR_US, Micros

T0 = Micros(1_700_000_000_000_000)


def block(weight, fees_sat):
    header = BlockHeader(4, ZERO_HASH, bytes(32), 0, 0, 0)
    return BlockSummary(header, 1, (), (), weight=weight, fees_sat=fees_sat)


@pytest.mark.parametrize(("fullness", "hours"), [(0.9, 12), (0.4, 6), (0.1, 3)])
def test_the_floor_halves_faster_in_an_emptier_pool(fullness, hours):
    floor = FeeFloor(1_000)
    floor.raise_above(15_000.0)
    assert floor.current(Micros(T0 + 99 * HOUR_US), fullness) == 16_000
    floor.on_block(T0)
    assert floor.current(Micros(T0 + hours * HOUR_US), fullness) == 8_000


def test_booked_decay_equals_decay_read_later():
    once, often = FeeFloor(1_000), FeeFloor(1_000)
    for floor in (once, often):
        floor.raise_above(50_000.0)
        floor.on_block(T0)
    for hour in range(1, 25):
        often.settle(Micros(T0 + hour * HOUR_US), 0.9)
    later = Micros(T0 + 24 * HOUR_US)
    assert often.current(later, 0.9) == pytest.approx(once.current(later, 0.9), abs=1)


def test_a_decayed_floor_ends_at_zero():
    floor = FeeFloor(1_000)
    floor.raise_above(1_000.0)
    floor.on_block(T0)
    assert floor.current(Micros(T0 + 13 * HOUR_US), 0.9) == 1_000
    assert floor.current(Micros(T0 + 30 * HOUR_US), 0.9) == 0
    floor.settle(Micros(T0 + 30 * HOUR_US), 0.9)
    assert floor.current(Micros(T0 + 30 * HOUR_US), 0.9) == 0


def test_an_empty_pool_costs_the_floor():
    assert FeeStatistics().estimate(2, 1_000) == 1_000


def test_full_blocks_set_a_price_empty_ones_do_not():
    statistics = FeeStatistics()
    for fees in (9_000_000, 5_000_000, 7_000_000):
        statistics.on_block(block(4_000_000, fees))
    assert statistics.estimate(2, 1_000) == 7_000
    for _ in range(3):
        statistics.on_block(block(100_000, 900_000))
    assert statistics.estimate(2, 1_000) == 1_000


def test_the_mempool_ahead_sets_a_price(world):
    assert world.pool.estimate_feerate(1, world.now) == 1_000
    statistics = FeeStatistics()
    entry = world.accept(world.spend([world.coin()], fee=1_400)).entry
    entry.vsize, entry.fee_sat = 600_000, 600_000 * 9
    statistics.add(entry)
    assert statistics.estimate(1, 1_000) == 1_000
    statistics.add(entry)
    # 1.2 MvB pay 8 to 10 sat/vB: to stand before them within a block, pay the bucket's upper edge.
    assert statistics.estimate(1, 1_000) == 10_000
    assert statistics.estimate(2, 1_000) == 1_000
    (bucket,) = statistics.histogram()
    assert (bucket.feerate, bucket.count, bucket.vbytes) == (8_000, 2, 1_200_000)
    statistics.add(entry, -1)
    statistics.add(entry, -1)
    assert statistics.histogram() == ()
