"""Codecs of the light clients' messages: compact block filters (BIP157) and bloom filters (BIP37)."""

from collections.abc import Callable
from struct import Struct
from typing import Final, TypeVar

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import (
    BLOOM_ELEMENT_BYTES_MAX,
    BLOOM_FILTER_BYTES_MAX,
    BLOOM_HASH_FUNCTIONS_MAX,
    FILTER_CHECKPOINTS_MAX,
    FILTER_HASHES_PER_MESSAGE_MAX,
    MESSAGE_PAYLOAD_BYTES_MAX,
    TRANSACTIONS_PER_BLOCK_MAX,
)
from minicoin.core.primitives.block import BlockHash
from minicoin.core.wire.messages_filters import (
    CFCheckpt,
    CFHeaders,
    CFilter,
    FilterAdd,
    FilterLoad,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    MerkleBlock,
)
from minicoin.core.wire.reader import Reader

T = TypeVar("T")

_RANGE: Final = Struct("<BI")
_TOTAL: Final = Struct("<I")
_BLOOM_TAIL: Final = Struct("<IIB")


def encode_filter_range(message: GetCFilters | GetCFHeaders) -> bytes:
    return _RANGE.pack(message.filter_type, message.start_height) + message.stop_hash


def decode_filter_range(what: str, message: Callable[[int, int, BlockHash], T]) -> Callable[[bytes], T]:
    """A decoder of getcfilters or getcfheaders."""

    def decode(payload: bytes) -> T:
        reader = Reader(payload, what)
        filter_type, start_height = reader.unpack(_RANGE)
        stop_hash = BlockHash(reader.take(32))
        reader.end()
        return message(filter_type, start_height, stop_hash)

    return decode


def encode_cfilter(message: CFilter) -> bytes:
    head = bytes((message.filter_type,)) + message.block_hash
    return b"".join((head, encode_compact(len(message.filter_bytes)), message.filter_bytes))


def decode_cfilter(payload: bytes) -> CFilter:
    reader = Reader(payload, "cfilter")
    filter_type = reader.take(1)[0]
    block_hash = BlockHash(reader.take(32))
    filter_bytes = reader.var_bytes(MESSAGE_PAYLOAD_BYTES_MAX)
    reader.end()
    return CFilter(filter_type, block_hash, filter_bytes)


def encode_cfheaders(message: CFHeaders) -> bytes:
    head = bytes((message.filter_type,)) + message.stop_hash + message.previous_filter_header
    return b"".join((head, encode_compact(len(message.filter_hashes)), *message.filter_hashes))


def decode_cfheaders(payload: bytes) -> CFHeaders:
    reader = Reader(payload, "cfheaders")
    filter_type = reader.take(1)[0]
    stop_hash = BlockHash(reader.take(32))
    previous = reader.take(32)
    hashes = reader.hashes(reader.count(32, FILTER_HASHES_PER_MESSAGE_MAX))
    reader.end()
    return CFHeaders(filter_type, stop_hash, previous, hashes)


def encode_get_cfcheckpt(message: GetCFCheckpt) -> bytes:
    return bytes((message.filter_type,)) + message.stop_hash


def decode_get_cfcheckpt(payload: bytes) -> GetCFCheckpt:
    reader = Reader(payload, "getcfcheckpt")
    filter_type = reader.take(1)[0]
    stop_hash = BlockHash(reader.take(32))
    reader.end()
    return GetCFCheckpt(filter_type, stop_hash)


def encode_cfcheckpt(message: CFCheckpt) -> bytes:
    head = bytes((message.filter_type,)) + message.stop_hash
    return b"".join((head, encode_compact(len(message.filter_headers)), *message.filter_headers))


def decode_cfcheckpt(payload: bytes) -> CFCheckpt:
    reader = Reader(payload, "cfcheckpt")
    filter_type = reader.take(1)[0]
    stop_hash = BlockHash(reader.take(32))
    headers = reader.hashes(reader.count(32, FILTER_CHECKPOINTS_MAX))
    reader.end()
    return CFCheckpt(filter_type, stop_hash, headers)


def encode_merkle_block(message: MerkleBlock) -> bytes:
    head = message.header.raw + _TOTAL.pack(message.total_transactions)
    flags = encode_compact(len(message.flags)) + message.flags
    return b"".join((head, encode_compact(len(message.hashes)), *message.hashes, flags))


def decode_merkle_block(payload: bytes) -> MerkleBlock:
    reader = Reader(payload, "merkleblock")
    header = reader.header()
    (total,) = reader.unpack(_TOTAL)
    hashes = reader.hashes(reader.count(32, TRANSACTIONS_PER_BLOCK_MAX))
    flags = reader.var_bytes(TRANSACTIONS_PER_BLOCK_MAX)
    reader.end()
    return MerkleBlock(header, total, hashes, flags)


def encode_filter_load(message: FilterLoad) -> bytes:
    tail = _BLOOM_TAIL.pack(message.n_hash_funcs, message.n_tweak, message.n_flags)
    return encode_compact(len(message.filter)) + message.filter + tail


def decode_filter_load(payload: bytes) -> FilterLoad:
    reader = Reader(payload, "filterload")
    bloom = reader.var_bytes(BLOOM_FILTER_BYTES_MAX)
    n_hash_funcs, n_tweak, n_flags = reader.unpack(_BLOOM_TAIL)
    reader.end()
    if n_hash_funcs > BLOOM_HASH_FUNCTIONS_MAX:
        raise DecodeError(f"bloom filter of {n_hash_funcs} hash functions, at most {BLOOM_HASH_FUNCTIONS_MAX} allowed")
    return FilterLoad(bloom, n_hash_funcs, n_tweak, n_flags)


def encode_filter_add(message: FilterAdd) -> bytes:
    return encode_compact(len(message.data)) + message.data


def decode_filter_add(payload: bytes) -> FilterAdd:
    reader = Reader(payload, "filteradd")
    element = reader.var_bytes(BLOOM_ELEMENT_BYTES_MAX)
    reader.end()
    return FilterAdd(element)
