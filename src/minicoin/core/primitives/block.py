"""Block headers, blocks, and RawBlock: a block of which only the header has been read.

The loop sees RawBlocks only; the worker parses them, since 1.9 MB take tens of milliseconds.
"""

from dataclasses import dataclass, field
from struct import Struct
from typing import Final, NewType

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.encoding.compact import decode_compact, encode_compact
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.transaction import Transaction, parse_transaction

BlockHash = NewType("BlockHash", bytes)
"""SHA-256d of the header; 32 bytes as hashed, not as displayed."""

ZERO_HASH: Final = BlockHash(bytes(32))
HEADER_SIZE: Final = 80
_TRANSACTION_SIZE_MIN = 60
_HEADER = Struct("<i32s32sIII")


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """The 80 bytes that are hashed. `time` in Unix seconds, `bits` the compact target."""

    version: int
    previous: BlockHash
    merkle_root: bytes
    time: int
    bits: int
    nonce: int
    hash: BlockHash = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hash", BlockHash(sha256d(self.raw)))

    @classmethod
    def parse(cls, buffer: bytes, at: int = 0) -> "BlockHeader":
        """Raises DecodeError when fewer than 80 bytes are left."""
        if len(buffer) - at < HEADER_SIZE:
            raise DecodeError("truncated block header")
        return cls(*_HEADER.unpack_from(buffer, at))

    @property
    def raw(self) -> bytes:
        return _HEADER.pack(self.version, self.previous, self.merkle_root, self.time, self.bits, self.nonce)

    def __str__(self) -> str:
        return hash_to_hex(self.hash)


@dataclass(frozen=True, slots=True)
class RawBlock:
    """A serialised block with its header read and nothing else believed."""

    header: BlockHeader
    raw: bytes = field(repr=False)

    @classmethod
    def parse(cls, raw: bytes) -> "RawBlock":
        """Raises DecodeError when there is no whole header."""
        return cls(BlockHeader.parse(raw), raw)

    @property
    def hash(self) -> BlockHash:
        return self.header.hash


@dataclass(frozen=True, slots=True)
class Block:
    """A parsed block."""

    header: BlockHeader
    transactions: tuple[Transaction, ...]

    @classmethod
    def parse(cls, raw: bytes) -> "Block":
        """Exactly one block. Raises DecodeError."""
        header = BlockHeader.parse(raw)
        count, at = decode_compact(raw, HEADER_SIZE)
        if count * _TRANSACTION_SIZE_MIN > len(raw) - at + _TRANSACTION_SIZE_MIN:
            raise DecodeError("truncated block: more transactions than bytes")
        transactions: list[Transaction] = []
        for _ in range(count):
            transaction, at = parse_transaction(raw, at)
            transactions.append(transaction)
        if at != len(raw):
            raise DecodeError("bytes behind the block")
        return cls(header, tuple(transactions))

    @property
    def hash(self) -> BlockHash:
        return self.header.hash

    @property
    def raw(self) -> bytes:
        """The serialisation with witnesses."""
        return b"".join(
            (self.header.raw, encode_compact(len(self.transactions)), *(tx.raw for tx in self.transactions))
        )

    @property
    def stripped(self) -> bytes:
        """The serialisation without witnesses, as peers without NODE_WITNESS get it."""
        return b"".join(
            (
                self.header.raw,
                encode_compact(len(self.transactions)),
                *(tx.stripped for tx in self.transactions),
            )
        )

    @property
    def weight(self) -> int:
        """BIP141: three times the stripped size plus the full size."""
        overhead = HEADER_SIZE + len(encode_compact(len(self.transactions)))
        return 4 * overhead + sum(tx.weight for tx in self.transactions)
