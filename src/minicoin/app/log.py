"""The node's log: notices and reports as lines for people, or as JSON.

A line is the time in UTC, what happened, and what belongs to it. What every transaction, dial and header brings is told
only where its area was asked for; a block that this node mined is one line; a node that catches up tells how far it is
now and then instead of every batch. What a line says is in app/log_lines.py.
"""

import sys
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from minicoin.app.log_lines import AREA_OF, Fields, Line, line_of
from minicoin.core.faults import MisuseError
from minicoin.core.notices import BlockMined, InboundLost, Notice, PeerUnreachable, TipMoved
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import SECOND_US, Micros
from minicoin.drivers.reports import Report
from minicoin.rpc.json_text import Json, encode_json
from minicoin.rpc.port import LOG_AREAS

ALL_AREAS: Final = "all"
DEBUG_AREAS: Final = (*LOG_AREAS, ALL_AREAS)
_PROGRESS_EVERY_US: Final = 10 * SECOND_US
_OTHER_RULES: Final = "other rules"
# A person names a handful of nodes; strangers could otherwise have a line each.
_TOLD_MAX: Final = 100
_WORD_WIDTH: Final = 12


class Log:
    """Takes notices and reports, and writes lines."""

    def __init__(self, *, as_json: bool = False, areas: Collection[str] = (), path: Path | None = None) -> None:
        self.areas = frozenset(LOG_AREAS if ALL_AREAS in areas else areas)
        """Whose every line is written."""
        self._format = _as_json if as_json else _as_text
        self.path = path
        self._file: TextIO | None = None
        self._told: dict[str, str] = {}
        self._mined: BlockHash | None = None
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
        file, self._file = self._file, None
        if file is not None:
            # What a full disk did not take is tried once more, and may be refused once more.
            with suppress(OSError):
                file.close()

    def take(self, now: Micros, notice: Notice | Report) -> None:
        """Something was told."""
        if isinstance(notice, BlockMined):
            self._mined = notice.block
        area = AREA_OF.get(type(notice))
        if area is not None and area not in self.areas and not self._is_news(notice):
            return
        line = self._line_of_tip(now, notice) if isinstance(notice, TipMoved) else line_of(notice)
        if line is not None:
            self._write(self._format(now, line.word, line.fields))

    def _line_of_tip(self, now: Micros, tip: TipMoved) -> Line | None:
        """A step of catching up, our own block, or somebody's."""
        if tip.height < tip.best_header_height - 1:
            if now - self._progress_at < _PROGRESS_EVERY_US:
                return None
            self._progress_at = now
            percent = 100 * tip.height // tip.best_header_height
            return Line("sync", {"height": tip.height, "of": tip.best_header_height, "percent": percent})
        line = line_of(tip)
        return Line("mined", line.fields) if self._mined == tip.block else line

    def _is_news(self, notice: Notice | Report) -> bool:
        """A node that a person named cannot be reached, or one runs other rules.

        Worth a line when it happens first, and when the reason changes.
        """
        match notice:
            case PeerUnreachable(remote, reason, is_chosen=True):
                subject = str(remote)
            case InboundLost(_, reason) if _OTHER_RULES in reason:
                subject = reason
            case _:
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


def _as_text(now: Micros, word: str, fields: Fields) -> str:
    words = (f"{name}={_quoted(value)}" for name, value in fields.items())
    return " ".join((_moment(now), word.ljust(_WORD_WIDTH), *words)).rstrip()


def _quoted(value: str | int) -> str:
    """A text with blanks, or with what a terminal would obey, in quotes."""
    text = str(value)
    return text if text.isprintable() and text and not set(text) & set(" '\"") else repr(text)


def _as_json(now: Micros, word: str, fields: Fields) -> str:
    record: dict[str, Json] = {"time": _moment(now), "event": word, **fields}
    return encode_json(record)


def _moment(now: Micros) -> str:
    return datetime.fromtimestamp(now / SECOND_US, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
