"""CompactSize at the edges of its four lengths, and the forms that are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.encoding.compact import compact_length, decode_compact, encode_compact
from minicoin.core.faults import DecodeError


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        (0, "00"),
        (0xFC, "fc"),
        (0xFD, "fdfd00"),
        (0xFFFF, "fdffff"),
        (0x1_0000, "fe00000100"),
        (0xFFFF_FFFF, "feffffffff"),
        (0x1_0000_0000, "ff0000000001000000"),
        (2**64 - 1, "ff" + "ff" * 8),
    ],
)
def test_the_edges(value: int, raw: str) -> None:
    assert encode_compact(value) == bytes.fromhex(raw)
    assert decode_compact(bytes.fromhex(raw), 0) == (value, len(raw) // 2)


@given(st.integers(0, 2**64 - 1), st.binary(max_size=4), st.binary(max_size=4))
def test_round_trip_wherever_it_stands(value: int, before: bytes, behind: bytes) -> None:
    raw = encode_compact(value)
    assert len(raw) == compact_length(value)
    assert decode_compact(before + raw + behind, len(before)) == (value, len(before) + len(raw))


@pytest.mark.parametrize("raw", ["fdfc00", "fe0000ffff"[:2] + "ffff0000", "ffffffffff00000000"])
def test_longer_than_needed_is_refused(raw: str) -> None:
    with pytest.raises(DecodeError, match="non-minimal"):
        decode_compact(bytes.fromhex(raw), 0)


@pytest.mark.parametrize("raw", ["", "fd", "fdff", "feffffff", "ffffffffffffff"])
def test_a_cut_one_is_refused(raw: str) -> None:
    with pytest.raises(DecodeError, match="truncated"):
        decode_compact(bytes.fromhex(raw), 0)
