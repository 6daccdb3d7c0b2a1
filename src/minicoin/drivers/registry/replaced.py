"""What is read from files that an operator replaces while the node runs: certificates and keys, a password, a token.

Before each use it is looked whether a file was replaced; then all are read anew. Where the new ones cannot be used,
what was read before stays in use, with a warning: a node is not cut off by a slip, and who replaces certificate and key
one after the other may do so.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from minicoin.core.faults import MisuseError
from minicoin.drivers.reports import RegistryFilesReplaced, RegistryWarned, Report

T = TypeVar("T")


class Replaced(Generic[T]):
    """Of some files that belong together."""

    def __init__(
        self,
        files: Iterable[Path],
        load: Callable[[], T],
        endpoint: Callable[[], str],
        report: Callable[[Report], None],
    ) -> None:
        """`load` reads them, and raises MisuseError where they cannot be used; so does this."""
        self._files = tuple(files)
        self._load = load
        self._endpoint = endpoint
        self._report = report
        self._marks = self._looks()
        self._current = load()
        self.problem = ""
        """Why what was replaced is not in use; empty where it is."""

    def current(self) -> T:
        """As the files have it now: another value than before if such that can be used have taken their places."""
        # Looked at first: what is replaced while it is read looks different the next time.
        marks = self._looks()
        if marks != self._marks:
            self._marks = marks
            try:
                self._current = self._load()
            except MisuseError as error:
                self.problem = f"what was replaced cannot be used, what was there before stays in use: {error}"
                self._report(RegistryWarned(self._endpoint(), self.problem))
            else:
                self.problem = ""
                self._report(RegistryFilesReplaced(self._endpoint()))
        return self._current

    def _looks(self) -> list[tuple[int, int, int] | None]:
        return [_mark(path) for path in self._files]


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
