"""What a node and the process that holds its member's keys say to each other, and the bytes.

A frame is its length u32 and so many bytes: a kind u8 and what belongs to it, integers little-endian. The signer speaks
first, and says its version, its network and its keys. Then the node asks, and each question is answered, in any order,
under the number that the node gave it. What is to be signed comes field by field, never as a hash: the signer makes the
hash itself, for its own network, under the tag of what it was asked for.

    1  held       version u8, network id 32, count u8, keys 32 each
    2  vote       number u32, key 32, the vote (core/signers/votes), the epoch
    3  greeting   number u32, key 32, the node's peer id and the other's, each with its length u8, the epoch
    4  statement  number u32, key 32, the tag with its length u8, the body
    5  signed     number u32, signature 64
    6  refused    number u32, the reason as UTF-8

The epoch is the hash of the recovery behind which is signed, and nothing where there is none (core/signers/recovery).
Another version begins with another number in `held`, and a node ends a connection whose version it does not know.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final, assert_never

from minicoin.core.faults import DecodeError
from minicoin.core.limits import SIGNER_FRAME_BYTES_MAX, SIGNER_REASON_BYTES_MAX, SIGNING_KEYS_MAX
from minicoin.core.signers.members import KEY_BYTES
from minicoin.core.signers.recovery import NO_RECOVERY
from minicoin.core.signers.statements import StatementKind
from minicoin.core.signers.votes import SIGNATURE_BYTES, VOTE_BYTES, Vote
from minicoin.core.wire.reader import Reader

SIGNER_VERSION: Final = 1

_LENGTH: Final = Struct("<I")
_NUMBER: Final = Struct("<I")
_NETWORK_ID_BYTES: Final = 32
_HELD, _VOTE, _GREETING, _STATEMENT, _SIGNED, _REFUSED = 1, 2, 3, 4, 5, 6


@dataclass(frozen=True, slots=True)
class KeysHeld:
    """The signer's first word."""

    network_id: bytes
    keys: tuple[bytes, ...]
    version: int = SIGNER_VERSION


@dataclass(frozen=True, slots=True)
class VoteAsked:
    """Sign this vote."""

    number: int
    key: bytes
    vote: Vote
    epoch: bytes = NO_RECOVERY


@dataclass(frozen=True, slots=True)
class GreetingAsked:
    """Sign that the node of this peer id signs with the key, for the other."""

    number: int
    key: bytes
    peer_id: bytes
    other: bytes
    epoch: bytes = NO_RECOVERY


@dataclass(frozen=True, slots=True)
class StatementAsked:
    """Sign a statement."""

    number: int
    key: bytes
    kind: StatementKind
    body: bytes


@dataclass(frozen=True, slots=True)
class SignatureGiven:
    """The signature."""

    number: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignatureRefused:
    """None, and why."""

    number: int
    reason: str


Asked = VoteAsked | GreetingAsked | StatementAsked
Answered = SignatureGiven | SignatureRefused
SignerFrame = KeysHeld | Asked | Answered


def encode_frame(frame: SignerFrame) -> bytes:
    """With its length."""
    body = _encode(frame)
    return _LENGTH.pack(len(body)) + body


def _encode(frame: SignerFrame) -> bytes:
    match frame:
        case KeysHeld(network_id, keys, version):
            return bytes((_HELD, version)) + network_id + bytes((len(keys),)) + b"".join(keys)
        case VoteAsked(number, key, vote, epoch):
            return _head(_VOTE, number) + key + vote.encode() + _epoch(epoch)
        case GreetingAsked(number, key, peer_id, other, epoch):
            return _head(_GREETING, number) + key + _short(peer_id) + _short(other) + _epoch(epoch)
        case StatementAsked(number, key, kind, body):
            return _head(_STATEMENT, number) + key + _short(kind.value.encode()) + body
        case SignatureGiven(number, signature):
            return _head(_SIGNED, number) + signature
        case SignatureRefused(number, reason):
            return _head(_REFUSED, number) + reason.encode()[:SIGNER_REASON_BYTES_MAX].decode(errors="ignore").encode()
        case _:
            assert_never(frame)


def _head(kind: int, number: int) -> bytes:
    return bytes((kind,)) + _NUMBER.pack(number)


def _short(octets: bytes) -> bytes:
    return bytes((len(octets),)) + octets


def decode_frame(body: bytes) -> SignerFrame:
    """A frame without its length. Raises DecodeError."""
    reader = Reader(body, "a signer's frame")
    kind = reader.take(1)[0]
    if kind == _HELD:
        frame: SignerFrame = _held(reader)
    else:
        (number,) = reader.unpack(_NUMBER)
        frame = _numbered(reader, kind, number)
    reader.end()
    return frame


def _held(reader: Reader) -> KeysHeld:
    version = reader.take(1)[0]
    if version != SIGNER_VERSION:
        raise DecodeError(f"it speaks version {version} of the signers' protocol, not {SIGNER_VERSION}")
    network_id = reader.take(_NETWORK_ID_BYTES)
    count = reader.take(1)[0]
    if not 1 <= count <= SIGNING_KEYS_MAX:
        raise DecodeError(f"a signer holds 1 to {SIGNING_KEYS_MAX} keys, not {count}")
    keys = tuple(reader.take(KEY_BYTES) for _ in range(count))
    if len(dict.fromkeys(keys)) != count:
        raise DecodeError("a signer names a key twice")
    return KeysHeld(network_id, keys)


def _numbered(reader: Reader, kind: int, number: int) -> SignerFrame:
    if kind == _VOTE:
        key, vote = reader.take(KEY_BYTES), Vote.decode(reader.take(VOTE_BYTES))
        return VoteAsked(number, key, vote, _take_epoch(reader))
    if kind == _GREETING:
        key, peer_id, other = reader.take(KEY_BYTES), _take_short(reader), _take_short(reader)
        return GreetingAsked(number, key, peer_id, other, _take_epoch(reader))
    if kind == _STATEMENT:
        key, tag = reader.take(KEY_BYTES), _take_short(reader)
        known = next((one for one in StatementKind if one.value.encode() == tag), None)
        if known is None:
            raise DecodeError("a statement of a kind that is not known here")
        return StatementAsked(number, key, known, reader.take(reader.remaining))
    if kind == _SIGNED:
        return SignatureGiven(number, reader.take(SIGNATURE_BYTES))
    if kind == _REFUSED:
        raw = reader.take(min(reader.remaining, SIGNER_REASON_BYTES_MAX))
        try:
            return SignatureRefused(number, raw.decode())
        except UnicodeDecodeError as error:
            raise DecodeError("a reason that is no text") from error
    raise DecodeError(f"a frame of kind {kind}")


def _epoch(epoch: bytes) -> bytes:
    return b"" if epoch == NO_RECOVERY else epoch


def _take_epoch(reader: Reader) -> bytes:
    if not reader.remaining:
        return NO_RECOVERY
    epoch = reader.take(len(NO_RECOVERY))
    if epoch == NO_RECOVERY:
        raise DecodeError("no recovery has one form, which is nothing")
    return epoch


def _take_short(reader: Reader) -> bytes:
    return reader.take(reader.take(1)[0])


class SignerFrameReader:
    """Bytes in, as they come; frames out. Holds one frame at the most, and what came behind it in the same read."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def has_begun(self) -> bool:
        """Whether a part of a frame is here."""
        return bool(self._buffer)

    def feed(self, octets: bytes) -> Iterator[SignerFrame]:
        """The frames that are complete now. Raises DecodeError: nothing that follows can be read then."""
        self._buffer += octets
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if not 1 <= length <= SIGNER_FRAME_BYTES_MAX:
                raise DecodeError(f"a frame has 1 to {SIGNER_FRAME_BYTES_MAX} bytes, not {length}")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield decode_frame(body)
