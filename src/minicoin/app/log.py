"""The node's log: trace records as lines for people, or as JSON. One of the trace's readers.

A line is the time in UTC, what happened, and what belongs to it. What every transaction, dial and header brings is told
only where its area was asked for; a block that this node mined is one line; a node that catches up tells how far it is
now and then instead of every batch.
"""

import sys
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from minicoin.core.effects import Trace
from minicoin.core.faults import MisuseError
from minicoin.core.units import SECOND_US, Micros
from minicoin.rpc.json_text import Json, encode_json
from minicoin.rpc.port import LOG_AREAS

_AREAS: Final[dict[str, tuple[str, ...]]] = {
    "net": ("peer-opened", "peer-refused", "dial-failed", "inbound-failed", "addresses-found", "own-address"),
    "mempool": ("tx-accepted", "tx-refused"),
    "mining": ("block-mined",),
}
"""What is told only where its area was asked for."""
ALL_AREAS: Final = "all"
DEBUG_AREAS: Final = (*LOG_AREAS, ALL_AREAS)
_AREA_OF: Final = {kind: area for area in LOG_AREAS for kind in _AREAS[area]}
_PROGRESS_EVERY_US: Final = 10 * SECOND_US
_OTHER_RULES: Final = "other rules"
# A person names a handful of nodes; strangers could otherwise have a line each.
_TOLD_MAX: Final = 100
_KIND_WIDTH: Final = 12


class Log:
    """Takes trace records and writes lines."""

    def __init__(self, *, as_json: bool = False, areas: Collection[str] = (), path: Path | None = None) -> None:
        self.areas = frozenset(_AREAS if ALL_AREAS in areas else areas)
        """Whose every record is written."""
        self._format = _as_json if as_json else _as_text
        self.path = path
        self._file: TextIO | None = None
        self._told: dict[str, str] = {}
        self._mined = ""
        self._progress_at = Micros(0)
        if path is not None:
            try:
                self._file = _open(path)
            except OSError as error:
                raise MisuseError(f"cannot write the log file {path}: {error.strerror}") from error

    def reopen(self) -> None:
        """Open the log file anew, which somebody may have moved away; where that fails, the old one is kept."""
        if self.path is None:
            return
        try:
            fresh = _open(self.path)
        except OSError:
            return
        self.close()
        self._file = fresh

    def close(self) -> None:
        """Nothing is written to the file any more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def take(self, now: Micros, trace: Trace) -> None:
        """One record."""
        kind, fields = trace.kind, dict(trace.fields)
        if kind == "block-mined":
            self._mined = str(fields["block"])
        area = _AREA_OF.get(kind)
        if area is not None and area not in self.areas and not self._is_news(kind, fields):
            return
        if kind == "tip":
            told = self._tell_tip(now, fields)
            if told is None:
                return
            kind, fields = told
        self._write(self._format(now, kind, fields))

    def _tell_tip(self, now: Micros, fields: dict[str, str | int]) -> tuple[str, dict[str, str | int]] | None:
        """(kind, fields) of a tip's line: our own block, a step of catching up, or somebody's block."""
        height, headers = int(fields["height"]), int(fields.get("headers", 0))
        if height < headers - 1:
            if now - self._progress_at < _PROGRESS_EVERY_US:
                return None
            self._progress_at = now
            return "sync", {"height": height, "of": headers, "percent": 100 * height // headers}
        told = {name: value for name, value in fields.items() if name != "headers"}
        return ("mined" if self._mined == fields["block"] else "tip"), told

    def _is_news(self, kind: str, fields: dict[str, str | int]) -> bool:
        """A node that a person named cannot be reached, or one runs other rules.

        Worth a line when it happens first, and when the reason changes.
        """
        reason = str(fields.get("reason", ""))
        if kind == "dial-failed" and fields["chosen"]:
            subject = str(fields["remote"])
        elif kind == "inbound-failed" and _OTHER_RULES in reason:
            subject = reason
        else:
            return False
        if self._told.get(subject) == reason or len(self._told) >= _TOLD_MAX:
            return False
        self._told[subject] = reason
        return True

    def _write(self, line: str) -> None:
        try:
            (self._file or sys.stderr).write(line + "\n")
        except (OSError, ValueError):
            # A full disk or a closed terminal behind the log must not end the node.
            return


def _open(path: Path) -> TextIO:
    return path.open("a", encoding="utf-8", buffering=1)


def _as_text(now: Micros, kind: str, fields: dict[str, str | int]) -> str:
    words = (f"{name}={_quoted(value)}" for name, value in fields.items())
    return " ".join((_moment(now), kind.ljust(_KIND_WIDTH), *words)).rstrip()


def _quoted(value: str | int) -> str:
    """A text with blanks, or with what a terminal would obey, in quotes."""
    text = str(value)
    return text if text.isprintable() and text and not set(text) & set(" '\"") else repr(text)


def _as_json(now: Micros, kind: str, fields: dict[str, str | int]) -> str:
    record: dict[str, Json] = {"time": _moment(now), "event": kind, **fields}
    return encode_json(record)


def _moment(now: Micros) -> str:
    return datetime.fromtimestamp(now / SECOND_US, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
