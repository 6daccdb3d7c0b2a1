"""Blocks whose parent is unknown, kept for a while. Bounded by count and bytes; the oldest leaves first."""

from minicoin.core.limits import ORPHAN_BLOCK_BYTES_MAX, ORPHAN_BLOCKS_MAX
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.units import ConnId


class OrphanBlocks:
    """Keyed by hash, found by parent."""

    __slots__ = ("_by_hash", "_bytes")

    def __init__(self) -> None:
        self._by_hash: dict[BlockHash, tuple[RawBlock, ConnId]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._by_hash)

    def __contains__(self, block: BlockHash) -> bool:
        return block in self._by_hash

    def add(self, block: RawBlock, source: ConnId) -> None:
        """Keep `block`; may push out the oldest ones."""
        if block.hash in self._by_hash or len(block.raw) > ORPHAN_BLOCK_BYTES_MAX:
            return
        self._by_hash[block.hash] = (block, source)
        self._bytes += len(block.raw)
        while len(self._by_hash) > ORPHAN_BLOCKS_MAX or self._bytes > ORPHAN_BLOCK_BYTES_MAX:
            self._remove(next(iter(self._by_hash)))

    def take_children(self, parent: BlockHash) -> list[tuple[RawBlock, ConnId]]:
        """Remove and return the blocks that build on `parent`."""
        found = [entry for entry in self._by_hash.values() if entry[0].header.previous == parent]
        for block, _ in found:
            self._remove(block.hash)
        return found

    def root(self, block: BlockHash) -> BlockHash:
        """The lowest orphan below `block`: its parent is what is missing."""
        while (entry := self._by_hash.get(block)) is not None and entry[0].header.previous in self._by_hash:
            block = entry[0].header.previous
        return block

    def _remove(self, block: BlockHash) -> None:
        entry = self._by_hash.pop(block)
        self._bytes -= len(entry[0].raw)
