"""Writes a running node's recording: the loop makes the records, a thread takes them to the file.

Owns the file and its bound. Whatever goes wrong ends the recording with one word in the log, never the node: a full
disk, one that does not keep up, the limit reached. Nothing is left out in the middle. Owner-readable only, since it
tells whom the node talked to.
"""

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from minicoin.core.effects import Effect
from minicoin.core.events import Event
from minicoin.core.faults import MisuseError
from minicoin.core.limits import RECORD_CHECKPOINT_EVENTS, RECORD_END_BYTES, RECORD_QUEUE_BYTES_MAX
from minicoin.core.node.node import Node
from minicoin.core.recording.digest import part_digests
from minicoin.core.recording.writer import Opening, RecordingWriter
from minicoin.core.units import Micros

NoteEnd = Callable[[str, int, int], None]
"""Told why a recording ended, and how many events and bytes it holds."""


class Sink(Protocol):
    """An unbuffered file."""

    def write(self, data: memoryview, /) -> int | None:
        """How many bytes were written. Raises OSError."""

    def close(self) -> None:
        """Nothing more is written."""


def open_recording(path: Path) -> Sink:
    """A new file; an old one is never written over. Raises MisuseError."""
    try:
        return open(path, "xb", buffering=0, opener=lambda name, flags: os.open(name, flags, 0o600))
    except FileExistsError:
        raise MisuseError(f"{path} exists: a recording is never written over another file") from None
    except OSError as error:
        raise MisuseError(f"cannot record to {path}: {error.strerror or error}") from error


class Recorder:
    """Records one node from its start to its end, or to the limit."""

    def __init__(self, sink: Sink, opening: Opening, bytes_max: int, note_end: NoteEnd) -> None:
        """Writes the opening at once. Raises MisuseError where that alone does not fit, or cannot be written."""
        self.is_ended = False
        """Nothing more is recorded."""
        self._sink = sink
        self._bytes_max = bytes_max
        self._note_end = note_end
        self._writer = RecordingWriter()
        self._bytes = 0
        self._now = opening.assembled_at
        self._is_closing = False
        self._failure = ""
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._condition = threading.Condition()
        try:
            for record in self._writer.begin(opening):
                self._bytes += len(record)
                if self._bytes + RECORD_END_BYTES > bytes_max:
                    raise MisuseError(f"what the node begins with does not fit into a recording of {bytes_max} bytes")
                _write_all(sink, record)
        except OSError as error:
            raise MisuseError(f"cannot record: {error.strerror or error}") from error
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    # --- on the loop ---

    def start(self, now: Micros) -> None:
        """The node is about to start."""
        self._now = now
        self._put(self._writer.start(now))

    def before(self, event: Event, now: Micros, node: Node) -> None:
        """An event is about to be handled."""
        if self.is_ended:
            return
        reason = self._failure
        if not reason:
            try:
                encoded = self._writer.encode_event(event, now)
                reason = self._refuse(len(encoded))
            except MisuseError as error:
                reason = f"an event cannot be recorded: {error}"
        if reason:
            self.finish(reason, node, is_brief=True)
        else:
            self._now = now
            self._put(self._writer.event(encoded, now))

    def after(self, effects: Iterable[Effect], node: Node) -> None:
        """What the start or the event made the node want."""
        if self.is_ended:
            return
        self._writer.effects(effects)
        if self._writer.events % RECORD_CHECKPOINT_EVENTS == 0:
            self._put(self._checkpoint(node, is_brief=True))

    def finish(self, reason: str, node: Node, *, is_brief: bool = False) -> None:
        """Record no further event: the last checkpoint and the end mark. A brief one while the node goes on."""
        if self.is_ended:
            return
        self.is_ended = True
        if not self._failure:
            self._put(self._checkpoint(node, is_brief=is_brief))
            self._put(self._writer.end(reason))
        self._note_end(reason, self._writer.events, self._bytes)

    def _refuse(self, size: int) -> str:
        if self._bytes + size + RECORD_END_BYTES > self._bytes_max:
            return f"the limit of {self._bytes_max >> 20} MB is reached"
        if self._waiting_bytes + size > RECORD_QUEUE_BYTES_MAX:
            return "the disk does not keep up"
        return ""

    def _checkpoint(self, node: Node, *, is_brief: bool) -> bytes:
        return self._writer.checkpoint(part_digests(node, self._now, is_brief=is_brief), is_brief=is_brief)

    def _put(self, record: bytes) -> None:
        with self._condition:
            self._bytes += len(record)
            self._waiting_bytes += len(record)
            self._waiting.append(record)
            self._condition.notify()

    # --- the thread ---

    def close(self) -> None:
        """Write what waits, then close the file. Without finish() before, the recording has no end mark."""
        with self._condition:
            self._is_closing = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._is_closing:
                    self._condition.wait()
                records, self._waiting = self._waiting, []
            if not records:
                break
            joined = b"".join(records)
            if not self._failure:
                try:
                    _write_all(self._sink, joined)
                except OSError as error:
                    self._failure = f"cannot write: {error.strerror or error}"
            with self._condition:
                self._waiting_bytes -= len(joined)
        self._sink.close()


def _write_all(sink: Sink, data: bytes) -> None:
    """A raw file may take less than it was given."""
    rest = memoryview(data)
    while rest:
        rest = rest[sink.write(rest) or 0 :]
