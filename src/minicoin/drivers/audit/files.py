"""The files of an audit log: numbered, each up to a size, read as lines, and appended to with an fsync."""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import AUDIT_ENTRY_BYTES_MAX, AUDIT_FILE_BYTES_MAX
from minicoin.core.units import Micros
from minicoin.drivers.audit.entry import NONE_BEFORE, AuditDraft, AuditEntry, EntryKind, Fields, line_hash, parse_entry
from minicoin.drivers.audit.standing import LogStanding

_NAME: Final = re.compile(r"(\d{6,})\.jsonl")
_LINE_END: Final = b"\n"


class AuditBroken(MisuseError):
    """The log cannot be gone on with: it is broken, or another network's."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line of a file."""

    raw: bytes
    """Without its line feed."""
    end: int
    """Where the next one begins."""
    is_whole: bool
    """False for the last one where it has no line feed, or is too long to be an entry."""


def audit_files(directory: Path) -> list[Path]:
    """By number."""
    if not directory.is_dir():
        return []
    named = ((_NAME.fullmatch(path.name), path) for path in directory.iterdir())
    return [path for _, path in sorted((int(match[1]), path) for match, path in named if match is not None)]


def read_lines(path: Path) -> Iterator[AuditLine]:
    """The lines of a file. Raises OSError."""
    end = 0
    with path.open("rb") as file:
        while raw := file.readline(AUDIT_ENTRY_BYTES_MAX + len(_LINE_END)):
            end += len(raw)
            is_whole = raw.endswith(_LINE_END)
            yield AuditLine(raw[:-1] if is_whole else raw, end, is_whole)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log ends."""

    sequence: int = -1
    hash: bytes = NONE_BEFORE
    standing: LogStanding = LogStanding()

    def next(self, draft: AuditDraft) -> AuditEntry:
        """The entry that a draft becomes."""
        return AuditEntry(self.sequence + 1, self.hash, draft)

    def after(self, entry: AuditEntry, line: bytes) -> "Head":
        """Behind one more. Raises DecodeError."""
        return Head(entry.sequence, line_hash(line), self.standing.after(entry))


class AuditFiles:
    """The log of one node, to be appended to. Raises AuditBroken where it is none to go on with, and OSError."""

    def __init__(
        self,
        directory: Path,
        network_id: bytes,
        found: Callable[[], Fields],
        bytes_max: int = AUDIT_FILE_BYTES_MAX,
    ) -> None:
        """`found` is what the first entry says."""
        self.directory = directory
        self._network = network_id.hex()
        self._found = found
        self._bytes_max = bytes_max
        self._descriptor: int | None = None
        self._size = 0
        self._number = 0
        self.head = Head()
        self.cut_bytes = 0
        """So many were taken away at the end, which were no whole entry."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open_last()

    def append(self, drafts: Sequence[AuditDraft]) -> int:
        """Write the first so many of them, one at least: they are on disk then, or none is. What stands in the log
        already is passed over: a node that lost its last blocks meets their changes again. Raises OSError."""
        if self._descriptor is None or self._size >= self._bytes_max:
            self._begin_file(drafts[0].time, drafts[0].height)
        lines, head, size, count = list[bytes](), self.head, self._size, 0
        for draft in drafts:
            if head.standing.has(draft):
                count += 1
                continue
            entry = head.next(draft)
            line = entry.encode()
            if lines and size + len(line) >= self._bytes_max:
                break
            head, size, count = head.after(entry, line), size + len(line) + 1, count + 1
            lines.append(line + _LINE_END)
        if lines:
            self._write(b"".join(lines))
        self.head = head
        return count

    def free_bytes(self) -> int:
        """What room the disk has. Raises OSError."""
        return shutil.disk_usage(self.directory).free

    def close(self) -> None:
        """Nothing is appended any more."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    # --- opening ---

    def _open_last(self) -> None:
        paths = audit_files(self.directory)
        while paths:
            path = paths.pop()
            end = self._read(path)
            self.cut_bytes += path.stat().st_size - end
            if end:
                self._number = _number(path)
                self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                os.ftruncate(self._descriptor, end)
                os.lseek(self._descriptor, end, os.SEEK_SET)
                os.fsync(self._descriptor)
                self._size = end
                return
            # A crash between making a file and its first entry.
            path.unlink()

    def _read(self, path: Path) -> int:
        """Where its last whole entry ends. Behind that stands at most what a crash left: a line without its end, or
        zeros where a write did not get to the disk."""
        head, end, is_torn = Head(), 0, False
        for number, line in enumerate(read_lines(path), start=1):
            if not line.is_whole or b"\0" in line.raw:
                is_torn = True
                continue
            try:
                if is_torn:
                    raise DecodeError("it stands behind a line that was cut short")
                entry = parse_entry(line.raw)
                head = Head(entry.sequence - 1, entry.previous) if head.sequence < 0 else head
                self._check(entry, head, is_first=not end)
                head, end = head.after(entry, line.raw), line.end
            except DecodeError as error:
                raise AuditBroken(
                    f"line {number} of {path} cannot be read ({error}): minicoin audit verify says more. Move the "
                    "folder away and start again for a new log; keep the old one"
                ) from error
        self.head = head if end else self.head
        return end

    def _check(self, entry: AuditEntry, head: Head, *, is_first: bool) -> None:
        """Raises AuditBroken."""
        if is_first and entry.kind not in (EntryKind.NETWORK, EntryKind.SEGMENT):
            raise AuditBroken(f"{self.directory} holds a file that does not begin as files of an audit log do")
        if entry.previous != head.hash or entry.sequence != head.sequence + 1:
            raise AuditBroken(
                f"the audit log in {self.directory} is broken at entry {entry.sequence}, which does not follow the one "
                "before it: minicoin audit verify says more. Move the folder away and start again for a new log; keep "
                "the old one"
            )
        network = head.standing.after(entry).network
        if network != self._network:
            raise AuditBroken(
                f"the audit log in {self.directory} is of the network {network[:16]}, not of this one "
                f"({self._network[:16]}): move it away and start again"
            )

    # --- writing ---

    def _begin_file(self, time: Micros, height: int) -> None:
        """The next one, with its first entry. Raises OSError."""
        if self.head.sequence < 0:
            draft = AuditDraft(time, height, EntryKind.NETWORK, self._found())
        else:
            draft = AuditDraft(time, height, EntryKind.SEGMENT, self.head.standing.to_fields())
        entry = self.head.next(draft)
        line = entry.encode()
        path = self.directory / f"{self._number + 1:06}.jsonl"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write_all(descriptor, line + _LINE_END)
            os.fsync(descriptor)
            _sync_directory(self.directory)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        self.close()
        self._descriptor, self._number, self._size = descriptor, self._number + 1, len(line) + 1
        self.head = self.head.after(entry, line)

    def _write(self, raw: bytes) -> None:
        assert self._descriptor is not None
        try:
            _write_all(self._descriptor, raw)
            os.fsync(self._descriptor)
        except OSError:
            # What got there in part goes, so that it can be tried again.
            os.ftruncate(self._descriptor, self._size)
            os.lseek(self._descriptor, self._size, os.SEEK_SET)
            raise
        self._size += len(raw)


def _number(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    assert match is not None
    return int(match[1])


def _write_all(descriptor: int, raw: bytes) -> None:
    while raw:
        raw = raw[os.write(descriptor, raw) :]


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
