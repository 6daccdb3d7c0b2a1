"""Import and export of blk*.dat and bootstrap.dat: framed blocks in any order, also XORed as Bitcoin Core 28+ does.

Reads what other programs wrote, so nothing in a file is trusted: gaps and garbage are skipped and counted, a
truncated tail is reported. Which blocks are good is the chain's to say.
"""

import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import BLOCK_SERIALISED_BYTES_MAX
from minicoin.core.params.builtin import NETWORKS
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import HEADER_SIZE, BlockHash, RawBlock
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected, InvalidBlock
from minicoin.core.signers.certificate import KeptCertificate
from minicoin.drivers.store.certified_files import FoundCertificates
from minicoin.drivers.store.errors import StoreFull, is_full
from minicoin.drivers.store.flatfiles import FRAME_SIZE
from minicoin.drivers.store.local_chain import LocalChain

XOR_FILE: Final = "xor.dat"
_XOR_CHUNK_BYTES: Final = 1 << 20
_BATCH_BLOCKS: Final = 64
_BATCH_BYTES: Final = 12 << 20
_PROBLEMS_KEPT: Final = 20


class FilePlace(NamedTuple):
    """A block's payload in a file."""

    offset: int
    size: int


class BlockFile:
    """One file of framed blocks. `skipped_bytes` and `is_truncated` are known once `places` was used up."""

    def __init__(self, path: Path, magic: bytes) -> None:
        self.path: Final = path
        self._magic = magic
        self.skipped_bytes = 0
        self.is_truncated = False
        self._bytes = _load(path)

    def places(self) -> Iterator[FilePlace]:
        """Where blocks stand, in the order of the file."""
        content, magic = self._bytes, self._magic
        size = len(content)
        at = 0
        while (found := content.find(magic, at)) >= 0:
            # Bitcoin Core reserves room in zeros: that is no garbage.
            self.skipped_bytes += _count_garbage(content, at, found)
            start = found + FRAME_SIZE
            length = int.from_bytes(content[found + 4 : start], "little")
            if not HEADER_SIZE < length <= BLOCK_SERIALISED_BYTES_MAX:
                self.skipped_bytes += 4
                at = found + 4
                continue
            if start + length > size:
                self.is_truncated = True
                # What looks like a length may be chance: look for further blocks behind this magic.
                at = found + 4
                continue
            yield FilePlace(start, length)
            at = start + length
        self.skipped_bytes += _count_garbage(content, at, size) if not self.is_truncated else 0

    def read(self, place: FilePlace) -> bytes:
        """The block's bytes."""
        return bytes(self._bytes[place.offset : place.offset + place.size])

    def close(self) -> None:
        """Give the mapping back."""
        if isinstance(self._bytes, mmap.mmap):
            self._bytes.close()


def _count_garbage(content: "mmap.mmap | bytes", start: int, end: int) -> int:
    gap = content[start:end]
    return len(gap) - gap.count(0)


def _load(path: Path) -> "mmap.mmap | bytes":
    try:
        key_path = path.parent / XOR_FILE
        key = key_path.read_bytes() if key_path.exists() and path.name != "bootstrap.dat" else b""
        with path.open("rb") as file:
            if not path.stat().st_size:
                return b""
            if not any(key):
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return _xor(file.read(), key)
    except OSError as error:
        raise MisuseError(f"cannot read {path}: {error.strerror}") from error


def _xor(content: bytes, key: bytes) -> bytes:
    """Bitcoin Core repeats the key over the whole file."""
    chunk_size = _XOR_CHUNK_BYTES - _XOR_CHUNK_BYTES % len(key)
    pad = int.from_bytes(key * (chunk_size // len(key)), "big")
    parts: list[bytes] = []
    for at in range(0, len(content), chunk_size):
        chunk = content[at : at + chunk_size]
        value = int.from_bytes(chunk, "big") ^ (pad >> 8 * (chunk_size - len(chunk)))
        parts.append(value.to_bytes(len(chunk), "big"))
    return b"".join(parts)


@dataclass(slots=True)
class ImportReport:
    """What an import did. `problems` names the first refused blocks and damaged files."""

    files: int = 0
    read: int = 0
    stored: int = 0
    known: int = 0
    refused: int = 0
    without_parent: int = 0
    without_certificate: int = 0
    skipped_bytes: int = 0
    truncated_files: int = 0
    height: int = 0
    problems: list[str] = field(default_factory=list)


ProgressCallback = Callable[[int, int, int], None]
"""(bytes done, bytes in all, height)."""


def find_block_files(paths: list[Path]) -> list[Path]:
    """The files that `paths` mean: files as they are, directories by their blk*.dat and bootstrap.dat. Raises
    MisuseError when there is none."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [*sorted(path.glob("blk*.dat")), *sorted(path.glob("bootstrap.dat"))]
            blocks = path / "blocks"
            found += inside or (sorted(blocks.glob("blk*.dat")) if blocks.is_dir() else [])
        elif path.exists():
            found.append(path)
        else:
            raise MisuseError(f"no such file: {path}")
    if not found:
        raise MisuseError(f"no blk*.dat or bootstrap.dat in {', '.join(map(str, paths))}")
    return found


class BlockImporter:
    """Feeds blocks of files to a chain. A block whose parent comes later waits as its place in its file."""

    def __init__(self, chain: LocalChain, progress: ProgressCallback | None = None) -> None:
        self._chain = chain
        self._progress = progress
        self._waiting: dict[BlockHash, list[tuple[Path, FilePlace]]] = {}
        self._files: dict[Path, BlockFile] = {}
        self._batch_blocks = 0
        self._batch_bytes = 0
        self._done_bytes = 0
        self._found: FoundCertificates | None = None
        """Where members sign: what the files say of certificates."""
        self.report = ImportReport()

    def run(self, paths: list[Path]) -> ImportReport:
        """Import every block of the files. Raises MisuseError when a file has no block of this network."""
        if self._chain.tree.signers is not None:
            self._found = FoundCertificates(self._chain, paths)
        total = sum(path.stat().st_size for path in paths)
        try:
            for path in paths:
                self._read_file(path, total)
            self._advance()
        finally:
            for file in self._files.values():
                file.close()
        self.report.without_parent = sum(map(len, self._waiting.values()))
        for raw in () if self._found is None else self._found.waiting():
            self.report.without_certificate += 1
            self._note(
                f"block {raw.header}: left out, since no file has its certificate; a .cert beside the last one has"
            )
        self.report.height = self._chain.height
        self._chain.engine.flush()
        return self.report

    def _read_file(self, path: Path, total: int) -> None:
        file = self._files[path] = BlockFile(path, self._chain.network.magic)
        base, count = self._done_bytes, 0
        for place in file.places():
            count += 1
            self._offer(path, place)
            self._done_bytes = base + place.offset + place.size
            if self._progress is not None:
                self._progress(self._done_bytes, total, self._chain.height)
        self._done_bytes = base + path.stat().st_size
        if not count and (file.skipped_bytes or file.is_truncated):
            raise MisuseError(_explain_no_blocks(path, self._chain.network))
        self.report.files += 1
        self.report.skipped_bytes += file.skipped_bytes
        if file.skipped_bytes:
            self._note(f"{path}: skipped {file.skipped_bytes} bytes that are no blocks")
        if file.is_truncated:
            self.report.truncated_files += 1
            self._note(f"{path}: the last block is truncated")
        if not any(waiting_path == path for places in self._waiting.values() for waiting_path, _ in places):
            self._files.pop(path).close()

    def _offer(self, path: Path, place: FilePlace) -> None:
        """Store the block, and whatever waited for it."""
        queue = [(path, place)]
        while queue:
            path, place = queue.pop()
            self.report.read += 1
            try:
                raw = RawBlock.parse(self._files[path].read(place))
            except DecodeError as error:
                self._refuse(f"{path} at {place.offset}: {error}")
                continue
            if not self._has_parent(raw):
                self._waiting.setdefault(raw.header.previous, []).append((path, place))
                self.report.read -= 1
                continue
            if self._found is None:
                self._store(raw)
            elif not self._take_certified(raw, self._found):
                continue
            queue.extend(self._waiting.pop(raw.hash, ()))

    def _has_parent(self, raw: RawBlock) -> bool:
        tree = self._chain.tree
        if raw.header.previous in tree or raw.hash in tree:
            return True
        return self._found is not None and self._found.parent_of(raw) is not None

    def _take_certified(self, raw: RawBlock, found: FoundCertificates) -> bool:
        """A block where members sign: its parent has its certificate now, and can be stored; it waits for its own.
        False where it is refused."""
        parent = found.parent_of(raw)
        if parent is not None:
            kept = found.carried_by(raw)
            if kept is None or not self._store_certified(parent, kept, found):
                self._refuse(f"block {raw.header}: it carries no certificate that makes its parent final")
                return False
        kept = found.of_tip(raw)
        if raw.hash in self._chain.tree:
            self._store(raw)
        elif kept is not None:
            self._store_certified(raw, kept, found)
        elif not found.wait(raw):
            self._refuse(f"block {raw.header}: too many blocks wait for their certificates")
            return False
        return True

    def _store_certified(self, raw: RawBlock, kept: KeptCertificate, found: FoundCertificates) -> bool:
        refusal = self._store(raw, kept)
        if refusal is None:
            found.stored(raw)
        elif refusal.is_permanent:
            found.drop(raw)
        return refusal is None

    def _store(self, raw: RawBlock, kept: KeptCertificate | None = None) -> BlockRejected | None:
        node = self._chain.tree.get(raw.hash)
        if node is not None and node.is_stored:
            self.report.known += 1
            return None
        try:
            self._chain.store_block(raw, kept)
        except BlockRejected as refusal:
            if refusal.reason is not BlockReason.MARKED_INVALID:
                self._refuse(f"block {raw.header}: {refusal}")
            return refusal
        self.report.stored += 1
        self._batch_blocks += 1
        self._batch_bytes += len(raw.raw)
        if self._batch_blocks >= _BATCH_BLOCKS or self._batch_bytes >= _BATCH_BYTES:
            self._advance()
        return None

    def _advance(self) -> None:
        self._batch_blocks = self._batch_bytes = 0
        for invalid in self._chain.advance():
            self._refuse(_describe(invalid))

    def _refuse(self, problem: str) -> None:
        self.report.refused += 1
        self._note(problem)

    def _note(self, problem: str) -> None:
        if len(self.report.problems) < _PROBLEMS_KEPT:
            self.report.problems.append(problem)


def _describe(invalid: InvalidBlock) -> str:
    return f"block {invalid.hash[::-1].hex()}: {invalid.name}: {invalid.detail}"


def _explain_no_blocks(path: Path, network: Network) -> str:
    head = path.read_bytes()[:4]
    other = next((known.name for known in NETWORKS.values() if known.magic == head), None)
    if other is not None and head != network.magic:
        return f"{path} holds blocks of {other}, not of {network.name}: choose --network {other}"
    return f"{path} holds no block of {network.name}: not a blk*.dat or bootstrap.dat, or of another network"


def import_blocks(chain: LocalChain, paths: list[Path], progress: ProgressCallback | None = None) -> ImportReport:
    """Import the files that `paths` mean into the chain."""
    return BlockImporter(chain, progress).run(find_block_files(paths))


def export_blocks(
    chain: LocalChain, path: Path, progress: ProgressCallback | None = None, *, start_height: int = 0
) -> int:
    """Write the best chain from `start_height` to its tip as one bootstrap.dat; how many blocks. Raises StoreFull,
    and leaves no half-written file under that name."""
    partial = path.with_name(path.name + ".partial")
    magic = chain.network.magic
    total = chain.height + 1 - start_height
    try:
        with partial.open("wb") as file:
            for height in range(start_height, chain.height + 1):
                node = chain.tree.at_height(height)
                raw = chain.engine.read_block(node.hash) if node is not None else None
                if raw is None:
                    raise MisuseError(f"the block at height {height} is not stored")
                file.write(magic + len(raw.raw).to_bytes(4, "little") + raw.raw)
                if progress is not None:
                    progress(height + 1 - start_height, total, height)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if is_full(error):
            raise StoreFull(path, error) from error
        raise MisuseError(f"cannot write {path}: {error.strerror}") from error
    return total
