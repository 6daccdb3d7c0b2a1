"""The cursor's bounds: what is believed of a count, and what is blamed."""

import pytest

from minicoin.core.faults import DecodeError
from minicoin.core.wire.reader import Reader, TooManyItems


def test_a_count_above_the_most_is_told_apart_from_missing_bytes() -> None:
    with pytest.raises(TooManyItems, match="list of 3 items, at most 2 allowed"):
        Reader(b"\x03abc", "list").count(1, 2)
    with pytest.raises(DecodeError, match="more items than bytes") as caught:
        Reader(b"\x03ab", "list").count(1, 3)
    assert not isinstance(caught.value, TooManyItems)
    assert Reader(b"\x03abc", "list").count(1, 3) == 3


def test_what_is_left_over_is_refused() -> None:
    reader = Reader(b"abc", "text")
    assert reader.take(2) == b"ab"
    with pytest.raises(DecodeError, match="1 bytes behind text"):
        reader.end()
    reader.take(1)
    reader.end()
