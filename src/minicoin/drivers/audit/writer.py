"""Writes the audit log off the loop, in a thread: what comes within a quarter of a second has one write and fsync.

What the disk refuses waits and is tried again; when too much waits, what comes is counted, and the log says how much is
gone once it can be written again.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from minicoin.core.limits import AUDIT_ENTRIES_WAITING_MAX, AUDIT_FREE_BYTES_MIN, AUDIT_GROUP_US, AUDIT_RETRY_US
from minicoin.core.units import SECOND_US
from minicoin.drivers.audit.entry import AuditDraft, EntryKind
from minicoin.drivers.audit.files import AuditFiles


@dataclass(frozen=True, slots=True)
class AuditStatus:
    """Of one moment."""

    directory: str
    entries: int
    head: bytes
    """The hash of the last entry."""
    trouble: str
    """Why nothing is written; empty where it is."""
    lost: int
    """Entries that are gone for good, and that the log does not tell of yet."""
    is_short: bool
    """There is little room left."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator should know."""
        found: list[str] = []
        if self.trouble:
            found.append(f"the audit log is not written: {self.trouble}")
        if self.lost:
            found.append(f"{self.lost} entries of the audit log could not be kept")
        if self.is_short:
            found.append(
                f"the disk of the audit log has less than {AUDIT_FREE_BYTES_MIN >> 30} GB left: make room, or move "
                f"the oldest files of {self.directory} away"
            )
        return tuple(found)


class AuditWriter:
    """One thread. `on_trouble` is called there with what went wrong, once for each different thing."""

    def __init__(self, files: AuditFiles, on_trouble: Callable[[str], None]) -> None:
        self._files = files
        self._on_trouble = on_trouble
        self._waiting: deque[AuditDraft] = deque()
        self._condition = threading.Condition()
        self._is_stopping = False
        self._lost = 0
        self._trouble = ""
        self._is_short = False
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def put(self, drafts: Iterable[AuditDraft]) -> None:
        """They stand in the log a little later."""
        with self._condition:
            for draft in drafts:
                if len(self._waiting) >= AUDIT_ENTRIES_WAITING_MAX:
                    self._lost += 1
                else:
                    self._waiting.append(draft)
            self._condition.notify()

    def status(self) -> AuditStatus:
        """How it goes."""
        with self._condition:
            head = self._files.head
            directory = str(self._files.directory)
            return AuditStatus(directory, head.sequence + 1, head.hash, self._trouble, self._lost, self._is_short)

    def stop(self) -> None:
        """Write what waits, then end; what the disk refuses now is filled in at the next start."""
        with self._condition:
            self._is_stopping = True
            self._condition.notify()
        self._thread.join()
        self._files.close()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._is_stopping:
                    self._condition.wait()
                if not self._is_stopping:
                    # More of the same comes at once: one fsync is for all of it.
                    self._condition.wait_for(lambda: self._is_stopping, AUDIT_GROUP_US / SECOND_US)
                if not self._waiting:
                    return
                drafts = list(self._waiting)
                count, lost = len(drafts), self._lost
            if lost:
                drafts.append(AuditDraft(drafts[-1].time, drafts[-1].height, EntryKind.LOST, {"count": lost}))
            trouble, is_short = "", self._is_short
            try:
                written = self._files.append(drafts)
                is_short = self._files.free_bytes() < AUDIT_FREE_BYTES_MIN
            except OSError as error:
                written, trouble = 0, f"{error.strerror or error}"
            self._settle(min(written, count), lost if written > count else 0, trouble, is_short=is_short)
            if trouble:
                with self._condition:
                    if self._condition.wait_for(lambda: self._is_stopping, AUDIT_RETRY_US / SECOND_US):
                        return

    def _settle(self, written: int, lost: int, trouble: str, *, is_short: bool) -> None:
        with self._condition:
            for _ in range(written):
                self._waiting.popleft()
            self._lost -= lost
            is_news = bool(trouble) and trouble != self._trouble
            self._trouble, self._is_short = trouble, is_short
        if is_news:
            self._on_trouble(trouble)
