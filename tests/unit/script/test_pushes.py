"""Reading and writing pushes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.faults import DecodeError
from minicoin.core.script.pushes import (
    Operation,
    decode_number,
    encode_number,
    is_push_only,
    last_push,
    operations,
    parse_operations,
    push,
)


@pytest.mark.parametrize(
    ("length", "head"), [(2, "02"), (75, "4b"), (76, "4c4c"), (255, "4cff"), (256, "4d0001"), (65536, "4e00000100")]
)
def test_the_shortest_push(length: int, head: str) -> None:
    item = b"\x77" * length
    assert push(item) == bytes.fromhex(head) + item
    assert [operation.pushed for operation in operations(push(item))] == [item]


@pytest.mark.parametrize(("item", "script"), [(b"", "00"), (b"\x01", "51"), (b"\x10", "60"), (b"\x11", "0111")])
def test_small_numbers_push_by_opcode(item: bytes, script: str) -> None:
    assert push(item).hex() == script
    assert push(b"\x81").hex() == "4f"
    assert push(b"\x00").hex() == "0100"


@pytest.mark.parametrize("script", ["01", "4c", "4c05aabb", "4d05", "4d0500aa", "4e000000", "4eff000000aa"])
def test_a_push_over_the_end_is_refused(script: str) -> None:
    with pytest.raises(DecodeError):
        list(operations(bytes.fromhex(script)))
    assert parse_operations(bytes.fromhex(script)) is None
    assert not is_push_only(bytes.fromhex(script))
    assert last_push(bytes.fromhex(script)) is None


def test_operations_in_order() -> None:
    assert parse_operations(bytes.fromhex("76a90201025187")) == (
        Operation(0x76),
        Operation(0xA9),
        Operation(2, b"\1\2"),
        Operation(0x51),
        Operation(0x87),
    )


def test_push_only_counts_reserved_as_core_does() -> None:
    assert is_push_only(bytes.fromhex("00014f504f5160"))
    assert not is_push_only(b"\x61")


def test_last_push() -> None:
    assert last_push(b"") == b""
    assert last_push(b"\x51\x02ab") == b"ab"
    assert last_push(b"\x02ab\x51") == b""
    assert last_push(b"\x02ab\xac") is None


@given(st.integers(-(2**40), 2**40))
def test_numbers_round_trip(value: int) -> None:
    encoded = encode_number(value)
    assert decode_number(encoded) == value
    assert not encoded or encoded[-1] & 0x7F or (len(encoded) > 1 and encoded[-2] & 0x80)


@pytest.mark.parametrize(
    ("value", "item"), [(0, ""), (1, "01"), (-1, "81"), (127, "7f"), (128, "8000"), (-255, "ff80"), (256, "0001")]
)
def test_numbers(value: int, item: str) -> None:
    assert encode_number(value).hex() == item
    assert decode_number(bytes.fromhex(item)) == value
    assert decode_number(b"\x80") == 0
