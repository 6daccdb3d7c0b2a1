"""What a sweep has finished, one line of JSON a job, so that it can be killed at any time and go on.

A line is written in one piece and reaches the disk before the next job is counted. What a kill cuts off is removed
when the journal is opened again; a line that cannot be read is as if it were not there, and its job runs again. A row
is taken over only for the same scenario hash, seed and code.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from minicoin.core.faults import MisuseError
from minicoin.sim.sweep.plan import JobId, Scalar
from minicoin.sim.sweep.work import JobOutcome

NAME: Final = "journal.jsonl"


class JournalBusy(MisuseError):
    """Another sweep writes into the same directory."""


@dataclass(slots=True)
class Journal:
    """The open journal of a directory; `open_journal` makes it."""

    code: str
    rows: dict[JobId, Mapping[str, Scalar]]
    """Finished jobs of this code."""
    unreadable: int
    """Lines that were left out."""
    _file: BinaryIO

    def add(self, outcome: JobOutcome) -> None:
        """Write it down. Failures too, for people; they are tried again."""
        line = {
            "scenario_hash": outcome.id.scenario_hash,
            "seed": outcome.id.seed,
            "code": self.code,
            "error": outcome.error,
            "row": outcome.row,
        }
        self._file.write(json.dumps(line, separators=(",", ":"), allow_nan=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        if outcome.row is not None:
            self.rows[outcome.id] = outcome.row


@contextmanager
def open_journal(directory: Path, code: str) -> Iterator[Journal]:
    """The journal of `directory`, made where there is none. Raises JournalBusy and OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / NAME).open("a+b") as file:
        try:
            # The lock ends with the process, however that ends.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JournalBusy(f"another sweep is running in {directory}") from error
        yield _read(file, code)


def _read(file: BinaryIO, code: str) -> Journal:
    file.seek(0)
    journal = Journal(code, {}, 0, file)
    whole = 0
    for line in file:
        if not line.endswith(b"\n"):
            break
        whole += len(line)
        _take(line, journal)
    # A kill while writing left half a line; what is written next must not continue it.
    file.truncate(whole)
    file.seek(whole)
    return journal


def _take(line: bytes, journal: Journal) -> None:
    try:
        entry = json.loads(line)
        found = JobId(str(entry["scenario_hash"]), int(entry["seed"]))
        row = entry["row"]
        is_of_this_code = entry["code"] == journal.code
    except (ValueError, KeyError, TypeError):
        journal.unreadable += 1
        return
    if row is not None and is_of_this_code:
        journal.rows[found] = row
