"""Append-only numbered files of framed records, as Bitcoin Core's blk*.dat: magic, u32 length, payload.

Knows nothing of blocks. A record is in the file when `append` returns and survives a power failure after `sync`; what
a crash left half-written is found by `scan` and cut by `truncate`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

from minicoin.drivers.store.errors import StoreCorrupt, StoreError, StoreFull, is_full

FILE_BYTES_MAX: Final = 128 << 20
"""Bitcoin Core's size of one file."""

FRAME_SIZE: Final = 8
_LENGTH = Struct("<I")
_OPEN_FILES_MAX = 16


class Position(NamedTuple):
    """Where a record's payload stands."""

    file: int
    offset: int
    size: int


class FlatFiles:
    """The series `<prefix>00000.dat`, `<prefix>00001.dat`, ... in one directory."""

    def __init__(self, directory: Path, prefix: str, magic: bytes, file_bytes_max: int = FILE_BYTES_MAX) -> None:
        self._directory: Final = directory
        self._prefix: Final = prefix
        self._magic: Final = magic
        self._file_bytes_max: Final = file_bytes_max
        self._open: dict[int, int] = {}
        self._unsynced: dict[int, None] = {}
        self._directory_changed = False
        numbers = self.numbers()
        self._last = numbers[-1] if numbers else 0
        path = self.path(self._last)
        self._end = path.stat().st_size if path.exists() else 0

    def path(self, number: int) -> Path:
        """The file of that number."""
        return self._directory / f"{self._prefix}{number:05}.dat"

    def numbers(self) -> list[int]:
        """The files there are, ascending."""
        names = (path.name[len(self._prefix) : -4] for path in self._directory.glob(f"{self._prefix}*.dat"))
        return sorted(int(name) for name in names if name.isdigit())

    @property
    def end(self) -> tuple[int, int]:
        """(file, offset) behind the last record."""
        return self._last, self._end

    def append(self, payload: bytes) -> Position:
        """Write one record. Raises StoreFull and leaves the files as they were when there is no room."""
        size = FRAME_SIZE + len(payload)
        if self._end and self._end + size > self._file_bytes_max:
            self._last, self._end = self._last + 1, 0
        file = self._descriptor(self._last)
        frame = self._magic + _LENGTH.pack(len(payload))
        try:
            written = os.pwritev(file, (frame, payload), self._end)
            while written < size:
                rest = (frame + payload)[written:]
                written += os.pwrite(file, rest, self._end + written)
        except OSError as error:
            os.ftruncate(file, self._end)
            if is_full(error):
                raise StoreFull(self.path(self._last), error) from error
            raise StoreError(f"cannot write {self.path(self._last)}: {error.strerror}") from error
        position = Position(self._last, self._end + FRAME_SIZE, len(payload))
        self._end += size
        self._unsynced[self._last] = None
        return position

    def read(self, position: Position) -> bytes:
        """The payload. Raises StoreCorrupt when the file is shorter than it was."""
        try:
            payload = os.pread(self._descriptor(position.file), position.size, position.offset)
        except OSError as error:
            raise StoreError(f"cannot read {self.path(position.file)}: {error.strerror}") from error
        if len(payload) != position.size:
            raise StoreCorrupt(
                f"{self.path(position.file)} is truncated: record at {position.offset} is not whole; "
                "restore the file, or remove the data directory and import the chain again"
            )
        return payload

    def sync(self) -> None:
        """Wait until every appended record is on the disk."""
        try:
            for number in self._unsynced:
                os.fdatasync(self._descriptor(number))
            if self._directory_changed:
                directory = os.open(self._directory, os.O_RDONLY)
                try:
                    os.fsync(directory)
                finally:
                    os.close(directory)
        except OSError as error:
            if is_full(error):
                raise StoreFull(self._directory, error) from error
            raise StoreError(f"cannot sync {self._directory}: {error.strerror}") from error
        self._unsynced.clear()
        self._directory_changed = False

    def scan(self, file: int, offset: int) -> Iterator[tuple[Position, bytes]]:
        """Every whole record from there on; ends at the first place that is not one."""
        for number in range(file, self._last + 1):
            path = self.path(number)
            size = path.stat().st_size if path.exists() else 0
            at = offset if number == file else 0
            while at + FRAME_SIZE <= size:
                frame = os.pread(self._descriptor(number), FRAME_SIZE, at)
                length = _LENGTH.unpack_from(frame, 4)[0]
                if frame[:4] != self._magic or at + FRAME_SIZE + length > size:
                    return
                position = Position(number, at + FRAME_SIZE, length)
                yield position, self.read(position)
                at += FRAME_SIZE + length
            if at != size:
                return

    def truncate(self, file: int, offset: int) -> int:
        """Cut everything behind (file, offset); how many bytes that were."""
        cut = 0
        for number in self.numbers():
            path = self.path(number)
            size = path.stat().st_size
            if number == file and size > offset:
                os.ftruncate(self._descriptor(number), offset)
                cut += size - offset
            elif number > file:
                cut += size
                self._close(number)
                path.unlink()
        self._last, self._end = file, offset
        return cut

    def close(self) -> None:
        """Sync and close the files."""
        self.sync()
        for number in list(self._open):
            self._close(number)

    def _descriptor(self, number: int) -> int:
        file = self._open.get(number)
        if file is not None:
            return file
        if len(self._open) >= _OPEN_FILES_MAX:
            self.sync()
            self._close(next(iter(self._open)))
        path = self.path(number)
        self._directory_changed = self._directory_changed or not path.exists()
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"cannot open {path}: {error.strerror}") from error
        self._open[number] = file
        return file

    def _close(self, number: int) -> None:
        file = self._open.pop(number, None)
        if file is not None:
            os.close(file)
