"""The messages of the model.

`supernews` brings records: statuses of super nodes, and where leaves sit. `superask` asks for them: for the super nodes
that a peer knows, its own status among them; between super nodes for pages of all of them and of the leaves, which
`superpage` answers. Between super nodes `superhave` names what is new, and `superget` asks whoever named it for it.
`superattach` asks a super node for a place; `superplace` says what comes of it, and later that it has ended.
`superfind` asks where a peer is, `superfound` answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import (
    SIGNATURE_BYTES_MAX,
    SIGNED_RECORD_KEY_CHARACTERS_MAX,
    SUPER_NAMES_PER_MESSAGE_MAX,
    SUPER_PARENTS_MAX,
    SUPER_RECORDS_PER_MESSAGE_MAX,
)
from minicoin.core.overlay.supernode.entries import KIND
from minicoin.core.records.record import INLINE_PEER_ID_BYTES_MAX, RECORD_BYTES_MIN, SignedRecord, read_record
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.core.wire.reader import Reader

_FLAG: Final = Struct("<B")
_ATTACH: Final = Struct("<B")
_PLACE: Final = Struct("<BH")
_NUMBER: Final = Struct("<I")
_VERSION: Final = Struct("<Q")
# Kind, key, version, expiry, value, one signature, and the lengths of each.
_RECORD_BYTES_MAX: Final = (
    16
    + SIGNED_RECORD_KEY_CHARACTERS_MAX
    + 16
    + KIND.value_bytes_max
    + INLINE_PEER_ID_BYTES_MAX
    + SIGNATURE_BYTES_MAX
    + 16
)
_RECORDS_BYTES_MAX: Final = 3 + SUPER_RECORDS_PER_MESSAGE_MAX * _RECORD_BYTES_MAX
_FOUND_RECORDS_MAX: Final = 1 + SUPER_PARENTS_MAX


def _write_records(records: Sequence[SignedRecord]) -> bytes:
    return encode_compact(len(records)) + b"".join(record.encode() for record in records)


def _read_records(reader: Reader, count_max: int) -> tuple[SignedRecord, ...]:
    records = tuple(read_record(reader) for _ in range(reader.count(RECORD_BYTES_MIN, count_max)))
    if any(record.kind != KIND.name for record in records):
        raise DecodeError(f"a record that is not of the kind {KIND.name}")
    return records


@dataclass(frozen=True, slots=True)
class SuperNews(ExtensionMessage):
    """Records, asked for or not."""

    records: tuple[SignedRecord, ...]

    command = "supernews"
    version = 1
    payload_bytes_max = _RECORDS_BYTES_MAX

    def encode(self) -> bytes:
        return _write_records(self.records)

    @classmethod
    def decode(cls, payload: bytes) -> "SuperNews":
        reader = Reader(payload, cls.command)
        records = _read_records(reader, SUPER_RECORDS_PER_MESSAGE_MAX)
        reader.end()
        return cls(records)


class Wanted(IntEnum):
    """What is asked for."""

    SUPERS = 0
    """Some super nodes to choose from, the asked among them if it is one."""
    ALL_SUPERS = 1
    """A page of all it knows; between super nodes, as the next."""
    DIRECTORY = 2
    """A page of the leaves."""


@dataclass(frozen=True, slots=True)
class SuperAsk(ExtensionMessage):
    """Asks for records; a page holds those above the peer id `after`, empty for the first."""

    wanted: Wanted = Wanted.SUPERS
    after: bytes = b""

    command = "superask"
    version = 2
    payload_bytes_max = 2 + INLINE_PEER_ID_BYTES_MAX

    def encode(self) -> bytes:
        return _FLAG.pack(self.wanted) + encode_compact(len(self.after)) + self.after

    @classmethod
    def decode(cls, payload: bytes) -> "SuperAsk":
        reader = Reader(payload, cls.command)
        (number,) = reader.unpack(_FLAG)
        after = reader.var_bytes(INLINE_PEER_ID_BYTES_MAX)
        reader.end()
        try:
            wanted = Wanted(number)
        except ValueError as error:
            raise DecodeError(f"superask for an unknown thing {number}") from error
        if after and wanted is Wanted.SUPERS:
            raise DecodeError("superask for a page of what has no pages")
        return cls(wanted, after)


def _write_table(of: Wanted, count: int) -> bytes:
    return _FLAG.pack(of) + encode_compact(count)


def _read_table(reader: Reader) -> Wanted:
    (number,) = reader.unpack(_FLAG)
    if number not in (Wanted.ALL_SUPERS, Wanted.DIRECTORY):
        raise DecodeError(f"names of neither super nodes nor leaves but {number}")
    return Wanted(number)


def _write_signer(signer: bytes) -> bytes:
    return encode_compact(len(signer)) + signer


RecordName = tuple[bytes, int]
"""The signer and the version of a record of one table."""


def _read_name(reader: Reader) -> RecordName:
    signer = reader.var_bytes(INLINE_PEER_ID_BYTES_MAX)
    (version,) = reader.unpack(_VERSION)
    return signer, version


@dataclass(frozen=True, slots=True)
class SuperHave(ExtensionMessage):
    """What its sender holds since a moment ago, by name."""

    of: Wanted
    names: tuple[RecordName, ...]

    command = "superhave"
    version = 1
    payload_bytes_max = 4 + SUPER_NAMES_PER_MESSAGE_MAX * (1 + INLINE_PEER_ID_BYTES_MAX + _VERSION.size)

    def encode(self) -> bytes:
        names = [_write_signer(signer) + _VERSION.pack(version) for signer, version in self.names]
        return _write_table(self.of, len(names)) + b"".join(names)

    @classmethod
    def decode(cls, payload: bytes) -> "SuperHave":
        reader = Reader(payload, cls.command)
        of = _read_table(reader)
        count = reader.count(1 + _VERSION.size, SUPER_NAMES_PER_MESSAGE_MAX)
        names = tuple(_read_name(reader) for _ in range(count))
        reader.end()
        return cls(of, names)


@dataclass(frozen=True, slots=True)
class SuperGet(ExtensionMessage):
    """Asks for the records of these signers, which come as news."""

    of: Wanted
    signers: tuple[bytes, ...]

    command = "superget"
    version = 1
    payload_bytes_max = 4 + SUPER_RECORDS_PER_MESSAGE_MAX * (1 + INLINE_PEER_ID_BYTES_MAX)

    def encode(self) -> bytes:
        return _write_table(self.of, len(self.signers)) + b"".join(map(_write_signer, self.signers))

    @classmethod
    def decode(cls, payload: bytes) -> "SuperGet":
        reader = Reader(payload, cls.command)
        of = _read_table(reader)
        count = reader.count(1, SUPER_RECORDS_PER_MESSAGE_MAX)
        signers = tuple(reader.var_bytes(INLINE_PEER_ID_BYTES_MAX) for _ in range(count))
        reader.end()
        return cls(of, signers)


@dataclass(frozen=True, slots=True)
class SuperPage(ExtensionMessage):
    """A page, by ascending signer."""

    records: tuple[SignedRecord, ...]
    has_more: bool

    command = "superpage"
    version = 1
    payload_bytes_max = 1 + _RECORDS_BYTES_MAX

    def encode(self) -> bytes:
        return _FLAG.pack(self.has_more) + _write_records(self.records)

    @classmethod
    def decode(cls, payload: bytes) -> "SuperPage":
        reader = Reader(payload, cls.command)
        (flag,) = reader.unpack(_FLAG)
        records = _read_records(reader, SUPER_RECORDS_PER_MESSAGE_MAX)
        reader.end()
        if flag > 1 or (flag and not records):
            raise DecodeError("superpage that does not say whether there is another")
        return cls(records, bool(flag))


@dataclass(frozen=True, slots=True)
class SuperAttach(ExtensionMessage):
    """A leaf with so many parents asks for a place."""

    parents: int

    command = "superattach"
    version = 1
    payload_bytes_max = _ATTACH.size

    def encode(self) -> bytes:
        return _ATTACH.pack(self.parents)

    @classmethod
    def decode(cls, payload: bytes) -> "SuperAttach":
        reader = Reader(payload, cls.command)
        (parents,) = reader.unpack(_ATTACH)
        reader.end()
        if parents > SUPER_PARENTS_MAX:
            raise DecodeError(f"a leaf with {parents} parents, at most {SUPER_PARENTS_MAX} allowed")
        return cls(parents)


class Verdict(IntEnum):
    """What comes of a leaf's wish."""

    PLACED = 0
    FULL = 1
    """No place is free for it; come again after so many seconds, and try others."""
    LATER = 2
    """Too many come at once; come again after so many seconds."""
    NO_SUPER = 3
    """Its receiver takes no leaves, or not this peer."""
    ENDED = 4
    """Either side: the place is given up. A super node needs it for a leaf that has none."""


@dataclass(frozen=True, slots=True)
class SuperPlace(ExtensionMessage):
    """The answer to a wish for a place, or its end."""

    verdict: Verdict
    retry_s: int = 0

    command = "superplace"
    version = 1
    payload_bytes_max = _PLACE.size

    def encode(self) -> bytes:
        return _PLACE.pack(self.verdict, self.retry_s)

    @classmethod
    def decode(cls, payload: bytes) -> "SuperPlace":
        reader = Reader(payload, cls.command)
        number, retry_s = reader.unpack(_PLACE)
        reader.end()
        try:
            return cls(Verdict(number), retry_s)
        except ValueError as error:
            raise DecodeError(f"superplace with an unknown verdict {number}") from error


@dataclass(frozen=True, slots=True)
class SuperFind(ExtensionMessage):
    """Where is the peer of this id? The answer repeats the number."""

    number: int
    target: bytes

    command = "superfind"
    version = 1
    payload_bytes_max = _NUMBER.size + 1 + INLINE_PEER_ID_BYTES_MAX

    def encode(self) -> bytes:
        return _NUMBER.pack(self.number) + encode_compact(len(self.target)) + self.target

    @classmethod
    def decode(cls, payload: bytes) -> "SuperFind":
        reader = Reader(payload, cls.command)
        (number,) = reader.unpack(_NUMBER)
        target = reader.var_bytes(INLINE_PEER_ID_BYTES_MAX)
        reader.end()
        return cls(number, target)


@dataclass(frozen=True, slots=True)
class SuperFound(ExtensionMessage):
    """What the asked says of it: its own record, and the statuses of the super nodes it sits at."""

    number: int
    records: tuple[SignedRecord, ...]

    command = "superfound"
    version = 1
    payload_bytes_max = _NUMBER.size + 1 + _FOUND_RECORDS_MAX * _RECORD_BYTES_MAX

    def encode(self) -> bytes:
        return _NUMBER.pack(self.number) + _write_records(self.records)

    @classmethod
    def decode(cls, payload: bytes) -> "SuperFound":
        reader = Reader(payload, cls.command)
        (number,) = reader.unpack(_NUMBER)
        records = _read_records(reader, _FOUND_RECORDS_MAX)
        reader.end()
        return cls(number, records)
