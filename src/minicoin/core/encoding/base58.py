"""Base58 and Base58Check, the text form of legacy addresses and keys. Bitcoin alphabet."""

import hashlib

from minicoin.core.faults import DecodeError

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = {letter: digit for digit, letter in enumerate(_ALPHABET)}
_TEXT_LENGTH_MAX = 512


def encode_base58(payload: bytes) -> str:
    """Leading zero bytes become leading ones."""
    number = int.from_bytes(payload, "big")
    letters: list[str] = []
    while number:
        number, digit = divmod(number, 58)
        letters.append(_ALPHABET[digit])
    zeros = len(payload) - len(payload.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(letters))


def decode_base58(text: str) -> bytes:
    """Raises DecodeError on a foreign letter or an absurd length."""
    if len(text) > _TEXT_LENGTH_MAX:
        raise DecodeError("base58 text too long")
    number = 0
    for letter in text:
        digit = _DIGITS.get(letter)
        if digit is None:
            raise DecodeError(f"not a base58 letter: {letter!r}")
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def encode_base58check(payload: bytes) -> str:
    """Base58 of payload and the first four bytes of its double SHA-256."""
    return encode_base58(payload + _checksum(payload))


def decode_base58check(text: str) -> bytes:
    """The payload. Raises DecodeError when the checksum does not match."""
    raw = decode_base58(text)
    if len(raw) < 4 or _checksum(raw[:-4]) != raw[-4:]:
        raise DecodeError("base58 checksum does not match")
    return raw[:-4]


def _checksum(payload: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
