"""Building blocks of plots: a figure is plotly.js' own JSON, so no plotting library runs here.

Colours are names beginning with @, which the page's script replaces by those of the light or dark theme.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minicoin.core.units import SECOND_US
from minicoin.sim.measure.record import FloatArray, IntArray, Json

ACCENT = "@accent"
SECOND = "@second"
WARN = "@warn"
MUTED = "@muted"
RAMP = "@ramp"
"""A scale of colours, from little to much."""

Trace = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot of a page."""

    name: str
    """Identifies it in the page; letters and hyphens."""
    title: str
    caption: str
    """How to read it: what is counted, and what was left out."""
    traces: Sequence[Trace]
    layout: Mapping[str, Json]
    is_wide: bool = False
    """Takes the page's whole width."""
    height: int = 340
    """Pixels."""


def numbers(values: FloatArray | IntArray, digits: int = 6) -> list[Json]:
    """Rounded to significant digits, to keep the page small; NaN becomes null."""
    return [None if np.isnan(value) else float(f"{value:.{digits}g}") for value in values.tolist()]


def seconds(us: FloatArray | IntArray) -> list[Json]:
    """Microseconds as seconds."""
    return numbers(us / SECOND_US)


def axis(title: str, **more: Json) -> Mapping[str, Json]:
    """An axis with a title. The margin grows by itself where labels are long."""
    return {"title": {"text": title}, "automargin": True, **more}


def thin(times: IntArray, values: FloatArray, points: int) -> tuple[IntArray, FloatArray]:
    """About `points` points that keep every stretch's least and greatest value, in order of time."""
    if len(values) <= points:
        return times, values
    kept: list[int] = []
    for stretch in np.array_split(np.arange(len(values)), points // 2):
        within = values[stretch]
        kept += sorted({int(stretch[within.argmin()]), int(stretch[within.argmax()])})
    return times[kept], values[kept]
