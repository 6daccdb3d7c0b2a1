"""Blocks that arrived and are with the worker, who delivered which, for blame, and the newest of them. All bounded.

The newest blocks of the best chain are what every peer asks for next: they are kept in the bytes they came in, so that
nobody reads them back from the disk. Only what the worker has checked is among them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from minicoin.core.limits import BLOCK_SOURCES_MAX, NEWEST_BLOCKS_MAX
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.units import ConnId


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A block handed to the worker and not yet answered; `source` None for our own."""

    source: ConnId | None
    block: RawBlock


class Arrivals:
    """Between StoreBlock and its answer, and from there to the block's activation."""

    __slots__ = ("_counts", "_newest", "_sources", "_storing", "storing_bytes")

    def __init__(self) -> None:
        self._storing: dict[BlockHash, _Arrival] = {}
        self._sources: dict[BlockHash, ConnId] = {}
        self._counts: dict[ConnId, int] = {}
        self._newest: dict[BlockHash, RawBlock] = {}
        self.storing_bytes = 0

    def __len__(self) -> int:
        return len(self._storing)

    def __iter__(self) -> Iterator[BlockHash]:
        """What the worker has, in the order it was given."""
        return iter(self._storing)

    def __contains__(self, block: BlockHash) -> bool:
        return block in self._storing

    def begin(self, block: RawBlock, source: ConnId | None) -> None:
        """The block goes to the worker."""
        self._storing[block.hash] = _Arrival(source, block)
        if source is not None:
            self._counts[source] = self._counts.get(source, 0) + 1
        self.storing_bytes += len(block.raw)

    def stored(self, block: BlockHash, *, is_newest: bool = False) -> None:
        """The worker has it on disk; its deliverer is remembered until it is activated. The newest of the best chain is
        kept for those who ask for it."""
        arrival = self._finish(block)
        if arrival is None:
            return
        if is_newest:
            self._newest[block] = arrival.block
            if len(self._newest) > NEWEST_BLOCKS_MAX:
                del self._newest[next(iter(self._newest))]
        if arrival.source is None:
            return
        self._sources[block] = arrival.source
        if len(self._sources) > BLOCK_SOURCES_MAX:
            del self._sources[next(iter(self._sources))]

    def newest(self, block: BlockHash) -> RawBlock | None:
        """One of the last blocks that moved the tip, as it is stored; None for any other."""
        return self._newest.get(block)

    def refused(self, block: BlockHash) -> ConnId | None:
        """The worker refused it; who delivered it."""
        arrival = self._finish(block)
        return None if arrival is None else arrival.source

    def take_source(self, block: BlockHash) -> ConnId | None:
        """Who delivered a stored block; asked once."""
        return self._sources.pop(block, None)

    def is_storing_from(self, source: ConnId) -> bool:
        """Whether the worker still has a block of this peer's."""
        return source in self._counts

    def _finish(self, block: BlockHash) -> _Arrival | None:
        arrival = self._storing.pop(block, None)
        if arrival is None:
            return None
        self.storing_bytes -= len(arrival.block.raw)
        if arrival.source is not None:
            self._counts[arrival.source] -= 1
            if not self._counts[arrival.source]:
                del self._counts[arrival.source]
        return arrival
