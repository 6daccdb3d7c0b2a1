"""One self-contained HTML page: plotly.js, style and script are embedded, and a policy in the page forbids it to load
anything else. Owns escaping; what is on the page is the caller's."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Final, Literal

from plotly.offline import get_plotlyjs

from minicoin.sim.result.figure import Plot

_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; form-action 'none'"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline figure."""

    name: str
    value: str
    mood: Literal["", "good", "bad"] = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with ready HTML below."""

    title: str
    html: str
    plots: Sequence[Plot] = ()


def page_html(title: str, head_html: str, sections: Sequence[Section]) -> str:
    """The whole page. `head_html` comes first, after the style."""
    plots = [plot for section in sections for plot in section.plots]
    assets = files("minicoin.sim.result")
    body = "".join(f"<section><h2>{escape(section.title)}</h2>{section.html}</section>" for section in sections)
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            # Without an icon of its own the page would make the browser ask for one.
            '<link rel="icon" href="data:,">',
            f"<title>{escape(title)}</title>",
            f"<style>{(assets / 'page.css').read_text('utf-8')}</style></head>\n<body>{head_html}{body}\n",
            f'<script type="application/json" id="plots">{_embedded(plots)}</script>\n',
            f"<script>{get_plotlyjs()}</script>\n<script>{(assets / 'page.js').read_text('utf-8')}</script>\n",
            "</body></html>\n",
        ]
    )


def section(title: str, plots: Sequence[Plot], empty: str, after_html: str = "") -> Section:
    """A section of plots, or a sentence that says why there are none."""
    panels = "".join(_panel(plot) for plot in plots)
    grid = f'<div class="grid">{panels}</div>' if plots else paragraph(empty, "empty")
    return Section(title, grid + after_html, plots)


def paragraph(text: str, kind: str) -> str:
    """One paragraph of a class."""
    return f'<p class="{kind}">{escape(text)}</p>'


def tiles_html(tiles: Sequence[Tile]) -> str:
    """Headline figures in a grid."""
    cells = "".join(
        f'<div class="tile {tile.mood}"><div class="value">{escape(tile.value)}</div>'
        f'<div class="name">{escape(tile.name)}</div></div>'
        for tile in tiles
    )
    return f'<div class="tiles">{cells}</div>'


def banner_html(title: str, lines: Sequence[str], *, is_bad: bool = False) -> str:
    """Something that a reader must not miss."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return (
        f'<div class="{"banner bad" if is_bad else "banner"}" role="note"><strong>{escape(title)}</strong>'
        + (f"<ul>{items}</ul>" if items else "")
        + "</div>"
    )


def table_html(title: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], bad: Sequence[int] = ()) -> str:
    """A table in a panel; `bad` are the positions of rows to mark. Nothing where there are no rows."""
    if not rows:
        return ""
    kinds = [' class="number"' if column.is_number else "" for column in columns]
    head = "".join(f"<th{kind}>{escape(column.title)}</th>" for column, kind in zip(columns, kinds, strict=True))
    body = "".join(
        ('<tr class="bad">' if index in bad else "<tr>")
        + "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, kinds, strict=True))
        + "</tr>"
        for index, row in enumerate(rows)
    )
    return (
        f'<div class="panel"><h3>{escape(title)}</h3><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></div>"
    )


def _panel(plot: Plot) -> str:
    kind = "panel wide" if plot.is_wide else "panel"
    return (
        f'<div class="{kind}"><h3>{escape(plot.title)}</h3>{paragraph(plot.caption, "caption")}'
        f'<div class="plot" id="{plot.name}" style="min-height:{plot.height}px"></div></div>'
    )


def _embedded(plots: Sequence[Plot]) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(
        [
            {"name": plot.name, "height": plot.height, "traces": list(plot.traces), "layout": plot.layout}
            for plot in plots
        ],
        separators=(",", ":"),
        allow_nan=False,
    )
    return text.replace("<", "\\u003c")
