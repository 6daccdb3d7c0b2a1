"""Hashes in their display form."""

import pytest

from minicoin.core.encoding.hashes import hash_from_hex, hash_to_hex
from minicoin.core.faults import DecodeError


def test_display_form_is_reversed() -> None:
    raw = bytes(range(32))
    assert hash_to_hex(raw) == raw[::-1].hex()
    assert hash_from_hex(hash_to_hex(raw)) == raw
    assert hash_from_hex(hash_to_hex(raw).upper()) == raw


@pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "g" * 64, "00 " * 20 + "0000", "0" * 62 + "\u0660\u0660"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        hash_from_hex(text)
