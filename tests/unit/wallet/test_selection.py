"""Coin selection against brute force."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.primitives.transaction import Outpoint, TxOut
from minicoin.core.wallet.keys import Chain, KeyPath
from minicoin.core.wallet.records import CoinState, WalletCoin
from minicoin.core.wallet.selection import make_candidates, select_exact, select_with_change


def make_coins(values: list[int]) -> list[WalletCoin]:
    return [
        WalletCoin(
            Outpoint(bytes([index]) * 36),
            TxOut(value, b""),
            KeyPath(Chain.RECEIVING, index),
            CoinState.CONFIRMED,
            1,
        )
        for index, value in enumerate(values)
    ]


VALUES = st.lists(st.integers(1, 60), min_size=1, max_size=9)


@given(VALUES, st.integers(1, 200), st.integers(0, 12))
def test_the_exact_search_finds_the_least_excess(values: list[int], target: int, excess_max: int) -> None:
    candidates = make_candidates(make_coins(values), 0)
    sums = [sum(part) for size in range(1, len(values) + 1) for part in combinations(values, size)]
    fitting = [total - target for total in sums if target <= total <= target + excess_max]
    found = select_exact(candidates, target, excess_max, len(candidates))
    if not fitting:
        assert found is None
    else:
        assert found is not None
        assert sum(coin.output.value for coin in found) - target == min(fitting)
        assert len({coin.outpoint for coin in found}) == len(found)


@given(VALUES, st.integers(1, 200))
def test_with_change_takes_one_coin_where_one_is_enough(values: list[int], target: int) -> None:
    found = select_with_change(make_candidates(make_coins(values), 0), target)
    enough = [value for value in values if value >= target]
    if enough:
        assert found is not None
        assert [coin.output.value for coin in found] == [min(enough)]
    elif sum(values) >= target:
        assert found is not None
        brought = [coin.output.value for coin in found]
        assert sum(brought) >= target > sum(brought[:-1])
        assert len({coin.outpoint for coin in found}) == len(found)
    else:
        assert found is None


def test_coins_that_cost_more_than_they_bring_are_left() -> None:
    candidates = make_candidates(make_coins([100, 10, 11]), 10)
    assert [(candidate.coin.output.value, candidate.effective_sat) for candidate in candidates] == [(100, 90), (11, 1)]


def test_many_equal_coins_end_within_the_step_limit() -> None:
    candidates = make_candidates(make_coins([7] * 250), 0)
    assert select_exact(candidates, 7 * 249 + 1, 0, 249) is None
    assert len(select_exact(candidates, 7 * 249, 0, 249) or []) == 249
    assert select_exact(candidates, 7 * 249, 0, 248) is None
