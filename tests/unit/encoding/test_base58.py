"""Base58: published pairs, round trips, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.encoding.base58 import decode_base58, decode_base58check, encode_base58, encode_base58check
from minicoin.core.faults import DecodeError


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("", ""),
        ("61", "2g"),
        ("626262", "a3gV"),
        ("73696d706c792061206c6f6e6720737472696e67", "2cFupjhnEsSn59qHXstmK2ffpLv2"),
        ("00eb15231dfceb60925886b67d065299925915aeb172c06647", "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"),
        ("00000000000000000000", "1111111111"),
    ],
)
def test_known_pairs(raw: str, text: str) -> None:
    assert encode_base58(bytes.fromhex(raw)) == text
    assert decode_base58(text) == bytes.fromhex(raw)


@given(st.binary(max_size=80))
def test_round_trip_with_and_without_checksum(payload: bytes) -> None:
    assert decode_base58(encode_base58(payload)) == payload
    assert decode_base58check(encode_base58check(payload)) == payload


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "2g ", "é", "1" * 513])
def test_foreign_letters_and_absurd_lengths_are_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        decode_base58(text)


@given(st.binary(min_size=1, max_size=40), st.data())
def test_one_wrong_letter_is_noticed(payload: bytes, data: st.DataObject) -> None:
    text = encode_base58check(payload)
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from([other for other in "123abcXYZ" if other != text[at]]))
    with pytest.raises(DecodeError, match="checksum"):
        decode_base58check(text[:at] + letter + text[at + 1 :])


def test_too_short_for_a_checksum() -> None:
    with pytest.raises(DecodeError, match="checksum"):
        decode_base58check("2g")
