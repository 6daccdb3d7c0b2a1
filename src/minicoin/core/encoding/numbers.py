"""Amounts as text or exact decimals from outside, in JSON's grammar for numbers and in ASCII (RFC 8259, section 6).

Python's own parsers take more: 1_0 is ten to them, and so is the ten of any other script. Whoever types such a thing
did not mean a payment of ten coins. Nothing is rounded, and nothing is computed before its size is known.
"""

import re
from decimal import Decimal
from typing import Final

from minicoin.core.units import COIN_DECIMALS, MONEY_MAX_SAT

NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
# An exponent with more digits is out of any range, and Decimal would refuse it with another error.
_EXPONENT_DIGITS_MAX: Final = 6


class AmountError(ValueError):
    """No amount; the text says why."""


def parse_coins(value: str | int | Decimal) -> int:
    """Coins in satoshi. Raises AmountError."""
    sat = parse_fixed(value, COIN_DECIMALS)
    if not 0 <= sat <= MONEY_MAX_SAT:
        raise AmountError("Amount out of range")
    return sat


def parse_fixed(value: str | int | Decimal, decimals: int) -> int:
    """The value in units of its last decimal, at most 18 digits. Raises AmountError."""
    if isinstance(value, str):
        value = _parse(value)
    # A bool is an int to Python.
    if isinstance(value, bool):
        raise AmountError("Invalid amount")
    sign, digits, exponent = Decimal(value).as_tuple()
    if not isinstance(exponent, int):
        raise AmountError("Invalid amount")
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    shift = exponent + decimals + len(text) - len(kept)
    if not kept:
        return 0
    if shift < 0:
        raise AmountError(f"Invalid amount, more than {decimals} decimals")
    if len(kept) + shift > 18:
        raise AmountError("Amount out of range")
    whole = int(kept + "0" * shift)
    return -whole if sign else whole


def _parse(text: str) -> Decimal:
    if NUMBER.fullmatch(text) is None:
        raise AmountError("Invalid amount")
    exponent = text.lower().partition("e")[2].lstrip("+-").lstrip("0")
    if len(exponent) > _EXPONENT_DIGITS_MAX:
        raise AmountError("Amount out of range")
    return Decimal(text)
