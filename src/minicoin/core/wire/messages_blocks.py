"""Messages that locate and carry blocks: getblocks, getheaders, headers, block, compact blocks (BIP152).

Differentially encoded indexes of BIP152 are absolute in these classes.
"""

from dataclasses import dataclass

from minicoin.core.primitives.block import ZERO_HASH, BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.transaction import Transaction


@dataclass(frozen=True, slots=True)
class GetBlocks:
    """Asks for an inv of the blocks behind the first known hash, up to `hash_stop` or 500."""

    version: int
    block_locator_hashes: tuple[BlockHash, ...]
    hash_stop: BlockHash = ZERO_HASH


@dataclass(frozen=True, slots=True)
class GetHeaders:
    """Asks for the headers behind the first known hash, up to `hash_stop` or 2,000."""

    version: int
    block_locator_hashes: tuple[BlockHash, ...]
    hash_stop: BlockHash = ZERO_HASH


@dataclass(frozen=True, slots=True)
class Headers:
    """Headers in chain order."""

    headers: tuple[BlockHeader, ...]


@dataclass(frozen=True, slots=True)
class BlockMessage:
    """One block, of which only the header is parsed; sent byte for byte as it is stored."""

    block: RawBlock


@dataclass(frozen=True, slots=True)
class PrefilledTransaction:
    """A transaction that a compact block carries whole, and its position in the block."""

    index: int
    tx: Transaction


@dataclass(frozen=True, slots=True)
class CmpctBlock:
    """A block as 48-bit short ids and a few whole transactions (BIP152)."""

    header: BlockHeader
    nonce: int
    shortids: tuple[int, ...]
    prefilledtxn: tuple[PrefilledTransaction, ...]


@dataclass(frozen=True, slots=True)
class GetBlockTxn:
    """Asks for the transactions of a compact block that were missing."""

    blockhash: BlockHash
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BlockTxn:
    """The transactions a GetBlockTxn asked for, in its order."""

    blockhash: BlockHash
    transactions: tuple[Transaction, ...]
