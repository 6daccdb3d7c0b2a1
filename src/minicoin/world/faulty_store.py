"""A chain store that can lose what was not synced, tear a write, and be full: drivers/store's promises in memory.

What was appended since the last commit is the tail of the block file; a crash leaves a prefix of it, no shorter than
what was synced, and perhaps a part of the block behind, which the next open leaves out. Undo data and
headers that no commit reached are gone.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from minicoin.core.chain.block_rules import is_whole
from minicoin.core.chain.carried import StoredChange
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.primitives.transaction import Outpoint
from minicoin.core.rng import Rng
from minicoin.core.signers.certificate import KeptCertificate

Damage = Literal["torn", "truncated"]


class StoreFailed(Exception):
    """A write did not succeed."""


class FaultyStore:
    """Implements core.chain.store.ChainStore on a committed MemoryChainStore and what came behind it."""

    def __init__(self) -> None:
        self.is_full = False
        self.refused = 0
        """Writes that failed for want of room."""
        self.lost = 0
        """Blocks that crashes took."""
        self.torn = 0
        """Writes that were cut short."""
        self._committed = MemoryChainStore()
        self._tail: dict[BlockHash, bytes] = {}
        self._synced = 0
        self._undo: dict[BlockHash, bytes] = {}
        self._headers: dict[BlockHash, tuple[int, BlockHeader]] = {}
        self._certificates: dict[BlockHash, KeptCertificate] = {}
        self._changes: list[StoredChange] = []
        self._recovered: dict[BlockHash, BlockHeader] = {}
        self._tears_next: Damage | None = None
        self._is_broken = False

    # --- faults ---

    def tear_next(self, damage: Damage) -> None:
        """The next appended block is not written to its end, and nothing works behind it until reopen()."""
        self._tears_next = damage

    def crash(self, rng: Rng) -> None:
        """The power goes: what was not synced may be on the disk or not, in order."""
        unsynced = len(self._tail) - self._synced
        kept = self._synced + (rng.below(unsynced + 1) if unsynced else 0)
        self.lost += len(self._tail) - kept
        self._tail = dict(list(self._tail.items())[:kept])
        self.reopen()

    def reopen(self) -> None:
        """What the next run finds."""
        self._undo.clear()
        self._headers.clear()
        self._certificates.clear()
        self._changes.clear()
        self._tail = {block: raw for block, raw in self._tail.items() if is_whole(raw)}
        self._synced = len(self._tail)
        self._recovered = {block: BlockHeader.parse(raw) for block, raw in self._tail.items()}
        self._tears_next = None
        self._is_broken = False

    def _check_room(self) -> None:
        if self._is_broken:
            raise StoreFailed("the machine went down in the middle of a write")
        if self.is_full:
            self.refused += 1
            raise StoreFailed("no space left on device")

    # --- blocks ---

    def has(self, block: BlockHash) -> bool:
        return block in self._tail or self._committed.has(block)

    def append(self, block: BlockHash, raw: bytes) -> None:
        if self.has(block):
            return
        self._check_room()
        if self._tears_next is not None:
            self.torn += 1
            self._is_broken = True
            if self._tears_next == "torn":
                # The file has its length, but not all of its bytes: as a machine leaves it that lost its power.
                self._tail[block] = raw[: len(raw) // 2] + bytes(len(raw) - len(raw) // 2)
                self._synced = len(self._tail)
            self._check_room()
        self._tail[block] = raw

    def read(self, block: BlockHash) -> bytes | None:
        return self._tail.get(block) or self._committed.read(block)

    def append_undo(self, block: BlockHash, undo: bytes) -> None:
        self._check_room()
        self._undo[block] = undo

    def read_undo(self, block: BlockHash) -> bytes | None:
        return self._undo.get(block) or self._committed.read_undo(block)

    def stored(self) -> Iterator[BlockHash]:
        yield from self._committed.stored()
        yield from list(self._tail)

    def sync(self) -> None:
        if self._is_broken:
            self._check_room()
        if self._certificates:
            self._check_room()
            self._committed.add_certificates(self._certificates.items())
            self._certificates.clear()
        self._synced = len(self._tail)

    # --- coins and index ---

    def coins_tip(self) -> BlockHash | None:
        return self._committed.coins_tip()

    def coin(self, outpoint: Outpoint) -> bytes | None:
        return self._committed.coin(outpoint)

    def coins(self) -> Iterator[tuple[Outpoint, bytes]]:
        return self._committed.coins()

    def headers(self) -> Iterator[BlockHeader]:
        found = {header.hash: header for header in self._committed.headers()}
        found |= {header.hash: header for _, header in sorted(self._headers.values(), key=lambda entry: entry[0])}
        return iter(found.values())

    def recovered_headers(self) -> Iterator[BlockHeader]:
        waiting = dict(self._recovered)
        while waiting:
            ready = [header for header in waiting.values() if header.previous not in waiting]
            for header in ready:
                del waiting[header.hash]
                yield header

    def add_headers(self, headers: Iterable[tuple[int, BlockHeader]]) -> None:
        self._headers |= {header.hash: (height, header) for height, header in headers}

    def add_certificates(self, certificates: Iterable[tuple[BlockHash, KeptCertificate]]) -> None:
        self._certificates.update(certificates)

    def certificate(self, block: BlockHash) -> KeptCertificate | None:
        return self._certificates.get(block) or self._committed.certificate(block)

    def add_changes(self, changes: Iterable[StoredChange]) -> None:
        self._changes += changes

    def changes(self) -> Iterator[StoredChange]:
        return iter(sorted({*self._committed.changes(), *self._changes}))

    def commit(self, added: Mapping[Outpoint, bytes], removed: Iterable[Outpoint], tip: BlockHash) -> None:
        self._check_room()
        for block, raw in self._tail.items():
            self._committed.append(block, raw)
        for block, undo in self._undo.items():
            self._committed.append_undo(block, undo)
        self._committed.add_headers(self._headers.values())
        self._committed.add_certificates(self._certificates.items())
        self._committed.add_changes(self._changes)
        self._committed.commit(added, removed, tip)
        self._tail.clear()
        self._undo.clear()
        self._headers.clear()
        self._certificates.clear()
        self._changes.clear()
        self._recovered.clear()
        self._synced = 0

    def close(self) -> None:
        """The files stay."""
