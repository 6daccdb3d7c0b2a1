"""chain.store's ChainStore on disk: blocks and undo data in flat files, everything else in the index.

A crash may leave the index behind the files: what the files hold beyond it is indexed again at the next open, what is
half-written is cut. Undo data beyond the index are cut too, since their blocks are connected again. Certificates go
into the index with each sync, before anybody is told of the block: the tip's could be found in no block file.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from minicoin.core.chain.block_rules import is_whole
from minicoin.core.chain.carried import StoredChange
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.primitives.transaction import Outpoint
from minicoin.core.signers.certificate import KeptCertificate
from minicoin.drivers.store.errors import StoreCorrupt, StoreForeign
from minicoin.drivers.store.flatfiles import FILE_BYTES_MAX, FlatFiles
from minicoin.drivers.store.index import MAP_BYTES, Changes, Ends, Index, Location, SignedRecords
from minicoin.drivers.store.lock import DirectoryLock


class DiskChainStore:
    """One data directory. Raises StoreLocked, StoreForeign, StoreTooNew or StoreCorrupt at open."""

    def __init__(
        self,
        directory: Path,
        network: Network,
        *,
        file_bytes_max: int = FILE_BYTES_MAX,
        map_bytes: int = MAP_BYTES,
    ) -> None:
        self.directory: Final = directory
        self.messages: list[str] = []
        """What opening had to repair, for the log."""
        self._lock = DirectoryLock(directory)
        try:
            self._open(network, file_bytes_max, map_bytes)
        except BaseException:
            self._lock.release()
            raise

    def _open(self, network: Network, file_bytes_max: int, map_bytes: int) -> None:
        blocks_directory = self.directory / "blocks"
        index_directory = self.directory / "index"
        if not index_directory.exists() and any(blocks_directory.glob("blk*.dat")):
            raise StoreForeign(
                f"{self.directory} holds block files but no index of minicoin: choose another --datadir and import "
                f"{blocks_directory} into it"
            )
        self._index = Index(index_directory, network, map_bytes)
        blocks_directory.mkdir(mode=0o700, exist_ok=True)
        self._blocks = FlatFiles(blocks_directory, "blk", network.magic, file_bytes_max)
        self._undo = FlatFiles(blocks_directory, "rev", network.magic, file_bytes_max)
        self._locations: dict[BlockHash, Location] = {}
        self._headers: dict[BlockHash, tuple[int, BlockHeader]] = {}
        self._certificates: dict[BlockHash, KeptCertificate] = {}
        self._changes: list[StoredChange] = []
        self._recovered: dict[BlockHash, BlockHeader] = {}
        try:
            self._recover()
        except BaseException:
            self._index.close()
            raise

    def _recover(self) -> None:
        ends = self._index.ends()
        for files, end in ((self._blocks, ends.blocks), (self._undo, ends.undo)):
            if files.end < end or (end[1] and files.path(end[0]).stat().st_size < end[1]):
                raise StoreCorrupt(
                    f"{files.path(end[0])} is shorter than the index says: restore the file, or move {self.directory} "
                    "away and import its blocks/ into a new one"
                )
        self._undo.truncate(*ends.undo)
        end = ends.blocks
        damaged = 0
        for position, raw in self._blocks.scan(*ends.blocks):
            end = (position.file, position.offset + position.size)
            if not is_whole(raw):
                # A power cut leaves files with their length and not all their bytes: nobody was told of this block.
                damaged += 1
                continue
            header = BlockHeader.parse(raw)
            self._locations[header.hash] = Location(position, None)
            self._recovered[header.hash] = header
        cut = self._blocks.truncate(*end)
        if self._recovered:
            count = len(self._recovered)
            self.messages.append(f"indexed {count} block{'s' * (count != 1)} that the last run had not")
        if damaged:
            self.messages.append(f"left out {damaged} blocks that were not written whole; they are fetched again")
        if cut:
            self.messages.append(f"cut {cut} bytes of a block that was not written to its end")

    def has(self, block: BlockHash) -> bool:
        return block in self._locations or self._index.location(block) is not None

    def append(self, block: BlockHash, raw: bytes) -> None:
        if not self.has(block):
            self._locations[block] = Location(self._blocks.append(raw), None)

    def read(self, block: BlockHash) -> bytes | None:
        location = self._location(block)
        if location is None:
            return None
        raw = self._blocks.read(location.block)
        if len(raw) < 80 or BlockHeader.parse(raw).hash != block:
            raise StoreCorrupt(
                f"{self._blocks.path(location.block.file)} is damaged at {location.block.offset}: restore the file, "
                "or remove the data directory and fetch the chain again"
            )
        return raw

    def append_undo(self, block: BlockHash, undo: bytes) -> None:
        location = self._location(block)
        if location is None:
            raise StoreCorrupt(f"no block for undo data of {block[::-1].hex()}")
        self._locations[block] = Location(location.block, self._undo.append(undo))

    def read_undo(self, block: BlockHash) -> bytes | None:
        location = self._location(block)
        return None if location is None or location.undo is None else self._undo.read(location.undo)

    def stored(self) -> Iterator[BlockHash]:
        yield from self._index.blocks()
        yield from [block for block in self._locations if self._index.location(block) is None]

    def sync(self) -> None:
        if self._certificates:
            self._index.add_certificates(self._encoded_certificates())
            self._certificates.clear()
        self._blocks.sync()

    def coins_tip(self) -> BlockHash | None:
        return self._index.tip()

    def coin(self, outpoint: Outpoint) -> bytes | None:
        return self._index.coin(outpoint)

    def coins(self) -> Iterator[tuple[Outpoint, bytes]]:
        return self._index.coins()

    def headers(self) -> Iterator[BlockHeader]:
        for raw in self._index.headers():
            yield BlockHeader.parse(raw)
        for _, header in sorted(self._headers.values(), key=lambda entry: entry[0]):
            yield header

    def recovered_headers(self) -> Iterator[BlockHeader]:
        return _parents_first(self._recovered)

    def add_headers(self, headers: Iterable[tuple[int, BlockHeader]]) -> None:
        for height, header in headers:
            self._headers[header.hash] = (height, header)

    def add_certificates(self, certificates: Iterable[tuple[BlockHash, KeptCertificate]]) -> None:
        self._certificates.update(certificates)

    def certificate(self, block: BlockHash) -> KeptCertificate | None:
        kept = self._certificates.get(block)
        if kept is not None:
            return kept
        raw = self._index.certificate(block)
        return None if raw is None else KeptCertificate.decode(raw)

    def add_changes(self, changes: Iterable[StoredChange]) -> None:
        self._changes += changes

    def changes(self) -> Iterator[StoredChange]:
        return iter(sorted({*self._index.changes(), *self._changes}))

    def commit(self, added: Mapping[Outpoint, bytes], removed: Iterable[Outpoint], tip: BlockHash) -> None:
        self._blocks.sync()
        self._undo.sync()
        headers = [(height, block, header.raw) for block, (height, header) in self._headers.items()]
        ends = Ends(self._blocks.end, self._undo.end)
        signed = SignedRecords(self._encoded_certificates(), list(self._changes))
        self._index.commit(Changes(self._locations, headers, added, list(removed), tip, ends, signed))
        self._locations.clear()
        self._headers.clear()
        self._certificates.clear()
        self._changes.clear()

    def close(self) -> None:
        """Release files and lock. What was not committed is found again at the next open."""
        try:
            self._blocks.close()
            self._undo.close()
            self._index.close()
        finally:
            self._lock.release()

    def _encoded_certificates(self) -> list[tuple[BlockHash, bytes]]:
        return [(block, kept.encode()) for block, kept in self._certificates.items()]

    def _location(self, block: BlockHash) -> Location | None:
        return self._locations.get(block) or self._index.location(block)


def _parents_first(headers: dict[BlockHash, BlockHeader]) -> Iterator[BlockHeader]:
    """Blocks arrive in any order; their headers must not."""
    children: dict[BlockHash, list[BlockHeader]] = {}
    ready: list[BlockHeader] = []
    for header in headers.values():
        if header.previous in headers:
            children.setdefault(header.previous, []).append(header)
        else:
            ready.append(header)
    while ready:
        header = ready.pop()
        yield header
        ready.extend(children.get(header.hash, ()))
