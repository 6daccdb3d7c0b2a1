"""SHA-256d, HASH160 and tagged hashes (BIP340)."""

import hashlib
from functools import lru_cache
from hashlib import sha256


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
