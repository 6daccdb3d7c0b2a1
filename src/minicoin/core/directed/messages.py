"""The messages of directed delivery, and their bytes. All four are offered together, and spoken together."""

from dataclasses import dataclass
from typing import Final

from minicoin.core.answers import LetterProblem
from minicoin.core.directed.letter import (
    HASH_BYTES,
    LETTER_BYTES_MAX,
    LETTER_SIGNATURE_BYTES_MAX,
    Letter,
    read_letter,
)
from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.keys import PUBLIC_KEY_BYTES_MAX
from minicoin.core.limits import LETTER_HOPS_MAX
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.core.wire.reader import Reader

# The number of each on the wire is its place here.
_PROBLEMS: Final = (
    LetterProblem.NO_WAY,
    LetterProblem.NO_ANSWER,
    LetterProblem.NO_RECEIPT,
    LetterProblem.TOO_FAR,
    LetterProblem.GONE_ROUND,
    LetterProblem.CROWDED,
    LetterProblem.EXPIRED,
    LetterProblem.NOT_SAVED,
)


@dataclass(frozen=True, slots=True)
class LetterMessage(ExtensionMessage):
    """A letter for the receiver, or to be passed on at most `hops_left` times. One that floods is given to neighbours
    without a word back but the receipt."""

    letter: Letter
    hops_left: int
    floods: bool

    command = "letter"
    version = 1
    payload_bytes_max = 2 + LETTER_BYTES_MAX

    def encode(self) -> bytes:
        return bytes((self.hops_left, self.floods)) + self.letter.encode()

    @classmethod
    def decode(cls, payload: bytes) -> "LetterMessage":
        reader = Reader(payload, cls.command)
        hops_left, floods = reader.take(2)
        if hops_left >= LETTER_HOPS_MAX:
            raise DecodeError(f"a letter with {hops_left} hops left, {LETTER_HOPS_MAX - 1} at most")
        if floods > 1:
            raise DecodeError(f"a letter that floods by {floods}, not 0 or 1")
        letter = read_letter(reader)
        reader.end()
        return cls(letter, hops_left, bool(floods))


@dataclass(frozen=True, slots=True)
class LetterTaken(ExtensionMessage):
    """The letter is with its sender now, who passes it on and says how that ended."""

    hash: bytes

    command = "lettertaken"
    version = 1
    payload_bytes_max = HASH_BYTES

    def encode(self) -> bytes:
        return self.hash

    @classmethod
    def decode(cls, payload: bytes) -> "LetterTaken":
        reader = Reader(payload, cls.command)
        hash_ = reader.take(HASH_BYTES)
        reader.end()
        return cls(hash_)


@dataclass(frozen=True, slots=True)
class Receipt(ExtensionMessage):
    """The addressee has the letter, on its disk. `hops` is the way it took, as the addressee counts it."""

    hash: bytes
    hops: int
    key: bytes
    """Of the addressee, whose peer id may be its hash only."""
    signature: bytes

    command = "receipt"
    version = 1
    payload_bytes_max = HASH_BYTES + 1 + 3 + PUBLIC_KEY_BYTES_MAX + 3 + LETTER_SIGNATURE_BYTES_MAX

    def encode(self) -> bytes:
        return b"".join(
            (
                self.hash,
                bytes((self.hops,)),
                encode_compact(len(self.key)),
                self.key,
                encode_compact(len(self.signature)),
                self.signature,
            )
        )

    @classmethod
    def decode(cls, payload: bytes) -> "Receipt":
        reader = Reader(payload, cls.command)
        hash_ = reader.take(HASH_BYTES)
        hops = _hop(reader, cls.command)
        receipt = cls(hash_, hops, reader.var_bytes(PUBLIC_KEY_BYTES_MAX), reader.var_bytes(LETTER_SIGNATURE_BYTES_MAX))
        reader.end()
        return receipt


@dataclass(frozen=True, slots=True)
class LetterFailed(ExtensionMessage):
    """The letter went no further: at which hop, counted from its sender, and why."""

    hash: bytes
    hop: int
    problem: LetterProblem

    command = "letterfailed"
    version = 1
    payload_bytes_max = HASH_BYTES + 2

    def encode(self) -> bytes:
        return self.hash + bytes((self.hop, _PROBLEMS.index(self.problem)))

    @classmethod
    def decode(cls, payload: bytes) -> "LetterFailed":
        reader = Reader(payload, cls.command)
        hash_ = reader.take(HASH_BYTES)
        hop = _hop(reader, cls.command)
        (number,) = reader.take(1)
        if number >= len(_PROBLEMS):
            raise DecodeError(f"a letter failed for an unknown reason {number}")
        reader.end()
        return cls(hash_, hop, _PROBLEMS[number])


def _hop(reader: Reader, what: str) -> int:
    (hop,) = reader.take(1)
    if not 1 <= hop <= LETTER_HOPS_MAX:
        raise DecodeError(f"hop {hop} in {what}, 1 to {LETTER_HOPS_MAX} allowed")
    return hop


LETTER_MESSAGES: Final = (LetterMessage, LetterTaken, Receipt, LetterFailed)
