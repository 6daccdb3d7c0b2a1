"""SHA-256d, HASH160, tagged hashes (BIP340) and SipHash-2-4 (BIP152's short ids)."""

import hashlib
from functools import lru_cache
from hashlib import sha256

_MASK = (1 << 64) - 1


def sha256d(payload: bytes | memoryview) -> bytes:
    """Double SHA-256."""
    return sha256(sha256(payload).digest()).digest()


def hash160(payload: bytes) -> bytes:
    """RIPEMD-160 of SHA-256. Needs an OpenSSL that carries RIPEMD-160 (3.0.7 and later do)."""
    return hashlib.new("ripemd160", sha256(payload).digest()).digest()


@lru_cache(maxsize=64)
def _tag(tag: str) -> bytes:
    return sha256(tag.encode()).digest() * 2


def tagged_hash(tag: str, payload: bytes) -> bytes:
    """BIP340's domain-separated hash."""
    return sha256(_tag(tag) + payload).digest()


def siphash24(key: bytes, payload: bytes) -> int:
    """SipHash-2-4 with a 16-byte key; 64-bit result."""
    k0 = int.from_bytes(key[:8], "little")
    k1 = int.from_bytes(key[8:16], "little")
    v0, v1 = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D
    v2, v3 = k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573
    padded = payload + bytes(7 - len(payload) % 8) + bytes((len(payload) & 0xFF,))
    words = [int.from_bytes(padded[i : i + 8], "little") for i in range(0, len(padded), 8)]
    for word in [*words, None]:
        rounds = 2
        if word is None:
            v2 ^= 0xFF
            rounds = 4
        else:
            v3 ^= word
        for _ in range(rounds):
            v0 = (v0 + v1) & _MASK
            v1 = ((v1 << 13 | v1 >> 51) & _MASK) ^ v0
            v0 = (v0 << 32 | v0 >> 32) & _MASK
            v2 = (v2 + v3) & _MASK
            v3 = ((v3 << 16 | v3 >> 48) & _MASK) ^ v2
            v0 = (v0 + v3) & _MASK
            v3 = ((v3 << 21 | v3 >> 43) & _MASK) ^ v0
            v2 = (v2 + v1) & _MASK
            v1 = ((v1 << 17 | v1 >> 47) & _MASK) ^ v2
            v2 = (v2 << 32 | v2 >> 32) & _MASK
        if word is not None:
            v0 ^= word
    return v0 ^ v1 ^ v2 ^ v3
