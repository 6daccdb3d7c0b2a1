"""Plots over virtual time: faults with their effect underneath, and every recorded series."""

import numpy as np

from minicoin.core.units import SECOND_US
from minicoin.sim.measure.record import FaultRecord, Json, RunRecord, SeriesRecord
from minicoin.sim.result.figure import ACCENT, MUTED, SECOND, WARN, Plot, Trace, axis, numbers, seconds, thin
from minicoin.sim.result.words import shorten

_SERIES_POINTS = 600
_FAULTS_SHOWN = 1_000
_TARGETS_SHOWN = 60
EFFECT_SERIES = ("tips", "converged")
"""Series that show under the faults how far the nodes agree: how many tips there are, and what share of the nodes is
on the most common one."""


def timeline_plots(record: RunRecord) -> list[Plot]:
    """The timeline of faults when there is something to show, then one small plot a series."""
    effects = [series for series in record.series if series.name in EFFECT_SERIES and len(series.values)]
    others = [series for series in record.series if series.name not in EFFECT_SERIES and len(series.values)]
    plots = [_timeline(record, effects)] if record.faults or record.violations or effects else []
    return plots + [_series(series) for series in others]


def _timeline(record: RunRecord, effects: list[SeriesRecord]) -> Plot:
    kinds = list(dict.fromkeys(fault.kind for fault in record.faults))
    has_rows = bool(kinds or record.violations)
    rows = len(kinds) + bool(record.violations)
    traces = [_fault_trace(record, kind) for kind in kinds]
    if record.violations:
        traces.append(_violation_trace(record))
    traces += [_effect_trace(series, position) for position, series in enumerate(effects)]
    height = 110 + 26 * rows + (200 if effects else 0)
    share = 200 / (26 * rows + 200) if effects and has_rows else (1.0 if effects else 0.0)
    layout: dict[str, Json] = {
        "xaxis": axis("seconds of virtual time", range=[0, max(record.virtual_us / SECOND_US, 1e-6)], anchor="y2"),
        "hovermode": "closest",
        "showlegend": bool(effects),
        "yaxis2": axis(
            effects[0].unit if effects else "", domain=[0, max(share - 0.06 * has_rows, 0.01)], rangemode="tozero"
        ),
    }
    if has_rows:
        layout["yaxis"] = axis("", type="category", domain=[share, 1], showgrid=False, autorange="reversed")
    if len(effects) > 1:
        layout["yaxis3"] = axis(
            effects[1].unit, overlaying="y2", side="right", range=[0, 1.05], tickformat=".0%", showgrid=False
        )
    shown = "" if len(record.faults) <= _FAULTS_SHOWN else f" The first {_FAULTS_SHOWN} faults of each kind are drawn."
    return Plot(
        "timeline",
        "Faults, and how far nodes agree",
        "Bars are faults while they lasted (thin where they never did anything), crosses are violations; underneath, "
        "how many tips there are, and what share of the nodes is on the most common one." + shown,
        traces,
        layout,
        is_wide=True,
        height=height,
    )


def _fault_trace(record: RunRecord, kind: str) -> Trace:
    faults = [fault for fault in record.faults if fault.kind == kind][:_FAULTS_SHOWN]
    x: list[Json] = []
    y: list[Json] = []
    texts: list[Json] = []
    for fault in faults:
        end_us = record.virtual_us if fault.ended_us is None else fault.ended_us
        x += [fault.started_us / SECOND_US, end_us / SECOND_US, None]
        y += [kind, kind, None]
        texts += [_fault_text(fault), _fault_text(fault), None]
    did_something = any(fault.fired for fault in faults)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": kind,
        "x": x,
        "y": y,
        "text": texts,
        "hovertemplate": "%{text}<br>%{x:.1f} s<extra></extra>",
        "line": {"color": WARN if did_something else MUTED, "width": 9 if did_something else 2},
        # A fault of an instant has no length; its mark is still seen.
        "marker": {"size": 6, "symbol": "square", "color": WARN if did_something else MUTED},
        "showlegend": False,
    }


def _fault_text(fault: FaultRecord) -> str:
    targets = shorten(", ".join(fault.targets), _TARGETS_SHOWN)
    return f"{fault.kind}: {targets or 'all'}, fired {fault.fired:,} times"


def _violation_trace(record: RunRecord) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "violations",
        "x": [found.at_us / SECOND_US for found in record.violations],
        "y": ["violation"] * len(record.violations),
        "text": [f"{found.checker}: {found.text}" for found in record.violations],
        "hovertemplate": "%{text}<br>%{x:.1f} s<extra></extra>",
        "marker": {"symbol": "x", "size": 10, "color": WARN},
        "showlegend": False,
    }


def _effect_trace(series: SeriesRecord, position: int) -> Trace:
    times, values = thin(series.time_us, series.values, _SERIES_POINTS)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": series.name,
        "x": seconds(times),
        "y": numbers(values),
        "yaxis": "y2" if position == 0 else "y3",
        "line": {"shape": "hv", "width": 2, "color": (ACCENT, SECOND)[position]},
    }


def _series(series: SeriesRecord) -> Plot:
    times, values = thin(series.time_us, series.values, _SERIES_POINTS)
    is_thinned = len(times) < len(series.time_us)
    return Plot(
        f"series-{series.name.replace('_', '-')}",
        series.name.replace("_", " "),
        f"{len(series.time_us):,} points{', thinned to their extremes' if is_thinned else ''}.",
        [
            {
                "type": "scatter",
                "mode": "lines",
                "x": seconds(times),
                "y": numbers(values),
                "line": {"color": ACCENT, "width": 1.5},
            }
        ],
        {
            "xaxis": axis("seconds of virtual time"),
            "yaxis": axis(series.unit, rangemode="tozero" if np.min(values) >= 0 else "normal", tickformat=".4~s"),
        },
        height=260,
    )
