"""Codecs of getblocks, getheaders, headers, block and the compact block messages (BIP152)."""

from collections.abc import Callable, Iterable
from struct import Struct
from typing import Final, TypeVar

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import COMPACT_BLOCK_INDEX_MAX, HEADERS_PER_MESSAGE_MAX, LOCATOR_HASHES_MAX
from minicoin.core.primitives.block import HEADER_SIZE, BlockHash, BlockHeader, RawBlock
from minicoin.core.wire.messages_blocks import (
    BlockMessage,
    BlockTxn,
    CmpctBlock,
    GetBlocks,
    GetBlockTxn,
    GetHeaders,
    Headers,
    PrefilledTransaction,
)
from minicoin.core.wire.reader import Reader

T = TypeVar("T")

HEADER_ENTRY_SIZE: Final = HEADER_SIZE + 1
_VERSION: Final = Struct("<i")
_U64: Final = Struct("<Q")
_SHORT_ID: Final = Struct("<IH")
_TRANSACTION_SIZE_MIN: Final = 10


def encode_locator(message: GetBlocks | GetHeaders) -> bytes:
    """Raises MisuseError for a locator that peers would refuse."""
    locator = message.block_locator_hashes
    if len(locator) > LOCATOR_HASHES_MAX:
        raise MisuseError(f"locator of {len(locator)} hashes, at most {LOCATOR_HASHES_MAX} allowed")
    return b"".join((_VERSION.pack(message.version), encode_compact(len(locator)), *locator, message.hash_stop))


def decode_locator(what: str, message: Callable[[int, tuple[BlockHash, ...], BlockHash], T]) -> Callable[[bytes], T]:
    """A decoder of getblocks or getheaders."""

    def decode(payload: bytes) -> T:
        reader = Reader(payload, what)
        (version,) = reader.unpack(_VERSION)
        locator = reader.hashes(reader.count(32, LOCATOR_HASHES_MAX))
        hash_stop = reader.take(32)
        reader.end()
        return message(version, tuple(BlockHash(item) for item in locator), BlockHash(hash_stop))

    return decode


def encode_headers(message: Headers) -> bytes:
    """Each header is followed by a transaction count of zero."""
    if len(message.headers) > HEADERS_PER_MESSAGE_MAX:
        raise MisuseError(f"{len(message.headers)} headers in one message, at most {HEADERS_PER_MESSAGE_MAX} allowed")
    return encode_compact(len(message.headers)) + b"".join([header.raw + b"\0" for header in message.headers])


def decode_headers(payload: bytes) -> Headers:
    """Raises DecodeError, also for a transaction count other than zero."""
    reader = Reader(payload, "headers")
    count = reader.count(HEADER_ENTRY_SIZE, HEADERS_PER_MESSAGE_MAX)
    start = reader.at
    reader.take(count * HEADER_ENTRY_SIZE)
    reader.end()
    if any(payload[start + HEADER_SIZE :: HEADER_ENTRY_SIZE]):
        raise DecodeError("headers with a transaction count that is not zero")
    parse = BlockHeader.parse
    return Headers(tuple([parse(payload, at) for at in range(start, len(payload), HEADER_ENTRY_SIZE)]))


def encode_block(message: BlockMessage) -> bytes:
    return message.block.raw


def decode_block(payload: bytes) -> BlockMessage:
    """Reads the header only; raises DecodeError where there is none."""
    return BlockMessage(RawBlock.parse(payload))


def encode_cmpct_block(message: CmpctBlock) -> bytes:
    """Transactions in their form with witness, which is version 2 of BIP152."""
    parts = [message.header.raw, _U64.pack(message.nonce), encode_compact(len(message.shortids))]
    parts += [_SHORT_ID.pack(short & 0xFFFF_FFFF, short >> 32) for short in message.shortids]
    parts.append(encode_compact(len(message.prefilledtxn)))
    steps = _differences(prefilled.index for prefilled in message.prefilledtxn)
    for step, prefilled in zip(steps, message.prefilledtxn, strict=True):
        parts += (encode_compact(step), prefilled.tx.raw)
    return b"".join(parts)


def decode_cmpct_block(payload: bytes) -> CmpctBlock:
    """Raises DecodeError, also for a prefilled transaction whose position lies beyond the block."""
    reader = Reader(payload, "cmpctblock")
    header = reader.header()
    (nonce,) = reader.unpack(_U64)
    count = reader.count(_SHORT_ID.size, COMPACT_BLOCK_INDEX_MAX)
    packed = reader.take(count * _SHORT_ID.size)
    shortids = tuple([low | high << 32 for low, high in _SHORT_ID.iter_unpack(packed)])
    prefilled: list[PrefilledTransaction] = []
    index = -1
    for position in range(reader.count(1 + _TRANSACTION_SIZE_MIN, COMPACT_BLOCK_INDEX_MAX - count)):
        index = _next_index(reader, index)
        if index > count + position:
            raise DecodeError(f"cmpctblock prefills position {index} beyond its end")
        prefilled.append(PrefilledTransaction(index, reader.transaction()))
    reader.end()
    return CmpctBlock(header, nonce, shortids, tuple(prefilled))


def encode_get_block_txn(message: GetBlockTxn) -> bytes:
    """Raises MisuseError unless the indexes ascend."""
    steps = [encode_compact(step) for step in _differences(message.indexes)]
    return b"".join((message.blockhash, encode_compact(len(steps)), *steps))


def decode_get_block_txn(payload: bytes) -> GetBlockTxn:
    """Raises DecodeError."""
    reader = Reader(payload, "getblocktxn")
    blockhash = BlockHash(reader.take(32))
    indexes: list[int] = []
    index = -1
    for _ in range(reader.count(1, COMPACT_BLOCK_INDEX_MAX + 1)):
        index = _next_index(reader, index)
        indexes.append(index)
    reader.end()
    return GetBlockTxn(blockhash, tuple(indexes))


def encode_block_txn(message: BlockTxn) -> bytes:
    raws = [transaction.raw for transaction in message.transactions]
    return b"".join((message.blockhash, encode_compact(len(raws)), *raws))


def decode_block_txn(payload: bytes) -> BlockTxn:
    """Raises DecodeError."""
    reader = Reader(payload, "blocktxn")
    blockhash = BlockHash(reader.take(32))
    count = reader.count(_TRANSACTION_SIZE_MIN, COMPACT_BLOCK_INDEX_MAX + 1)
    transactions = tuple([reader.transaction() for _ in range(count)])
    reader.end()
    return BlockTxn(blockhash, transactions)


def _differences(indexes: Iterable[int]) -> list[int]:
    """BIP152: each index less the previous one, less one."""
    steps: list[int] = []
    previous = -1
    for index in indexes:
        if not previous < index <= COMPACT_BLOCK_INDEX_MAX:
            raise MisuseError(f"index {index} behind {previous}: indexes must ascend within 16 bits")
        steps.append(index - previous - 1)
        previous = index
    return steps


def _next_index(reader: Reader, previous: int) -> int:
    index = previous + 1 + reader.compact()
    if index > COMPACT_BLOCK_INDEX_MAX:
        raise DecodeError("compact block index above 16 bits")
    return index
