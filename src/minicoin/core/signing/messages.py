"""Messages signed with the key of a P2PKH address, as wallets have done since 2011: the proof that one holds the key.

A signature is 65 bytes: which of four keys it recovers to and whether that key is compressed, then r and s. The prefix
keeps a signed message from being a transaction.
"""

from typing import Final

from coincurve import PrivateKey, PublicKey

from minicoin.core.crypto.hashing import hash160, sha256d
from minicoin.core.encoding.compact import encode_compact

_PREFIX: Final = b"Bitcoin Signed Message:\n"
_SIGNATURE_BYTES: Final = 65
_HEADER: Final = 27
_COMPRESSED: Final = 4


def sign_message(secret: bytes, message: str, *, is_compressed: bool) -> bytes:
    """The signature that verify_message takes for the address of this key, in the form the key is written in."""
    made = bytes(PrivateKey(secret).sign_recoverable(_message_hash(message), hasher=None))
    return bytes((_HEADER + made[64] + _COMPRESSED * is_compressed,)) + made[:64]


def verify_message(key_hash: bytes, signature: bytes, message: str) -> bool:
    """Whether it was made with the key that has this hash, for this message."""
    if len(signature) != _SIGNATURE_BYTES:
        return False
    mark = (signature[0] - _HEADER) & 0xFF
    recoverable = signature[1:] + bytes((mark & 3,))
    try:
        key = PublicKey.from_signature_and_message(recoverable, _message_hash(message), hasher=None)
    except ValueError:
        return False
    return hash160(key.format(compressed=bool(mark & _COMPRESSED))) == key_hash


def _message_hash(message: str) -> bytes:
    body = message.encode()
    return sha256d(encode_compact(len(_PREFIX)) + _PREFIX + encode_compact(len(body)) + body)
