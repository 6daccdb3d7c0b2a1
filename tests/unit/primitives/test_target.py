"""Compact targets: Bitcoin Core's own cases, and what a hash has to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.primitives.target import bits_to_target, meets_target, target_to_bits, work_of_bits


@pytest.mark.parametrize(
    ("bits", "target"),
    [
        (0x00123456, None),
        (0x01003456, None),
        (0x01123456, 0x12),
        (0x02008000, 0x80),
        (0x05009234, 0x92340000),
        (0x04923456, None),
        (0x04123456, 0x12345600),
        (0x1D00FFFF, 0xFFFF << 208),
        (0x207FFFFF, 0x7FFFFF << 232),
        (0xFF123456, None),
        (0x01FEDCBA, None),
    ],
)
def test_known_forms(bits: int, target: int | None) -> None:
    assert bits_to_target(bits) == target


@given(st.integers(1, 2**256 - 1))
def test_the_compact_form_rounds_down_and_by_little(target: int) -> None:
    found = bits_to_target(target_to_bits(target))
    assert found is not None or target < 1 << 255
    if found is not None:
        assert found <= target
        assert target - found < max(1, target >> 15)


def test_the_sign_bit_is_never_set_by_a_large_byte() -> None:
    assert target_to_bits(0x80) == 0x02008000
    assert target_to_bits(0x12345600) == 0x04123456


def test_work_is_the_number_of_hashes_to_expect() -> None:
    assert work_of_bits(0x1D00FFFF) == 0x100010001
    assert work_of_bits(0x207FFFFF) == 2
    assert work_of_bits(0x00123456) == 0


def test_a_hash_is_read_from_its_end() -> None:
    assert meets_target(b"\1" + bytes(31), 1)
    assert not meets_target(bytes(31) + b"\1", 1 << 247)
    assert meets_target(bytes(31) + b"\1", 1 << 248)
