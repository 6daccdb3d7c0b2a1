"""The protobuf reader and writers."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.protobuf import FIELDS_MAX, Field, encode_bytes_field, encode_int_field, read_fields

values = st.one_of(st.integers(0, 2**63 - 1), st.binary(max_size=40))


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), values), max_size=20))
def test_fields_survive(fields: list[tuple[int, int | bytes]]) -> None:
    message = b"".join(
        encode_int_field(number, value) if isinstance(value, int) else encode_bytes_field(number, value)
        for number, value in fields
    )
    assert read_fields(message) == [Field(number, value) for number, value in fields]


def test_fixed_width_fields_are_skipped() -> None:
    message = bytes.fromhex("09") + bytes(8) + bytes.fromhex("15") + bytes(4) + encode_int_field(3, 7)
    assert read_fields(message) == [Field(3, 7)]


@pytest.mark.parametrize(
    "message",
    ["0a", "0a05aabb", "00", "0b", "0c", "0f", "09aa", "0aff", "0affffffffffffffffff01", "ffffffffffffffffffff01"],
)
def test_refuses_malformed(message: str) -> None:
    with pytest.raises(DecodeError):
        read_fields(bytes.fromhex(message))


def test_number_of_fields_is_bounded() -> None:
    assert len(read_fields(encode_int_field(1, 0) * FIELDS_MAX)) == FIELDS_MAX
    with pytest.raises(DecodeError, match="fields"):
        read_fields(encode_int_field(1, 0) * (FIELDS_MAX + 1))


def test_values_of_the_wrong_kind() -> None:
    with pytest.raises(DecodeError, match="number"):
        Field(1, 5).as_bytes()
    with pytest.raises(DecodeError, match="bytes"):
        Field(1, b"").as_int()
    with pytest.raises(DecodeError, match="UTF-8"):
        Field(1, b"\xff").as_text()
    assert Field(1, "ä".encode()).as_text() == "ä"


@given(st.binary(max_size=64))
def test_any_bytes_decode_or_are_refused(message: bytes) -> None:
    with contextlib.suppress(DecodeError):
        read_fields(message)
