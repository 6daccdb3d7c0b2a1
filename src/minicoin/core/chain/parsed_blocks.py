"""Parsed blocks between their storing and their connecting, so that each is parsed and checked once. Bounded by bytes;
what fell out is read from the store and checked again."""

from typing import Final

from minicoin.core.chain.block_rules import check_block
from minicoin.core.chain.store import ChainStore
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.verdicts import BlockRejected


class ChainDamaged(Exception):
    """What the stores hold contradicts itself: the engine cannot go on, and says what it found."""


class CheckedBlock:
    """A block that passed the checks without context. Raises BlockRejected when it is made of one that does not."""

    __slots__ = ("block", "legacy_sigops", "size")

    def __init__(self, block: Block, size: int) -> None:
        self.block: Final = block
        self.size: Final = size
        self.legacy_sigops: Final = check_block(block)


class ParsedBlocks:
    """The cache over a store. `capacity` counts serialised bytes; the oldest blocks go first."""

    def __init__(self, store: ChainStore, capacity: int) -> None:
        self._store = store
        self._capacity: Final = capacity
        self._blocks: dict[BlockHash, CheckedBlock] = {}
        self._bytes = 0

    def put(self, block: BlockHash, checked: CheckedBlock) -> None:
        """Keep a block for its connecting."""
        self._blocks[block] = checked
        self._bytes += checked.size
        while self._bytes > self._capacity:
            self._bytes -= self._blocks.pop(next(iter(self._blocks))).size

    def take(self, block: BlockHash) -> CheckedBlock:
        """The block, out of the cache or the store. Raises MisuseError when it is not stored, ChainDamaged when what
        is stored is not what passed the checks once."""
        checked = self._blocks.pop(block, None)
        if checked is not None:
            self._bytes -= checked.size
            return checked
        raw = self._store.read(block)
        if raw is None:
            raise MisuseError(f"block {hash_to_hex(block)} is not stored")
        try:
            return CheckedBlock(Block.parse(raw), len(raw))
        except (DecodeError, BlockRejected) as error:
            raise ChainDamaged(f"stored block {hash_to_hex(block)} is damaged: {error}") from error
