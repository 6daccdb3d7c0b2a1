"""Public identity keys of remote peers: their protobuf form and the signatures they make.

Every key type of the specification verifies, whatever our own identity is. Primitives come from `cryptography`; sizes
are bounded before they reach it. Specification: libp2p/specs peer-ids.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256K1,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.protobuf import encode_bytes_field, encode_int_field, read_fields

# The bounds of go-libp2p: smaller keys are forgeable, larger ones cost too much to verify.
RSA_BITS_MIN: Final = 2_048
RSA_BITS_MAX: Final = 8_192
PUBLIC_KEY_BYTES_MAX: Final = 2_048

_ECDSA_CURVES: Final = (SECP256R1, SECP384R1, SECP521R1)

_Loaded = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey


class KeyType(IntEnum):
    """The key types of the specification, with their numbers there."""

    RSA = 0
    ED25519 = 1
    SECP256K1 = 2
    ECDSA = 3


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A usable public key and the exact bytes it came in, since the peer id hashes those."""

    type: KeyType
    encoded: bytes
    _key: _Loaded = field(repr=False, compare=False)

    @classmethod
    def decode(cls, encoded: bytes) -> "PublicKey":
        """Read the PublicKey message. Raises DecodeError on anything that is not a key we can verify with."""
        if len(encoded) > PUBLIC_KEY_BYTES_MAX:
            raise DecodeError(f"public key of {len(encoded)} bytes (at most {PUBLIC_KEY_BYTES_MAX})")
        key_type, key = read_key_message(encoded)
        try:
            return cls(key_type, encoded, _load(key_type, key))
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise DecodeError(f"not a {key_type.name} public key: {error}") from error

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Did this key sign `message`?"""
        try:
            match self._key:
                case Ed25519PublicKey():
                    self._key.verify(signature, message)
                case EllipticCurvePublicKey():
                    self._key.verify(signature, message, ECDSA(SHA256()))
                case RSAPublicKey():
                    self._key.verify(signature, message, PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


def read_key_message(encoded: bytes) -> tuple[KeyType, bytes]:
    """(type, key bytes) of a PublicKey or PrivateKey message. Raises DecodeError."""
    key_type: int | None = None
    key: bytes | None = None
    for part in read_fields(encoded):
        if part.number == 1:
            key_type = part.as_int()
        elif part.number == 2:
            key = part.as_bytes()
    if key_type is None or key is None:
        raise DecodeError("key message without type or key")
    try:
        return KeyType(key_type), key
    except ValueError as error:
        raise DecodeError(f"key type {key_type} is not supported") from error


def encode_key_message(key_type: KeyType, key: bytes) -> bytes:
    """A PublicKey or PrivateKey message; both have the same shape."""
    return encode_int_field(1, key_type) + encode_bytes_field(2, key)


def _load(key_type: KeyType, key: bytes) -> _Loaded:
    """Raises ValueError or UnsupportedAlgorithm."""
    if key_type is KeyType.ED25519:
        return Ed25519PublicKey.from_public_bytes(key)
    if key_type is KeyType.SECP256K1:
        return EllipticCurvePublicKey.from_encoded_point(SECP256K1(), key)
    loaded = load_der_public_key(key)
    if key_type is KeyType.RSA:
        if not isinstance(loaded, RSAPublicKey):
            raise ValueError("another kind of key inside")
        if not RSA_BITS_MIN <= loaded.key_size <= RSA_BITS_MAX:
            raise ValueError(f"{loaded.key_size} bits (allowed: {RSA_BITS_MIN} to {RSA_BITS_MAX})")
        return loaded
    if not isinstance(loaded, EllipticCurvePublicKey) or not isinstance(loaded.curve, _ECDSA_CURVES):
        raise ValueError("another kind of key or curve inside")
    return loaded
