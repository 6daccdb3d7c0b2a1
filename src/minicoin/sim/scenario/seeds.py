"""The seeds of a scenario: a number, a list of numbers, or ranges as text ("1..20", "1..5,9")."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

SEEDS_MAX: Final = 1_000_000
_ALLOWED: Final = 'allowed are a list of numbers ([1, 2, 7]) and a range ("1..20")'
_PIECE = re.compile(r"([0-9]{1,18})(?:\.\.([0-9]{1,18}))?")


def parse_seeds(value: object) -> object:
    """The seeds in the order given. Raises ValueError, which pydantic reports."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    if isinstance(value, str):
        seeds = tuple(_from_text(value))
    elif isinstance(value, (list, tuple)):
        seeds = tuple(_from_list(value))
    else:
        raise ValueError(f"{value!r} is no list of seeds; {_ALLOWED}")
    if not seeds:
        raise ValueError(f"there must be at least one seed; {_ALLOWED}")
    if len(dict.fromkeys(seeds)) != len(seeds):
        raise ValueError("a seed is given twice")
    return seeds


def _from_list(values: Sequence[object]) -> Iterator[int]:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
            raise ValueError(f"{value!r} is no seed, which is a whole number from 0; {_ALLOWED}")
        yield value


def _from_text(text: str) -> Iterator[int]:
    for piece in text.split(","):
        match = _PIECE.fullmatch(piece.strip())
        if match is None:
            raise ValueError(f"{piece.strip()!r} is no seed and no range; {_ALLOWED}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValueError(f"the range {piece.strip()!r} runs backwards")
        if last - first >= SEEDS_MAX:
            raise ValueError(f"the range {piece.strip()!r} has more than {SEEDS_MAX:,} seeds")
        yield from range(first, last + 1)


Seeds = Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(parse_seeds)]
"""A list of whole numbers, or a range as text: "1..20"."""
