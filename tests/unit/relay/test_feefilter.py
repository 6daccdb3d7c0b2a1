"""Rounding of the feerate we tell: steps as Bitcoin Core's, the floor as it is, never below it."""

from minicoin.core.relay.feefilter import FEEFILTER_NOTHING, round_feerate
from minicoin.core.rng import Rng


def test_the_highest_step_is_bitcoin_cores() -> None:
    assert FEEFILTER_NOTHING == 9_936_506
    assert round_feerate(FEEFILTER_NOTHING, 1_000, Rng(b"x")) == FEEFILTER_NOTHING


def test_the_floor_is_told_as_it_is() -> None:
    for feerate in (0, 999, 1_000):
        assert round_feerate(feerate, 1_000, Rng(b"x")) == 1_000


def test_above_it_neighbouring_steps_are_told_by_chance_down_twice_as_often() -> None:
    rng = Rng(b"steps")
    told = [round_feerate(3_000, 1_000, rng) for _ in range(3_000)]
    low, high = sorted(set(told))
    assert low < 3_000 < high < low * 1.1 + 2
    assert 0.6 < told.count(low) / len(told) < 0.73


def test_a_step_below_the_floor_is_lifted_to_it() -> None:
    rng = Rng(b"lift")
    assert min(round_feerate(1_001, 1_000, rng) for _ in range(100)) == 1_000
