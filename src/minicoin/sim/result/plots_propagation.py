"""Plots of how blocks, transactions and records reached the nodes."""

from collections.abc import Mapping, Sequence

import numpy as np

from minicoin.core.units import SECOND_US
from minicoin.sim.measure.record import FloatArray, IntArray, Json, RunRecord
from minicoin.sim.result.figure import ACCENT, MUTED, RAMP, SECOND, WARN, Plot, Trace, axis, numbers, seconds
from minicoin.sim.result.propagation import (
    ArrivalTimes,
    block_spreads,
    distribution,
    record_spreads,
    region_medians,
    region_names,
    transaction_spreads,
)
from minicoin.sim.result.summary import Summary

_CURVE_POINTS = 400
_HEAT_ROWS_MAX = 120
_HEAT_COLUMNS = 60
_REGIONS_MAX = 40
_LOG_RATIO = 30
LEAST_LOG_US = 1_000
"""Where a logarithmic axis begins at the earliest; a sample of 0 would have no place on it."""


def propagation_plots(record: RunRecord, summary: Summary) -> list[Plot]:
    """Distribution, heat map over blocks, and delays between regions; none of what reached nobody."""
    spreads = block_spreads(record)
    plots = []
    if summary.blocks.samples or summary.transactions.samples or summary.records.samples:
        plots.append(_distribution(spreads, transaction_spreads(record), record_spreads(record), summary))
    if summary.blocks.samples:
        plots.append(_heat(spreads))
        table = region_medians(record)
        if 1 < len(table) <= _REGIONS_MAX and not np.isnan(table).all():
            plots.append(_regions(region_names(record), table))
    return plots


def _distribution(
    blocks: Sequence[ArrivalTimes],
    transactions: Sequence[ArrivalTimes],
    records: Sequence[ArrivalTimes],
    summary: Summary,
) -> Plot:
    traces: list[Trace] = []
    named = (("blocks", blocks, ACCENT), ("transactions", transactions, SECOND), ("records", records, WARN))
    for name, spreads, colour in named:
        times, shares = distribution(spreads, _CURVE_POINTS)
        if times.size:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": name,
                    "x": seconds(times),
                    "y": numbers(shares),
                    "line": {"color": colour, "width": 2},
                    "hovertemplate": "%{y:.1%} within %{x:.3f} s<extra>" + name + "</extra>",
                }
            )
    return Plot(
        "propagation-cdf",
        "How fast items reach nodes",
        "Share of all (item, node) pairs that had the item within the time; makers, attackers and nodes that were down "
        "are left out. A curve that ends below 100 % has missing pairs; its last per cent may lie beyond the edge.",
        traces,
        {
            "xaxis": _time_axis("seconds after it was made", [*blocks, *transactions, *records]),
            "yaxis": axis("share of pairs", tickformat=".0%", range=[0, 1.02]),
            "shapes": _percentile_lines(summary),
            "showlegend": len(traces) > 1,
        },
    )


def _is_spread_out(pooled: IntArray) -> bool:
    """Whether most samples would lie on top of each other where times are drawn evenly: a partition does that."""
    middle, slow = np.percentile(pooled, (50, 99))
    return bool(slow > _LOG_RATIO * max(middle, 1))


def _time_axis(title: str, spreads: Sequence[ArrivalTimes]) -> Mapping[str, Json]:
    """From the first sample to beyond the 99th percentile, by the kind that needs more room."""
    pooled = [spread.samples for spread in spreads if spread.samples.size]
    everything = np.concatenate(pooled)
    end_s = max(float(np.percentile(everything, 99)), 1.0) * 1.4 / SECOND_US
    if not _is_spread_out(everything):
        return axis(title, range=[0, end_s])
    start_s = max(float(np.percentile(everything, 1)), LEAST_LOG_US) / SECOND_US
    return axis(f"{title} (logarithmic)", type="log", range=[np.log10(start_s).item(), np.log10(end_s).item()])


def _percentile_lines(summary: Summary) -> list[Json]:
    pooled = summary.blocks.pooled
    if pooled is None:
        return []
    return [
        {
            "type": "line",
            "x0": us / SECOND_US,
            "x1": us / SECOND_US,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": MUTED, "width": 1, "dash": "dot"},
            "label": {"text": name, "textposition": "start", "textangle": 0, "xanchor": "left", "font": {"size": 11}},
        }
        for name, us in (("p50", pooled.p50_us), ("p90", pooled.p90_us), ("p99", pooled.p99_us))
        if us is not None
    ]


def _heat(spreads: Sequence[ArrivalTimes]) -> Plot:
    reached = [spread.samples for spread in spreads if spread.samples.size]
    pooled = np.concatenate(reached)
    end = max(float(np.percentile(pooled, 99)) * 1.1, 1.0)
    edges = np.linspace(0, end, _HEAT_COLUMNS + 1)[1:]
    more: dict[str, Json] = {}
    if _is_spread_out(pooled):
        edges = np.geomspace(max(float(np.percentile(pooled, 1)), LEAST_LOG_US), end, _HEAT_COLUMNS)
        more = {"type": "log"}
    rows = np.array([_reached_by(spread, edges) for spread in spreads])
    chunks = np.array_split(np.arange(len(rows)), min(len(rows), _HEAT_ROWS_MAX))
    table = np.array([rows[chunk].mean(axis=0) for chunk in chunks])
    per_row = "" if len(chunks) == len(rows) else f" Each row is the mean of about {len(rows) // len(chunks)} blocks."
    return Plot(
        "propagation-heat",
        "Every block on its way",
        "Blocks in the order in which they were found, from below; colour is the share of nodes that had the block by "
        "then. A pale stripe is a block that travelled badly." + per_row,
        [
            {
                "type": "heatmap",
                "x": seconds(edges),
                "y": [spreads[int(chunk[0])].item for chunk in chunks],
                "z": [numbers(row, 3) for row in table],
                "zmin": 0,
                "zmax": 1,
                "colorscale": RAMP,
                "colorbar": {"tickformat": ".0%", "thickness": 12, "outlinewidth": 0},
                "hovertemplate": "block %{y}: %{z:.1%} within %{x:.2f} s<extra></extra>",
            }
        ],
        {"xaxis": axis("seconds after it was found", **more), "yaxis": axis("block", tickformat="d")},
    )


def _reached_by(spread: ArrivalTimes, edges: FloatArray) -> FloatArray:
    total = spread.samples.size + spread.missing
    found: FloatArray = np.searchsorted(spread.samples, edges, side="right") / max(total, 1)
    return found


def _regions(names: list[str], table: FloatArray) -> Plot:
    labels = [["" if np.isnan(us) else f"{us / SECOND_US:.2f}" for us in row] for row in table]
    return Plot(
        "regions",
        "Between regions",
        "Median seconds from the miner's region (rows) to nodes of a region (columns). Empty: there was no such pair.",
        [
            {
                "type": "heatmap",
                "x": names,
                "y": names,
                "z": [seconds(row) for row in table],
                "text": labels,
                "texttemplate": "%{text}" if len(names) <= 10 else "",
                "colorscale": RAMP,
                "colorbar": {"ticksuffix": " s", "thickness": 12, "outlinewidth": 0},
                "hovertemplate": "%{y} to %{x}: %{z:.3f} s<extra></extra>",
            }
        ],
        {
            "xaxis": axis("to", type="category"),
            "yaxis": axis("from", type="category", autorange="reversed"),
        },
    )
