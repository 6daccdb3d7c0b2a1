"""Amounts: JSON's grammar in ASCII, exact, and cheap whatever is written."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.encoding.numbers import AmountError, parse_coins, parse_fixed
from minicoin.core.units import COIN_SAT, MONEY_MAX_SAT, format_coins

NO_NUMBERS = [
    "1_0",
    "\uff11",
    "\u0661\u0660",
    "+1",
    " 1",
    "1 ",
    "1\n",
    "",
    "-",
    ".5",
    "1.",
    "01",
    "0x1",
    "1e",
    "1e+",
    "1,5",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "1d",
    "1__0",
    "0_1",
    "1e1_0",
    "1.0.0",
    "--1",
    "\u00bd",
    "1e\uff11",
]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_json_number_is_no_amount(text: str) -> None:
    with pytest.raises(AmountError, match=r"Invalid amount$"):
        parse_coins(text)


@pytest.mark.parametrize(
    "value",
    ["1e400", "1e99999999999999999999", "-1e400", "21000000.00000001", "-0.00000001", Decimal("1e400"), 10**400],
)
def test_what_no_wallet_can_hold_is_out_of_range(value: str | int | Decimal) -> None:
    with pytest.raises(AmountError, match="out of range"):
        parse_coins(value)


@pytest.mark.parametrize(
    "value", ["0.000000001", "1e-9", "1e-400", "1.0000000000000000000000000000000001", Decimal("1e-9")]
)
def test_more_than_eight_decimals_are_not_rounded_away(value: str | Decimal) -> None:
    with pytest.raises(AmountError, match="more than 8 decimals"):
        parse_coins(value)


@pytest.mark.parametrize(
    ("value", "sat"),
    [
        ("0", 0),
        ("-0", 0),
        ("0e999999", 0),
        ("1", COIN_SAT),
        ("1.5", 150_000_000),
        ("1e-8", 1),
        ("1E1", 10 * COIN_SAT),
        ("0.10000000000000000000000000000000000", 10_000_000),
        ("21000000", MONEY_MAX_SAT),
        (Decimal("0.1"), 10_000_000),
        (3, 3 * COIN_SAT),
    ],
)
def test_amounts(value: str | int | Decimal, sat: int) -> None:
    assert parse_coins(value) == sat


@pytest.mark.parametrize("value", [True, Decimal("NaN"), Decimal("Infinity")])
def test_what_is_no_finite_number_is_none(value: bool | Decimal) -> None:
    with pytest.raises(AmountError):
        parse_coins(value)


@given(st.integers(0, MONEY_MAX_SAT))
def test_every_amount_reads_back(sat: int) -> None:
    assert parse_coins(format_coins(sat)) == sat


@given(st.decimals(-100, 100, places=6), st.integers(0, 8))
def test_units_of_the_last_decimal(value: Decimal, decimals: int) -> None:
    exact = Fraction(value) * 10**decimals
    if exact.denominator == 1:
        assert parse_fixed(value, decimals) == parse_fixed(str(value), decimals) == exact
    else:
        with pytest.raises(AmountError):
            parse_fixed(value, decimals)
