"""The records' persisted form: magic, format, network id, records each with the source group that brought it, and
SHA-256 of all before. Signatures are not verified again: the disk is ours."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import SIGNED_RECORD_DOCUMENT_BYTES_MAX
from minicoin.core.records.held import Held
from minicoin.core.records.record import RECORD_BYTES_MIN, read_record
from minicoin.core.wire.reader import Reader

RECORDS_KEY: Final = "records"
_MAGIC: Final = b"mcrc\x01"
_CHECKSUM_BYTES: Final = 32
_NETWORK_ID_BYTES: Final = 32
_GROUP_BYTES_MAX: Final = 256
_RECORDS_MAX: Final = SIGNED_RECORD_DOCUMENT_BYTES_MAX // RECORD_BYTES_MIN


def encode_records(held: Iterable[Held], network_id: bytes) -> bytes:
    """In the order given."""
    entries = [encode_compact(len(one.group)) + one.group + one.record.encode() for one in held]
    body = b"".join((_MAGIC, network_id, encode_compact(len(entries)), *entries))
    return body + sha256(body).digest()


def decode_records(raw: bytes, network_id: bytes) -> tuple[Held, ...]:
    """Raises DecodeError that says what is wrong."""
    if len(raw) > SIGNED_RECORD_DOCUMENT_BYTES_MAX:
        raise DecodeError(f"records of {len(raw)} bytes (at most {SIGNED_RECORD_DOCUMENT_BYTES_MAX})")
    if not raw.startswith(_MAGIC):
        raise DecodeError("not a document of records, or of a format that this version does not know")
    body = raw[:-_CHECKSUM_BYTES]
    if sha256(body).digest() != raw[-_CHECKSUM_BYTES:]:
        raise DecodeError("the records' checksum does not match: they are damaged or cut short")
    reader = Reader(body, "records")
    reader.take(len(_MAGIC))
    if reader.take(_NETWORK_ID_BYTES) != network_id:
        raise DecodeError("records of another network")
    held = tuple(_held(reader) for _ in range(reader.count(1 + RECORD_BYTES_MIN, _RECORDS_MAX)))
    reader.end()
    return held


def _held(reader: Reader) -> Held:
    group = reader.var_bytes(_GROUP_BYTES_MAX)
    start = reader.at
    record = read_record(reader)
    return Held(record, group, reader.at - start)
