"""The messages in which nodes exchange records. A new kind of record is a new version of all three: who does not know a
kind could neither check it nor pass it on."""

from dataclasses import dataclass
from itertools import pairwise
from struct import Struct
from typing import Final

from minicoin.core.encoding.compact import compact_length, encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import (
    SIGNED_RECORD_DIGEST_ENTRIES_MAX,
    SIGNED_RECORDS_MESSAGE_BYTES_MAX,
)
from minicoin.core.records.record import RECORD_BYTES_MIN, SOURCE_BYTES, SignedRecord, read_record
from minicoin.core.records.sources import DigestEntry
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.core.wire.reader import Reader

FIRST_SOURCE: Final = bytes(SOURCE_BYTES)
LAST_SOURCE: Final = b"\xff" * SOURCE_BYTES
_ENTRY: Final = Struct(f"<{SOURCE_BYTES}sQQ")
_RECORDS_MAX: Final = SIGNED_RECORDS_MESSAGE_BYTES_MAX // RECORD_BYTES_MIN
_RECORDS_BYTES_MAX: Final = compact_length(_RECORDS_MAX) + SIGNED_RECORDS_MESSAGE_BYTES_MAX
_ENTRIES_BYTES_MAX: Final = (
    compact_length(SIGNED_RECORD_DIGEST_ENTRIES_MAX) + _ENTRY.size * SIGNED_RECORD_DIGEST_ENTRIES_MAX
)


@dataclass(frozen=True, slots=True)
class RecordValues(ExtensionMessage):
    """Records: news, what a round pushes, or what a delta asked for."""

    records: tuple[SignedRecord, ...]

    command = "records"
    version = 1
    payload_bytes_max = _RECORDS_BYTES_MAX

    def encode(self) -> bytes:
        return _encode_records(self.records)

    @classmethod
    def decode(cls, payload: bytes) -> "RecordValues":
        reader = Reader(payload, cls.command)
        records = _read_records(reader)
        reader.end()
        return cls(records)


@dataclass(frozen=True, slots=True)
class RecordDigest(ExtensionMessage):
    """What its sender has of the sources from `first` to `last`, and none of those in between that it does not name. It
    is answered with a delta; where `wants_digest`, that says as well what the other side lacks."""

    first: bytes
    last: bytes
    entries: tuple[DigestEntry, ...]
    wants_digest: bool

    command = "recdigest"
    version = 1
    payload_bytes_max = 1 + 2 * SOURCE_BYTES + _ENTRIES_BYTES_MAX

    def encode(self) -> bytes:
        return bytes((self.wants_digest,)) + self.first + self.last + _encode_entries(self.entries)

    @classmethod
    def decode(cls, payload: bytes) -> "RecordDigest":
        reader = Reader(payload, cls.command)
        wants_digest = _read_flag(reader)
        first, last = reader.take(SOURCE_BYTES), reader.take(SOURCE_BYTES)
        entries = _read_entries(reader)
        reader.end()
        names = [first, *(name for name, _, _ in entries), last]
        if names != sorted(names):
            raise DecodeError("recdigest names sources outside of its range")
        return cls(first, last, entries, wants_digest)


@dataclass(frozen=True, slots=True)
class RecordDelta(ExtensionMessage):
    """The answer to a digest: what is newer here, as far as one message goes; whether there is more; and what its
    sender has of the sources in which the digest is ahead of it, if that was asked."""

    records: tuple[SignedRecord, ...]
    has_more: bool
    lacks: tuple[DigestEntry, ...]

    command = "recdelta"
    version = 1
    payload_bytes_max = 1 + _RECORDS_BYTES_MAX + _ENTRIES_BYTES_MAX

    def encode(self) -> bytes:
        return bytes((self.has_more,)) + _encode_entries(self.lacks) + _encode_records(self.records)

    @classmethod
    def decode(cls, payload: bytes) -> "RecordDelta":
        reader = Reader(payload, cls.command)
        has_more = _read_flag(reader)
        lacks = _read_entries(reader)
        records = _read_records(reader)
        reader.end()
        return cls(records, has_more, lacks)


def _encode_records(records: tuple[SignedRecord, ...]) -> bytes:
    return encode_compact(len(records)) + b"".join(record.encode() for record in records)


def _read_records(reader: Reader) -> tuple[SignedRecord, ...]:
    return tuple(read_record(reader) for _ in range(reader.count(RECORD_BYTES_MIN, _RECORDS_MAX)))


def _encode_entries(entries: tuple[DigestEntry, ...]) -> bytes:
    return encode_compact(len(entries)) + b"".join(_ENTRY.pack(*entry) for entry in entries)


def _read_entries(reader: Reader) -> tuple[DigestEntry, ...]:
    count = reader.count(_ENTRY.size, SIGNED_RECORD_DIGEST_ENTRIES_MAX)
    entries: list[DigestEntry] = [_ENTRY.unpack(reader.take(_ENTRY.size)) for _ in range(count)]
    names = [name for name, _, _ in entries]
    if any(one >= other for one, other in pairwise(names)):
        raise DecodeError("a digest names its sources in ascending order, each once")
    return tuple(entries)


def _read_flag(reader: Reader) -> bool:
    flag = reader.take(1)[0]
    if flag > 1:
        raise DecodeError("a flag is 0 or 1")
    return bool(flag)
