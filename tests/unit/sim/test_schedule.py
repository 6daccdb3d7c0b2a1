"""The draws of mining: the engine's times and finders are the model's, and are what they are said to be."""

from itertools import accumulate

import pytest

from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.sim import draws
from minicoin.sim.model.network import finders, found_times
from minicoin.sim.model.parameters import Parameters
from minicoin.sim.schedule import MiningDraws

SEED = draws.seed64(Rng(bytes([1])))
BLOCKS = 2_000


@pytest.mark.parametrize("shares", [(), (0.5, 0.25, 0.25), (3.0, 0.0, 1.0)], ids=["equal", "shares", "one has none"])
def test_times_and_finders_are_the_models(shares: tuple[float, ...]) -> None:
    nodes = 5
    parameters = Parameters(block_bytes=1_000, interval_us=600 * SECOND_US, blocks=BLOCKS, hash_shares=shares)
    mining = MiningDraws(SEED, shares or (1.0,) * nodes)
    intervals = [mining.interval_us(number, 600 * SECOND_US) for number in range(BLOCKS)]
    assert [0, *accumulate(intervals)] == found_times(parameters, SEED).tolist()
    assert [-1, *(mining.miner(number) for number in range(BLOCKS))] == finders(parameters, nodes, SEED).tolist()


def test_intervals_are_exponential() -> None:
    mining = MiningDraws(SEED, (1.0,))
    intervals = sorted(mining.interval_us(number, 1_000_000) for number in range(BLOCKS))
    assert sum(intervals) / BLOCKS == pytest.approx(1_000_000, rel=0.07)
    # The median of an exponential is ln 2 of its mean.
    assert intervals[BLOCKS // 2] == pytest.approx(693_147, rel=0.1)


def test_who_has_more_hash_power_finds_more() -> None:
    mining = MiningDraws(SEED, (6.0, 3.0, 0.0, 1.0))
    found = [0] * 4
    for number in range(BLOCKS):
        found[mining.miner(number)] += 1
    assert found[2] == 0
    assert [count / BLOCKS for count in found] == pytest.approx([0.6, 0.3, 0.0, 0.1], abs=0.03)


def test_each_draw_stands_by_itself() -> None:
    forwards, backwards = MiningDraws(SEED, (1.0, 1.0)), MiningDraws(SEED, (1.0, 1.0))
    assert [forwards.miner(number) for number in range(50)] == [backwards.miner(n) for n in range(49, -1, -1)][::-1]
    other = MiningDraws(SEED + 1, (1.0, 1.0))
    assert [forwards.interval_us(n, 10**9) for n in range(5)] != [other.interval_us(n, 10**9) for n in range(5)]
