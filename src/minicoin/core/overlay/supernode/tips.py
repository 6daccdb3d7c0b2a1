"""Whether a super node's tip fits the chain we follow, which the other parents brought us as well.

A parent that lags keeps blocks from its leaves; one that names a tip of another branch, or one ahead that nobody ever
sees, has them follow what is not the chain with most work. One look may catch a moment at which a block is under way,
so a parent is doubted for what holds at two looks in a row.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

LAG_MAX: Final = 2
"""Blocks that may be under way."""
WINDOW: Final = 144
"""Blocks below our tip whose hashes are compared."""


class Doubt(StrEnum):
    """What is wrong with a parent."""

    LAGS = "its tip lags"
    CONTRADICTS = "its tip is of another branch"
    UNSEEN = "it names a tip that never came"
    SILENT = "it does not answer"


def doubt_of(height: int, tip: bytes, recent: Sequence[bytes], own_height: int) -> Doubt | None:
    """What is to be said of a parent that stands at `height` on `tip`. `recent` is our chain, newest first."""
    below = own_height - height
    if below < 0:
        return Doubt.UNSEEN if -below > LAG_MAX else None
    if below < len(recent) and recent[below] != tip:
        return Doubt.CONTRADICTS
    return Doubt.LAGS if below > LAG_MAX else None
