"""Units and identifier types that every part of the core shares. Owns no behaviour beyond conversions.

Time is integer microseconds since the Unix epoch (never going backwards); money is integer satoshi.
"""

from typing import Final, NewType

Micros = NewType("Micros", int)
"""A point in time: microseconds since the Unix epoch. Durations are plain ints with the suffix _us."""

ConnId = NewType("ConnId", int)
"""One connection of this node's life. The core numbers its dials evenly, the driver inbound ones oddly."""

RequestId = NewType("RequestId", int)
"""Names a command from outside, so that the Reply effect finds its asker."""

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US

COIN_DECIMALS: Final = 8
COIN_SAT: Final = 100_000_000
MONEY_MAX_SAT: Final = 21_000_000 * COIN_SAT


def seconds(now: Micros) -> int:
    """Unix time in whole seconds, as block headers and the wire count it."""
    return now // SECOND_US


def format_coins(sat: int) -> str:
    """Satoshi in coins, always with 8 decimals, as Bitcoin Core writes amounts."""
    coins, rest = divmod(abs(sat), COIN_SAT)
    return f"{'-' if sat < 0 else ''}{coins}.{rest:08d}"
