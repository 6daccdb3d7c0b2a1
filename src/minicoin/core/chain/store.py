"""The ports to the stores, with the in-memory reference of each. drivers/store holds the ones on disk.

BlockStore keeps block and undo bytes by hash; CoinStore keeps packed coins and the tip they stand at; both live in
one ChainStore, whose commit makes index, headers, coins and tip durable in one step.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from minicoin.core.chain.carried import StoredChange
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.primitives.transaction import Outpoint
from minicoin.core.signers.certificate import KeptCertificate


class BlockStore(Protocol):
    """Blocks and their undo data, by hash. Appending is buffered until `sync`; what was synced survives a crash."""

    def has(self, block: BlockHash) -> bool:
        """Whether the block's bytes are stored."""

    def append(self, block: BlockHash, raw: bytes) -> None:
        """Store a block; one that is stored already is left alone."""

    def read(self, block: BlockHash) -> bytes | None:
        """The stored bytes, or None."""

    def append_undo(self, block: BlockHash, undo: bytes) -> None:
        """Store what disconnecting the block needs; replaces what was stored before."""

    def read_undo(self, block: BlockHash) -> bytes | None:
        """The undo bytes, or None."""

    def stored(self) -> Iterator[BlockHash]:
        """Every stored block, in no particular order."""

    def sync(self) -> None:
        """Make every appended block survive a crash of the machine, and every certificate."""


class CoinStore(Protocol):
    """Packed coins by outpoint, as of a tip."""

    def coins_tip(self) -> BlockHash | None:
        """The block the stored coins stand at; None in a new store."""

    def coin(self, outpoint: Outpoint) -> bytes | None:
        """The packed coin, or None."""

    def coins(self) -> Iterator[tuple[Outpoint, bytes]]:
        """Every stored coin as of now, in the order of the keys; commits meanwhile change nothing in it."""


class ChainStore(BlockStore, CoinStore, Protocol):
    """All that one chain keeps on disk."""

    def headers(self) -> Iterator[BlockHeader]:
        """Every remembered header, parents first."""

    def recovered_headers(self) -> Iterator[BlockHeader]:
        """Headers of blocks that a crash left stored but not indexed, parents first. The engine adds them anew."""

    def add_headers(self, headers: Iterable[tuple[int, BlockHeader]]) -> None:
        """Remember headers with their heights; durable with the next commit."""

    def add_certificates(self, certificates: Iterable[tuple[BlockHash, KeptCertificate]]) -> None:
        """Remember what makes blocks final, where members sign; durable with the next sync or commit."""

    def certificate(self, block: BlockHash) -> KeptCertificate | None:
        """What was remembered of a block, or None."""

    def add_changes(self, changes: Iterable[StoredChange]) -> None:
        """Remember what a block changes from a later height on; durable with the next commit."""

    def changes(self) -> Iterator[StoredChange]:
        """Every remembered change, lowest first."""

    def commit(self, added: Mapping[Outpoint, bytes], removed: Iterable[Outpoint], tip: BlockHash) -> None:
        """Sync, then change the coins, move their tip, and write index and headers, all or nothing. A coin that is
        both removed and added is replaced."""

    def close(self) -> None:
        """Release files and locks; what was not committed is rolled forward at the next start."""


class MemoryChainStore:
    """The reference: dicts."""

    def __init__(self) -> None:
        self._blocks: dict[BlockHash, bytes] = {}
        self._undo: dict[BlockHash, bytes] = {}
        self._coins: dict[Outpoint, bytes] = {}
        self._headers: dict[BlockHash, tuple[int, BlockHeader]] = {}
        self._certificates: dict[BlockHash, KeptCertificate] = {}
        self._changes: dict[StoredChange, None] = {}
        self._tip: BlockHash | None = None

    def has(self, block: BlockHash) -> bool:
        return block in self._blocks

    def append(self, block: BlockHash, raw: bytes) -> None:
        self._blocks.setdefault(block, raw)

    def read(self, block: BlockHash) -> bytes | None:
        return self._blocks.get(block)

    def append_undo(self, block: BlockHash, undo: bytes) -> None:
        self._undo[block] = undo

    def read_undo(self, block: BlockHash) -> bytes | None:
        return self._undo.get(block)

    def stored(self) -> Iterator[BlockHash]:
        return iter(list(self._blocks))

    def sync(self) -> None:
        """Memory has no disk to wait for."""

    def coins_tip(self) -> BlockHash | None:
        return self._tip

    def coin(self, outpoint: Outpoint) -> bytes | None:
        return self._coins.get(outpoint)

    def coins(self) -> Iterator[tuple[Outpoint, bytes]]:
        return iter(sorted(self._coins.items()))

    def headers(self) -> Iterator[BlockHeader]:
        return (header for _, header in sorted(self._headers.values(), key=lambda entry: entry[0]))

    def recovered_headers(self) -> Iterator[BlockHeader]:
        return iter(())

    def add_headers(self, headers: Iterable[tuple[int, BlockHeader]]) -> None:
        for height, header in headers:
            self._headers.setdefault(header.hash, (height, header))

    def add_certificates(self, certificates: Iterable[tuple[BlockHash, KeptCertificate]]) -> None:
        self._certificates.update(certificates)

    def certificate(self, block: BlockHash) -> KeptCertificate | None:
        return self._certificates.get(block)

    def add_changes(self, changes: Iterable[StoredChange]) -> None:
        self._changes.update(dict.fromkeys(changes))

    def changes(self) -> Iterator[StoredChange]:
        return iter(sorted(self._changes))

    def commit(self, added: Mapping[Outpoint, bytes], removed: Iterable[Outpoint], tip: BlockHash) -> None:
        for outpoint in removed:
            self._coins.pop(outpoint, None)
        self._coins.update(added)
        self._tip = tip

    def close(self) -> None:
        """Nothing to release."""
