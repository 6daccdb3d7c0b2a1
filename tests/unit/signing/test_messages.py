"""A signature over a message holds for one key, in the form it is written in, and for one message."""

import pytest
from coincurve import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.crypto.hashing import hash160
from minicoin.core.signing.messages import sign_message, verify_message

SECRET, OTHER = (7).to_bytes(32, "big"), (8).to_bytes(32, "big")


def key_hash(secret: bytes, *, is_compressed: bool = True) -> bytes:
    return hash160(PrivateKey(secret).public_key.format(compressed=is_compressed))


@given(st.text(), st.booleans())
def test_who_signed_is_found(message: str, is_compressed: bool) -> None:
    signature = sign_message(SECRET, message, is_compressed=is_compressed)
    assert verify_message(key_hash(SECRET, is_compressed=is_compressed), signature, message)
    assert not verify_message(key_hash(SECRET, is_compressed=not is_compressed), signature, message)
    assert not verify_message(key_hash(OTHER, is_compressed=is_compressed), signature, message)
    assert not verify_message(key_hash(SECRET, is_compressed=is_compressed), signature, message + ".")


@given(st.binary(min_size=60, max_size=70))
def test_any_bytes_are_no_signature_and_no_error(signature: bytes) -> None:
    assert not verify_message(key_hash(SECRET), signature, "hello")


@pytest.mark.parametrize("size", [0, 64, 66])
def test_a_signature_has_65_bytes(size: int) -> None:
    signature = sign_message(SECRET, "hello", is_compressed=True)
    assert not verify_message(key_hash(SECRET), (signature + signature)[:size], "hello")
