"""Unsigned varints: the examples of multiformats/unsigned-varint, shortest forms only, pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.varint import decode_varint, encode_varint, read_protobuf_varint, read_varint


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(1, "01"), (127, "7f"), (128, "8001"), (255, "ff01"), (300, "ac02"), (16384, "808001")],
)
def test_published_examples(value: int, encoded: str) -> None:
    assert encode_varint(value).hex() == encoded
    assert read_varint(bytes.fromhex(encoded), 0) == (value, len(encoded) // 2)


@given(st.integers(0, 2**63 - 1), st.binary(max_size=3))
def test_survives_its_encoding(value: int, behind: bytes) -> None:
    encoded = encode_varint(value)
    assert read_varint(encoded + behind, 0) == (value, len(encoded))
    assert read_protobuf_varint(encoded + behind, 0) == (value, len(encoded))
    assert decode_varint(encoded[:-1]) is None


@pytest.mark.parametrize("encoded", ["8000", "ff00", "80" * 9, "ff" * 9 + "01"])
def test_refuses_long_and_not_shortest(encoded: str) -> None:
    with pytest.raises(DecodeError):
        read_varint(bytes.fromhex(encoded), 0)


def test_protobuf_allows_longer_forms_but_not_endless_ones() -> None:
    assert read_protobuf_varint(bytes.fromhex("8000"), 0) == (0, 2)
    assert read_protobuf_varint(b"\xff" * 9 + b"\x01", 0) == (2**64 - 1, 10)
    with pytest.raises(DecodeError, match="longer than 10"):
        read_protobuf_varint(b"\xff" * 11, 0)
    with pytest.raises(DecodeError, match="truncated"):
        read_protobuf_varint(b"\xff", 0)
