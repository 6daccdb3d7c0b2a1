"""Hashes as people write them: hex with the bytes reversed."""

from minicoin.core.faults import DecodeError


def hash_to_hex(value: bytes) -> str:
    """The usual display form of a 32-byte hash."""
    return value[::-1].hex()


def hash_from_hex(text: str) -> bytes:
    """The 32 bytes behind a displayed hash. Raises DecodeError."""
    if len(text) != 64:
        raise DecodeError(f"a hash has 64 hex digits, this has {len(text)}")
    try:
        value = bytes.fromhex(text)[::-1]
    except ValueError as error:
        raise DecodeError(f"not a hexadecimal hash: {text!r}") from error
    # fromhex skips blanks, which would give a short hash.
    if len(value) != 32:
        raise DecodeError(f"not a hexadecimal hash: {text!r}")
    return value
