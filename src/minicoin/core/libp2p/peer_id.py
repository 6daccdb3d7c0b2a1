"""Peer ids: the multihash of a public key, in text as base58 (12D3Koo..., Qm...) and as CIDv1.

Specification: libp2p/specs peer-ids; keys of up to 42 bytes stand in the id verbatim (the identity multihash).
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from minicoin.core.encoding.base58 import decode_base58, encode_base58
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.keys import PublicKey
from minicoin.core.libp2p.varint import encode_varint, read_varint

_IDENTITY: Final = 0x00
_SHA2_256: Final = 0x12
_SHA2_256_BYTES: Final = 32
_INLINE_KEY_BYTES_MAX: Final = 42
_CID_VERSION: Final = 1
_LIBP2P_KEY: Final = 0x72
_TEXT_LENGTH_MAX: Final = 128
_BASE36_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, order=True)
class PeerId:
    """Who a peer is. `multihash` is the binary form, the one that NodeAddress carries."""

    multihash: bytes

    def __post_init__(self) -> None:
        code, at = read_varint(self.multihash, 0)
        length, at = read_varint(self.multihash, at)
        if length != len(self.multihash) - at:
            raise DecodeError(f"peer id says {length} bytes and has {len(self.multihash) - at}")
        if not (code == _IDENTITY and 0 < length <= _INLINE_KEY_BYTES_MAX) and not (
            code == _SHA2_256 and length == _SHA2_256_BYTES
        ):
            raise DecodeError(f"peer id with hash {code:#x} of {length} bytes")

    @classmethod
    def of_key(cls, encoded_key: bytes) -> "PeerId":
        """The id of a public key, given as its PublicKey message."""
        if len(encoded_key) <= _INLINE_KEY_BYTES_MAX:
            return cls(bytes((_IDENTITY, len(encoded_key))) + encoded_key)
        return cls(bytes((_SHA2_256, _SHA2_256_BYTES)) + hashlib.sha256(encoded_key).digest())

    @classmethod
    def parse(cls, text: str) -> "PeerId":
        """Read base58 or CIDv1 (base32, base36 or base58). Raises DecodeError that says what is wrong."""
        if len(text) > _TEXT_LENGTH_MAX:
            raise DecodeError("peer id text too long")
        if text.startswith(("1", "Qm")):
            return cls(decode_base58(text))
        cid = _decode_multibase(text)
        version, at = read_varint(cid, 0)
        codec, at = read_varint(cid, at)
        if version != _CID_VERSION or codec != _LIBP2P_KEY:
            raise DecodeError(f"not a peer id: CID of version {version}, codec {codec:#x}")
        return cls(cid[at:])

    def __str__(self) -> str:
        return encode_base58(self.multihash)

    def to_cid(self) -> str:
        """CIDv1 in base32, for places that do not keep upper and lower case apart."""
        cid = encode_varint(_CID_VERSION) + encode_varint(_LIBP2P_KEY) + self.multihash
        return "b" + base64.b32encode(cid).decode().rstrip("=").lower()

    def public_key(self) -> PublicKey | None:
        """The key itself where the id holds it. Raises DecodeError when what it holds is not a key."""
        return PublicKey.decode(self.multihash[2:]) if self.multihash[0] == _IDENTITY else None


def _decode_multibase(text: str) -> bytes:
    """Raises DecodeError on an unknown base or a foreign letter."""
    base, digits = text[:1], text[1:]
    if base == "b":
        try:
            return base64.b32decode(digits.upper() + "=" * (-len(digits) % 8))
        except ValueError as error:
            raise DecodeError(f"not base32: {text!r}") from error
    if base == "z":
        return decode_base58(digits)
    if base == "k":
        number = 0
        for letter in digits:
            digit = _BASE36_ALPHABET.find(letter)
            if digit < 0:
                raise DecodeError(f"not a base36 letter: {letter!r}")
            number = number * 36 + digit
        zeros = len(digits) - len(digits.lstrip("0"))
        return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    raise DecodeError(f"not a peer id: {text!r}")
