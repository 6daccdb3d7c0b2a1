"""Packed coins, and the undo data of a block: the coins its inputs spent, in input order.

A packed coin is <u32 height*2+coinbase> <i64 value> <script>, all little-endian. Undo data is one length-prefixed
packed coin per input, the coinbase left out, closed by SHA-256d over block hash and body, so that damage is noticed.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.encoding.compact import decode_compact, encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.primitives.verdicts import Coin

COIN_HEAD: Final = Struct("<Iq")
COIN_HEAD_SIZE: Final = COIN_HEAD.size
_CHECKSUM_SIZE = 32


def pack_coin(coin: Coin) -> bytes:
    """The stored form."""
    return COIN_HEAD.pack(coin.height << 1 | coin.is_coinbase, coin.output.value) + coin.output.script_pubkey


def unpack_coin(packed: bytes) -> Coin:
    """The coin of a stored form."""
    code, value = COIN_HEAD.unpack_from(packed)
    return Coin(TxOut(value, packed[COIN_HEAD_SIZE:]), code >> 1, bool(code & 1))


def unpack_output(packed: bytes) -> TxOut:
    """Only the output of a packed coin."""
    return TxOut(COIN_HEAD.unpack_from(packed)[1], packed[COIN_HEAD_SIZE:])


def encode_undo(block: BlockHash, spent: Sequence[bytes]) -> bytes:
    """Undo data of a block whose inputs spent these packed coins."""
    parts: list[bytes] = []
    for packed in spent:
        parts += (encode_compact(len(packed)), packed)
    body = b"".join(parts)
    return body + sha256d(block + body)


def decode_undo(block: BlockHash, raw: bytes) -> list[bytes]:
    """The packed coins. Raises DecodeError when the bytes are damaged or belong to another block."""
    body = raw[:-_CHECKSUM_SIZE]
    if len(raw) < _CHECKSUM_SIZE or sha256d(block + body) != raw[-_CHECKSUM_SIZE:]:
        raise DecodeError("undo data do not match their checksum")
    spent: list[bytes] = []
    at = 0
    while at < len(body):
        length, at = decode_compact(body, at)
        spent.append(body[at : at + length])
        at += length
    return spent


def outputs_by_transaction(block: Block, undo: Sequence[bytes]) -> list[list[TxOut]]:
    """The outputs that each transaction behind the coinbase spends, of a block's packed coins."""
    outputs = iter([unpack_output(packed) for packed in undo])
    return [[next(outputs) for _ in transaction.inputs] for transaction in block.transactions[1:]]
