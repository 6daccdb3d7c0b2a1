"""A node's own identity: the private key that signs, its public key message and its peer id.

New identities are Ed25519. Key files of go- and js-libp2p (the PrivateKey message, as bytes or as base64 text) are
read with every key type of the specification (libp2p/specs peer-ids); storing the file is the app's.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256K1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.keys import KeyType, PublicKey, encode_key_message, read_key_message
from minicoin.core.libp2p.peer_id import PeerId

SEED_BYTES: Final = 32
KEY_FILE_BYTES_MAX: Final = 16_384
_SECP256K1_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
_SEED_PURPOSE: Final = b"minicoin identity seed "

_Signer = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are. Never leaves the process except through `private_message`."""

    public_key: bytes
    """The PublicKey message, as it travels."""
    peer_id: PeerId
    private_message: bytes = field(repr=False)
    """The PrivateKey message: what an identity file holds."""
    _signer: _Signer = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> "Identity":
        """The Ed25519 identity of a 32-byte secret."""
        signer = Ed25519PrivateKey.from_private_bytes(seed)
        public = signer.public_key().public_bytes_raw()
        return _assemble(KeyType.ED25519, public, seed + public, signer)

    @classmethod
    def from_number(cls, number: int) -> "Identity":
        """The identity of a small number, for laboratories and tests: anybody who knows the number can be this peer."""
        return cls.from_seed(hashlib.sha256(_SEED_PURPOSE + str(number).encode()).digest())

    @classmethod
    def decode(cls, message: bytes) -> "Identity":
        """Read a PrivateKey message. Raises DecodeError that says what is wrong."""
        key_type, key = read_key_message(message)
        if key_type is KeyType.ED25519:
            return cls.from_seed(_ed25519_seed(key))
        try:
            if key_type is KeyType.SECP256K1:
                return _secp256k1(key)
            return _from_der(key_type, key)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise DecodeError(f"not a {key_type.name} private key: {error}") from error

    @classmethod
    def read_key_file(cls, content: bytes) -> "Identity":
        """Read what go-libp2p, js-libp2p or we wrote: the PrivateKey message as bytes or as base64 text."""
        if len(content) > KEY_FILE_BYTES_MAX:
            raise DecodeError(f"key file of {len(content)} bytes (at most {KEY_FILE_BYTES_MAX})")
        try:
            text = content.decode("ascii").strip()
            # js writes multibase, whose "m" means base64; the message itself never begins with that letter.
            text = text.removeprefix("m")
            message = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (UnicodeDecodeError, binascii.Error):
            message = content
        return cls.decode(message)

    def sign(self, message: bytes) -> bytes:
        """A signature that the public key verifies, in the form of the specification."""
        match self._signer:
            case Ed25519PrivateKey():
                return self._signer.sign(message)
            case EllipticCurvePrivateKey():
                signature = self._signer.sign(message, ECDSA(SHA256()))
                return _low_s(signature) if isinstance(self._signer.curve, SECP256K1) else signature
            case RSAPrivateKey():
                return self._signer.sign(message, PKCS1v15(), SHA256())


def _assemble(key_type: KeyType, public: bytes, private: bytes, signer: _Signer) -> Identity:
    public_key = encode_key_message(key_type, public)
    PublicKey.decode(public_key)
    return Identity(public_key, PeerId.of_key(public_key), encode_key_message(key_type, private), signer)


def _ed25519_seed(key: bytes) -> bytes:
    """The secret of [private][public], or of the older [private][public][public]."""
    if len(key) == 96 and key[32:64] == key[64:]:
        key = key[:64]
    if len(key) != 64:
        raise DecodeError(f"Ed25519 private key of {len(key)} bytes (expected 64)")
    public = Ed25519PrivateKey.from_private_bytes(key[:32]).public_key().public_bytes_raw()
    if public != key[32:]:
        raise DecodeError("Ed25519 private key does not belong to its public key")
    return key[:32]


def _low_s(signature: bytes) -> bytes:
    """BIP62: of the two values of s that verify, the lower. js-libp2p refuses the other."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, _SECP256K1_ORDER - s))


def _secp256k1(key: bytes) -> Identity:
    if len(key) != 32:
        raise ValueError(f"{len(key)} bytes (expected 32)")
    signer = derive_private_key(int.from_bytes(key, "big"), SECP256K1())
    public = signer.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return _assemble(KeyType.SECP256K1, public, key, signer)


def _from_der(key_type: KeyType, key: bytes) -> Identity:
    signer = load_der_private_key(key, password=None)
    wanted = RSAPrivateKey if key_type is KeyType.RSA else EllipticCurvePrivateKey
    if not isinstance(signer, RSAPrivateKey | EllipticCurvePrivateKey) or not isinstance(signer, wanted):
        raise ValueError("another kind of key inside")
    public = signer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _assemble(key_type, public, key, signer)
