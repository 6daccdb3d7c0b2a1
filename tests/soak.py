"""How often: under MINICOIN_SOAK (make soak) every random test that counts with `times` does ten times as much."""

import os

IS_SOAK = bool(os.environ.get("MINICOIN_SOAK"))
_FACTOR = 10


def times(count: int) -> int:
    """That many, or ten times as many."""
    return count * _FACTOR if IS_SOAK else count
