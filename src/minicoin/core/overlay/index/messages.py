"""What members and indexes say to each other. Records travel in their own form; counts are CompactSizes."""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import (
    INDEX_ENTRY_BYTES_MAX,
    INDEX_LEAVES_MAX,
    INDEX_PAGE_RECORDS_MAX,
    INDEXES_FOLLOWED_MAX,
    PEER_ID_BYTES_MAX,
)
from minicoin.core.overlay.index.entry import MemberEntry, read_entry
from minicoin.core.records.record import RECORD_BYTES_MIN, read_record
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.core.wire.reader import Reader

_NONCE: Final = Struct("<Q")
_NUMBERS: Final = Struct("<QQ")
_PAGE_BYTES_MAX: Final = 3 + INDEX_PAGE_RECORDS_MAX * INDEX_ENTRY_BYTES_MAX
_LEAVES_BYTES_MAX: Final = 3 + INDEX_LEAVES_MAX * (1 + PEER_ID_BYTES_MAX)


def _peer_id(reader: Reader) -> bytes:
    return reader.var_bytes(PEER_ID_BYTES_MAX)


def _write_peer_id(peer_id: bytes) -> bytes:
    return encode_compact(len(peer_id)) + peer_id


def _entries(reader: Reader, most: int = INDEX_PAGE_RECORDS_MAX) -> tuple[MemberEntry, ...]:
    count = reader.count(RECORD_BYTES_MIN, most)
    return tuple(read_entry(read_record(reader)) for _ in range(count))


def _write_entries(entries: tuple[MemberEntry, ...]) -> bytes:
    return encode_compact(len(entries)) + b"".join(entry.record.encode() for entry in entries)


def _read_flag(reader: Reader) -> bool:
    (value,) = reader.take(1)
    if value > 1:
        raise DecodeError(f"neither yes nor no: {value}")
    return bool(value)


def _flag_and_entry(flag: bool, entry: MemberEntry | None) -> bytes:
    return bytes([flag]) + (b"" if entry is None else entry.record.encode())


def _read_flag_and_entry(reader: Reader) -> tuple[bool, MemberEntry | None]:
    flag = _read_flag(reader)
    entry = read_entry(read_record(reader)) if reader.remaining else None
    reader.end()
    return flag, entry


@dataclass(frozen=True, slots=True)
class IdxHello(ExtensionMessage):
    """What its sender is in this model, and its record where others can dial it, so that its neighbours can vouch for
    it."""

    is_index: bool
    entry: MemberEntry | None = None

    command = "idxhello"
    version = 2
    payload_bytes_max = 1 + INDEX_ENTRY_BYTES_MAX

    def encode(self) -> bytes:
        return _flag_and_entry(self.is_index, self.entry)

    @classmethod
    def decode(cls, payload: bytes) -> "IdxHello":
        return cls(*_read_flag_and_entry(Reader(payload, cls.command)))


@dataclass(frozen=True, slots=True)
class IdxJoin(ExtensionMessage):
    """A member asks for the view, unless it follows that already, and with its own record to be in it; one that nobody
    can dial has none."""

    entry: MemberEntry | None
    wants_view: bool = True

    command = "idxjoin"
    version = 1
    payload_bytes_max = 1 + INDEX_ENTRY_BYTES_MAX

    def encode(self) -> bytes:
        return _flag_and_entry(self.wants_view, self.entry)

    @classmethod
    def decode(cls, payload: bytes) -> "IdxJoin":
        wants_view, entry = _read_flag_and_entry(Reader(payload, cls.command))
        return cls(entry, wants_view)


@dataclass(frozen=True, slots=True)
class IdxRefuse(ExtensionMessage):
    """An index does not take a member in: why, for people, and after how many seconds to ask again."""

    reason: str
    retry_s: int

    command = "idxrefuse"
    version = 1
    payload_bytes_max = 80

    def encode(self) -> bytes:
        text = self.reason.encode("ascii")
        return encode_compact(len(text)) + text + encode_compact(self.retry_s)

    @classmethod
    def decode(cls, payload: bytes) -> "IdxRefuse":
        reader = Reader(payload, cls.command)
        text, retry_s = reader.var_bytes(70), reader.compact()
        reader.end()
        if not all(0x20 <= byte < 0x7F for byte in text):
            raise DecodeError("a refusal's reason is printable ASCII")
        return cls(text.decode("ascii"), retry_s)


@dataclass(frozen=True, slots=True)
class IdxNext(ExtensionMessage):
    """Asks for the page behind `cursor`."""

    cursor: bytes

    command = "idxnext"
    version = 1
    payload_bytes_max = 32

    def encode(self) -> bytes:
        return self.cursor

    @classmethod
    def decode(cls, payload: bytes) -> "IdxNext":
        if len(payload) != 32:
            raise DecodeError(f"a cursor has 32 bytes, not {len(payload)}")
        return cls(payload)


@dataclass(frozen=True, slots=True)
class IdxPage(ExtensionMessage):
    """One page of a view: the version it was read at, the members in all, some of them, and where to read on; an empty
    cursor where that was all. Of a large view a reader is told a part, which is not whole."""

    at: int
    total: int
    entries: tuple[MemberEntry, ...]
    cursor: bytes = b""
    is_whole: bool = True

    command = "idxpage"
    version = 2
    payload_bytes_max = _NUMBERS.size + _PAGE_BYTES_MAX + 33 + 1

    def encode(self) -> bytes:
        cursor = encode_compact(len(self.cursor)) + self.cursor
        return _NUMBERS.pack(self.at, self.total) + _write_entries(self.entries) + cursor + bytes([self.is_whole])

    @classmethod
    def decode(cls, payload: bytes) -> "IdxPage":
        reader = Reader(payload, cls.command)
        at, total = reader.unpack(_NUMBERS)
        entries, cursor, is_whole = _entries(reader), reader.var_bytes(32), _read_flag(reader)
        reader.end()
        if cursor and len(cursor) != 32:
            raise DecodeError("a cursor has 32 bytes")
        return cls(at, total, entries, cursor, is_whole)


@dataclass(frozen=True, slots=True)
class IdxDelta(ExtensionMessage):
    """What changed between two versions in a view, or in the reader's part of it: joins, renewals among them, and
    leaves."""

    since: int
    at: int
    joins: tuple[MemberEntry, ...]
    leaves: tuple[bytes, ...]
    is_whole: bool = True

    command = "idxdelta"
    version = 2
    payload_bytes_max = _NUMBERS.size + _PAGE_BYTES_MAX + _LEAVES_BYTES_MAX + 1

    def encode(self) -> bytes:
        leaves = encode_compact(len(self.leaves)) + b"".join(map(_write_peer_id, self.leaves))
        return _NUMBERS.pack(self.since, self.at) + _write_entries(self.joins) + leaves + bytes([self.is_whole])

    @classmethod
    def decode(cls, payload: bytes) -> "IdxDelta":
        reader = Reader(payload, cls.command)
        since, at = reader.unpack(_NUMBERS)
        joins = _entries(reader)
        leaves = tuple(_peer_id(reader) for _ in range(reader.count(1, INDEX_LEAVES_MAX)))
        is_whole = _read_flag(reader)
        reader.end()
        return cls(since, at, joins, leaves, is_whole)


@dataclass(frozen=True, slots=True)
class IdxFind(ExtensionMessage):
    """Asks an index for one member."""

    nonce: int
    peer_id: bytes

    command = "idxfind"
    version = 1
    payload_bytes_max = _NONCE.size + 1 + PEER_ID_BYTES_MAX

    def encode(self) -> bytes:
        return _NONCE.pack(self.nonce) + _write_peer_id(self.peer_id)

    @classmethod
    def decode(cls, payload: bytes) -> "IdxFind":
        reader = Reader(payload, cls.command)
        (nonce,), peer_id = reader.unpack(_NONCE), _peer_id(reader)
        reader.end()
        return cls(nonce, peer_id)


@dataclass(frozen=True, slots=True)
class IdxAsk(ExtensionMessage):
    """Asks a witness for members it knows."""

    nonce: int

    command = "idxask"
    version = 1
    payload_bytes_max = _NONCE.size

    def encode(self) -> bytes:
        return _NONCE.pack(self.nonce)

    @classmethod
    def decode(cls, payload: bytes) -> "IdxAsk":
        reader = Reader(payload, cls.command)
        (nonce,) = reader.unpack(_NONCE)
        reader.end()
        return cls(nonce)


@dataclass(frozen=True, slots=True)
class IdxKnown(ExtensionMessage):
    """The answer to IdxFind and IdxAsk: members its sender stands for, none where it knows none, and the indexes it
    follows."""

    nonce: int
    entries: tuple[MemberEntry, ...]
    indexes: tuple[MemberEntry, ...] = ()

    command = "idxknown"
    version = 1
    payload_bytes_max = _NONCE.size + _PAGE_BYTES_MAX + 3 + INDEXES_FOLLOWED_MAX * INDEX_ENTRY_BYTES_MAX

    def encode(self) -> bytes:
        return _NONCE.pack(self.nonce) + _write_entries(self.entries) + _write_entries(self.indexes)

    @classmethod
    def decode(cls, payload: bytes) -> "IdxKnown":
        reader = Reader(payload, cls.command)
        (nonce,), entries = reader.unpack(_NONCE), _entries(reader)
        indexes = _entries(reader, INDEXES_FOLLOWED_MAX)
        reader.end()
        return cls(nonce, entries, indexes)
