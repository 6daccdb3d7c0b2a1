"""Reads a log, or a file that one was exported to, and says where its chain of hashes breaks first.

A log is read while its node writes it: a last line without its end is no error, but what is being written, or what a
crash left for the node's next start to mend.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.drivers.audit.entry import AuditEntry, EntryKind, line_hash, parse_entry
from minicoin.drivers.audit.files import Head, audit_files, read_lines


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where it does not hold."""

    file: str
    line: int
    sequence: int | None
    """Of the entry that does not fit, where it can be read."""
    problem: str

    @property
    def text(self) -> str:
        """For people."""
        entry = "" if self.sequence is None else f", entry {self.sequence}"
        return f"{self.file}, line {self.line}{entry}: {self.problem}"


@dataclass(frozen=True, slots=True)
class LogVerdict:
    """What came of it."""

    entries: int
    """That hold, from the first."""
    first: int
    """The number of the first one; above 0 where older files were moved away."""
    head: bytes
    """The hash of the last that holds."""
    network: str
    is_cut: bool
    """The last line has no end."""
    broken: Broken | None
    holds: bool | None
    """Whether the entry with the hash that was asked for is among them; None where none was."""


@dataclass(frozen=True, slots=True)
class Read:
    """An entry with the file it stands in, and its line."""

    entry: AuditEntry
    line: bytes
    file: str
    number: int


def log_files(path: Path) -> list[Path]:
    """Those of a folder, by number; or the one file that it is. Raises MisuseError where there are none."""
    files = [path] if path.is_file() else audit_files(path)
    if not files:
        raise MisuseError(f"no audit log in {path}: nodes of networks whose blocks members sign keep one there")
    return files


def read_entries(path: Path) -> Iterator[Read]:
    """All entries, whatever their hashes say. Raises DecodeError that names the line, and OSError."""
    files = log_files(path)
    for file in files:
        for number, line in enumerate(read_lines(file), start=1):
            if not line.is_whole and file == files[-1]:
                return
            try:
                entry = parse_entry(line.raw)
            except DecodeError as error:
                raise DecodeError(f"{file.name}, line {number}: {error}: minicoin audit verify says more") from error
            yield Read(entry, line.raw, file.name, number)


def verify_log(path: Path, holds: bytes | None = None) -> LogVerdict:
    """The whole of it; `holds` is the hash of an entry that it should have. Raises MisuseError, and OSError."""
    files = log_files(path)
    head, first, count, network, is_cut = Head(), 0, 0, "", False
    has_found = False
    broken: Broken | None = None
    for file in files:
        for number, line in enumerate(read_lines(file), start=1):
            if not line.is_whole and file == files[-1]:
                is_cut = True
                break
            sequence: int | None = None
            try:
                if not line.is_whole:
                    raise DecodeError("the line has no end, and another file follows")
                entry = parse_entry(line.raw)
                sequence = entry.sequence
                if not count:
                    head, first = Head(sequence - 1, entry.previous), sequence
                _check(entry, head, is_first=not count, begins_file=number == 1 and path.is_dir())
                head = head.after(entry, line.raw)
            except DecodeError as error:
                broken = Broken(file.name, number, sequence, str(error))
                break
            count, network = count + 1, head.standing.network
            has_found |= line_hash(line.raw) == holds
        if broken is not None:
            break
    return LogVerdict(count, first, head.hash, network, is_cut, broken, None if holds is None else has_found)


def _check(entry: AuditEntry, head: Head, *, is_first: bool, begins_file: bool) -> None:
    """Raises DecodeError that says why an entry does not belong behind what stands before it."""
    if is_first and entry.kind not in (EntryKind.NETWORK, EntryKind.SEGMENT):
        raise DecodeError("the log does not begin with its network, nor with how far it had come")
    if entry.sequence != head.sequence + 1:
        raise DecodeError(f"entry {head.sequence + 1} should stand here")
    if entry.previous != head.hash:
        raise DecodeError("it does not name the hash of the entry before it: one of the two was changed")
    if (entry.kind is EntryKind.NETWORK) != (entry.sequence == 0) or (not entry.sequence and any(head.hash)):
        raise DecodeError("a log begins with its network, and nowhere else")
    if begins_file and entry.sequence and entry.kind is not EntryKind.SEGMENT:
        raise DecodeError("a file begins with how far the log has come")
    standing = head.standing.after(entry)
    if entry.kind is EntryKind.SEGMENT and not is_first and standing != head.standing:
        raise DecodeError("it says that the log has come elsewhere than it has")
    if standing.network != (head.standing.network or standing.network) and not is_first:
        raise DecodeError("it is of another network")
