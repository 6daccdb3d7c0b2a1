"""What people read: tables and lists of fields as plain text.

Nothing is ever cut or folded, since addresses, hashes and file names are there to be copied. A table that is wider than
the terminal is shown as one block of lines a row instead; into a pipe or a file rows are lines, however long.
"""

import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from minicoin.rpc.json_text import Json

EXIT_FAILED: Final = 1
_GAP: Final = "  "
_ERROR_MARK: Final = "Error: "


class Table:
    """Rows under headings. A heading that begins with ">" has its column aligned right."""

    def __init__(self, *headings: str) -> None:
        self._headings = [heading.removeprefix(">") for heading in headings]
        self._is_right = [heading.startswith(">") for heading in headings]
        self._rows: list[tuple[str, ...]] = []

    def add(self, *cells: str) -> None:
        """One more row."""
        assert len(cells) == len(self._headings)
        self._rows.append(cells)

    def lines(self, width: int | None) -> list[str]:
        """As text for a terminal of this width; None: for a pipe."""
        widths = [max(map(len, column)) for column in zip(self._headings, *self._rows, strict=True)]
        if width is not None and sum(widths) + len(_GAP) * (len(widths) - 1) > width:
            return self._blocks()
        return [self._line(cells, widths) for cells in (self._headings, *self._rows)]

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        padded = (
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(cells, widths, self._is_right, strict=True)
        )
        return _GAP.join(padded).rstrip()

    def _blocks(self) -> list[str]:
        lines: list[str] = []
        for row in self._rows:
            told = [(heading, cell) for heading, cell in zip(self._headings, row, strict=True) if cell]
            lines += [*([""] if lines else []), *field_lines(told)]
        return lines


def field_lines(fields: Iterable[tuple[str, str]]) -> list[str]:
    """Names and values under one another."""
    told = list(fields)
    width = max((len(name) for name, _ in told), default=0)
    return [f"{name.ljust(width)}{_GAP}{value}".rstrip() for name, value in told]


def describe(found: Mapping[str, Json]) -> str:
    """An object for people: a line a member, words for yes and no, nothing where there is nothing."""
    told = ((name, _say(value)) for name, value in found.items())
    return "\n".join(field_lines((name, text) for name, text in told if text))


def _say(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_say(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(_say, value))
    return "" if value is None else words(value)


def words(value: Json) -> str:
    """A value for people: amounts with all their decimals, never in powers of ten."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def terminal_width() -> int | None:
    """The columns of the terminal on standard output; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number and its noun: 1 file, 2 files."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def tolerated(count: int, quorum: int, faults: int) -> str:
    """What so many members bear, `quorum` of whom sign a block: 1 may lie or be down; 1 may lie, 2 may be down."""
    spare = count - quorum
    return f"{faults} may lie or be down" if spare == faults else f"{faults} may lie, {spare} may be down"


def error_line(message: str) -> str:
    """The line a person sees. Some of Core's texts begin with the word themselves."""
    return f"error: {message.removeprefix(_ERROR_MARK)}"


def warning_line(message: str) -> str:
    """What a person should know, and nothing ends for."""
    return f"warning: {message}"
