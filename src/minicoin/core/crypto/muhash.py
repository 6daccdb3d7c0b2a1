"""MuHash3072: one hash for a set, that elements enter and leave in any order. Bitcoin Core's (crypto/muhash.h).

Each element becomes a number below 2**3072: 384 bytes of the ChaCha20 stream whose key is the element's SHA-256, read
little-endian. The set's number is the product of them modulo a prime, its hash the SHA-256 of that number's bytes.
"""

from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

_BYTES: Final = 384
_PRIME: Final = 2**3072 - 1_103_717
_ZEROS: Final = bytes(_BYTES)
_NONCE: Final = bytes(16)


class MuHash:
    """The empty set, until something enters."""

    def __init__(self) -> None:
        self._product = 1
        self._divisor = 1

    def add(self, element: bytes) -> None:
        """It enters."""
        self._product = self._product * _number(element) % _PRIME

    def remove(self, element: bytes) -> None:
        """It leaves."""
        self._divisor = self._divisor * _number(element) % _PRIME

    def digest(self) -> bytes:
        """The 32 bytes for the set as it is."""
        quotient = self._product * pow(self._divisor, -1, _PRIME) % _PRIME
        return sha256(quotient.to_bytes(_BYTES, "little")).digest()


def _number(element: bytes) -> int:
    stream = Cipher(ChaCha20(sha256(element).digest(), _NONCE), mode=None).encryptor()
    return int.from_bytes(stream.update(_ZEROS), "little")
