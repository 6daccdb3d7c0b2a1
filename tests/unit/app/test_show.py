from decimal import Decimal

import pytest

from minicoin.app.show import Table, counted, describe, error_line, tolerated, words

HASH = "60a330a5d80b93b43ed44282f253bebb36fc2afe493cc27480fe6a3f6d23176f"


def table() -> Table:
    made = Table(">height", "hash", "time (UTC)")
    made.add("7", HASH, "2026-01-01 00:00:00")
    made.add("103", HASH, "")
    return made


def test_columns_where_there_is_room() -> None:
    assert table().lines(None) == [
        f"height  {'hash':64}  time (UTC)",
        f"     7  {HASH}  2026-01-01 00:00:00",
        f"   103  {HASH}",
    ]
    assert table().lines(93) == table().lines(None)


@pytest.mark.parametrize("width", [92, 80, 60, 20])
def test_a_block_a_row_where_there_is_none(width: int) -> None:
    assert table().lines(width) == [
        "height      7",
        f"hash        {HASH}",
        "time (UTC)  2026-01-01 00:00:00",
        "",
        "height  103",
        f"hash    {HASH}",
    ]


def test_objects_for_people() -> None:
    found = {"a": True, "bc": Decimal("1E+1"), "none": None, "list": [], "in": {"hash": HASH, "height": 3}, "l": [1, 2]}
    assert describe(found).splitlines() == ["a   yes", "bc  10", f"in  hash {HASH}, height 3", "l   1, 2"]


def test_words() -> None:
    assert [counted(n, "file") for n in (0, 1, 2, 1234)] == ["0 files", "1 file", "2 files", "1,234 files"]
    assert counted(2, "entry", "entries") == "2 entries"


def test_who_may_lie_is_told_apart_from_who_may_be_down():
    assert tolerated(5, 4, 1) == "1 may lie or be down"
    assert tolerated(3, 2, 0) == "0 may lie, 1 may be down"
    assert tolerated(6, 4, 1) == "1 may lie, 2 may be down"
    assert error_line("Error: Node already added") == "error: Node already added"
    assert words(Decimal("0E-8")) == "0.00000000"
