"""What a leaf keeps over a stop: where its parents were, so that one of the next ones is of its own experience."""

from hashlib import sha256
from typing import Final, cast

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.forms.derived import make_codec
from minicoin.core.limits import SUPER_DOCUMENT_BYTES_MAX, SUPER_PARENTS_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.wire.reader import Reader

_FORM: Final = 1
_ADDRESSES: Final = make_codec(tuple[NodeAddress, ...], {})
_SUM_BYTES: Final = 32


def write_memory(parents: tuple[NodeAddress, ...]) -> bytes:
    body = bytearray(encode_compact(_FORM))
    _ADDRESSES.write(parents, body)
    return bytes(body) + sha256(body).digest()


def read_memory(raw: bytes | None) -> tuple[NodeAddress, ...]:
    """What write_memory() gave; nothing where nothing was saved. Raises DecodeError."""
    if raw is None:
        return ()
    body = raw[:-_SUM_BYTES]
    if len(raw) > SUPER_DOCUMENT_BYTES_MAX or sha256(body).digest() != raw[-_SUM_BYTES:]:
        raise DecodeError("the list of remembered super nodes is damaged")
    reader = Reader(body, "list of remembered super nodes")
    if reader.compact() != _FORM:
        raise DecodeError("the list of remembered super nodes was written by another version")
    found = cast(tuple[NodeAddress, ...], _ADDRESSES.read(reader))
    reader.end()
    if len(found) > SUPER_PARENTS_MAX:
        raise DecodeError(f"{len(found)} remembered super nodes, at most {SUPER_PARENTS_MAX}")
    return found
