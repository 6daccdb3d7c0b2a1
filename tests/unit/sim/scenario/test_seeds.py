"""Seeds as numbers, lists and ranges."""

import pytest

from minicoin.sim.scenario.seeds import parse_seeds


@pytest.mark.parametrize(
    ("value", "seeds"),
    [
        (7, (7,)),
        ([3, 1], (3, 1)),
        ("1..4", (1, 2, 3, 4)),
        ("5", (5,)),
        ("1..2, 9", (1, 2, 9)),
        ([0, (1 << 63) - 1], (0, (1 << 63) - 1)),
    ],
)
def test_forms(value: object, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(value) == seeds


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "at least one seed"),
        (-1, "-1 is no seed"),
        ([1 << 63], "is no seed"),
        ([True], "True is no seed"),
        (1.5, "1.5 is no list of seeds"),
        ("a", "'a' is no seed and no range"),
        ("3..1", "the range '3..1' runs backwards"),
        ("1..3,2", "a seed is given twice"),
        ("1..9999999", "has more than 1,000,000 seeds"),
    ],
)
def test_mistakes(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_seeds(value)
