"""Amounts as text and time in seconds."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.units import COIN_SAT, MONEY_MAX_SAT, Micros, format_coins, seconds


@given(st.integers(-MONEY_MAX_SAT, MONEY_MAX_SAT))
def test_amounts_have_eight_decimals_and_their_sign(sat: int) -> None:
    text = format_coins(sat)
    assert Decimal(text) * COIN_SAT == sat
    assert len(text.rpartition(".")[2]) == 8
    assert text.startswith("-") == (sat < 0)


def test_seconds_are_cut_off() -> None:
    assert seconds(Micros(1_999_999)) == 1
