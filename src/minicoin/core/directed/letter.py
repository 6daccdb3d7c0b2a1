"""A letter and its receipt: what is signed, by whom, and what makes two letters the same one.

The hash covers sender, addressee, id and text, so a repeat has the hash of the letter it repeats, whenever it is
written. The signature covers the hash and when it was written: what is older than LETTER_AGE_MAX_S is not taken any
more, which bounds how long anybody must remember what it has seen. Both begin with a purpose and the network's id, so
that no signature of another kind or network means anything here.
"""

from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError, MisuseError, PeerFault
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.keys import PUBLIC_KEY_BYTES_MAX, PublicKey
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import LETTER_AGE_MAX_S, LETTER_TEXT_BYTES_MAX
from minicoin.core.units import Micros, seconds
from minicoin.core.wire.reader import Reader

LETTER_ID_BYTES: Final = 16
HASH_BYTES: Final = 32
# An identity multihash of the longest key that stands in an id.
TARGET_BYTES_MAX: Final = 44
# RSA's, of the largest key that is taken.
LETTER_SIGNATURE_BYTES_MAX: Final = 1_024
LETTER_BYTES_MAX: Final = (
    3 + PUBLIC_KEY_BYTES_MAX + 1 + TARGET_BYTES_MAX + LETTER_ID_BYTES + 8 + 3 + LETTER_TEXT_BYTES_MAX
) + (3 + LETTER_SIGNATURE_BYTES_MAX)

_WRITTEN: Final = Struct("<Q")
_PURPOSE_HASH: Final = b"minicoin letter"
_PURPOSE_SENT: Final = b"minicoin letter sent"
_PURPOSE_RECEIVED: Final = b"minicoin letter received"
# Of these a terminal makes movements, colours, or another order of reading; which others are printable differs between
# versions of Unicode, and two nodes must not.
_UNFIT: Final = frozenset(
    chr(code)
    for first, last in ((0, 0x1F), (0x7F, 0x9F), (0x2028, 0x202E), (0x2066, 0x2069), (0xD800, 0xDFFF))
    for code in range(first, last + 1)
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A signed line of text to one peer."""

    sender_key: bytes
    """The PublicKey message of libp2p; the sender's peer id is that of this key."""
    target: bytes
    """The addressee's peer id, as its multihash."""
    letter_id: bytes
    written_s: int
    """By the sender's clock, in Unix seconds."""
    text: str
    signature: bytes

    @property
    def sender(self) -> bytes:
        """Its peer id, as a multihash."""
        return PeerId.of_key(self.sender_key).multihash

    def encode(self) -> bytes:
        """As it travels and is kept."""
        text = self.text.encode()
        return b"".join(
            (
                encode_compact(len(self.sender_key)),
                self.sender_key,
                encode_compact(len(self.target)),
                self.target,
                self.letter_id,
                _WRITTEN.pack(self.written_s),
                encode_compact(len(text)),
                text,
                encode_compact(len(self.signature)),
                self.signature,
            )
        )


def read_letter(reader: Reader) -> Letter:
    """What encode() gave. Raises DecodeError; whether it is forged is check_letter's."""
    key = reader.var_bytes(PUBLIC_KEY_BYTES_MAX)
    target = PeerId(reader.var_bytes(TARGET_BYTES_MAX)).multihash
    letter_id = reader.take(LETTER_ID_BYTES)
    (written_s,) = reader.unpack(_WRITTEN)
    raw = reader.var_bytes(LETTER_TEXT_BYTES_MAX)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise DecodeError("a letter's text is not UTF-8") from error
    problem = find_text_problem(text)
    if problem:
        raise DecodeError(problem)
    return Letter(key, target, letter_id, written_s, text, reader.var_bytes(LETTER_SIGNATURE_BYTES_MAX))


def find_text_problem(text: str) -> str:
    """Why this is no text for a letter; empty where it is."""
    if not text:
        return "a letter's text is empty"
    if not _UNFIT.isdisjoint(text):
        return "a letter's text is one line without control characters"
    size = len(text.encode())
    if size > LETTER_TEXT_BYTES_MAX:
        return f"a letter's text of {size} bytes, at most {LETTER_TEXT_BYTES_MAX} allowed"
    return ""


# --- what is signed ---


def hash_of(letter: Letter, network_id: bytes) -> bytes:
    """What names the letter: equal for a repeat, different for anything else."""
    return _hash(network_id, letter.sender, letter.target, letter.letter_id, letter.text)


def _hash(network_id: bytes, sender: bytes, target: bytes, letter_id: bytes, text: str) -> bytes:
    fields = (_PURPOSE_HASH, network_id, sender, target, letter_id, text.encode())
    return sha256(b"".join(encode_compact(len(one)) + one for one in fields)).digest()


def _sent(network_id: bytes, hash_: bytes, written_s: int) -> bytes:
    return _PURPOSE_SENT + network_id + hash_ + _WRITTEN.pack(written_s)


def _received(network_id: bytes, letter_id: bytes, hash_: bytes) -> bytes:
    return _PURPOSE_RECEIVED + network_id + letter_id + hash_


def write_letter(
    identity: Identity, network_id: bytes, *, target: bytes, letter_id: bytes, text: str, now: Micros
) -> Letter:
    """One of ours. Raises MisuseError for a text or an id that no letter has."""
    problem = find_text_problem(text)
    if problem:
        raise MisuseError(problem)
    if len(letter_id) != LETTER_ID_BYTES:
        raise MisuseError(f"a letter's id of {len(letter_id)} bytes, {LETTER_ID_BYTES} expected")
    written_s = seconds(now)
    hash_ = _hash(network_id, identity.peer_id.multihash, target, letter_id, text)
    signature = identity.sign(_sent(network_id, hash_, written_s))
    return Letter(identity.public_key, target, letter_id, written_s, text, signature)


def is_in_time(letter: Letter, now: Micros) -> bool:
    """Whether it was written so near the present that it is remembered if it was seen before."""
    return abs(seconds(now) - letter.written_s) <= LETTER_AGE_MAX_S


def check_letter(letter: Letter, network_id: bytes) -> bytes:
    """The hash of a letter that its sender signed. Raises PeerFault."""
    try:
        key = PublicKey.decode(letter.sender_key)
    except DecodeError as error:
        raise PeerFault(f"a letter signed with no key: {error}") from error
    hash_ = hash_of(letter, network_id)
    if not key.verifies(letter.signature, _sent(network_id, hash_, letter.written_s)):
        raise PeerFault("a letter that its sender did not sign")
    return hash_


def sign_receipt(identity: Identity, network_id: bytes, letter_id: bytes, hash_: bytes) -> bytes:
    """The addressee's word that it has the letter."""
    return identity.sign(_received(network_id, letter_id, hash_))


def check_receipt(letter: Letter, hash_: bytes, key: bytes, signature: bytes, network_id: bytes) -> None:
    """Whether the addressee itself signed that it has this letter. Raises PeerFault."""
    try:
        decoded = PublicKey.decode(key)
    except DecodeError as error:
        raise PeerFault(f"a receipt signed with no key: {error}") from error
    if PeerId.of_key(key).multihash != letter.target:
        raise PeerFault("a receipt of somebody who is not the addressee")
    if not decoded.verifies(signature, _received(network_id, letter.letter_id, hash_)):
        raise PeerFault("a receipt that the addressee did not sign")
