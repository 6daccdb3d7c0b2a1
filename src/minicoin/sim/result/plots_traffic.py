"""Plots of who carried how many bytes and messages."""

import numpy as np

from minicoin.sim.measure.record import Json, RunRecord
from minicoin.sim.result.figure import ACCENT, SECOND, Plot, axis, numbers
from minicoin.sim.result.summary import Summary
from minicoin.sim.result.traffic import TypeTraffic

_TYPES_SHOWN = 12
_STACKED_TYPES = 5
_NODE_POINTS = 400


def traffic_plots(record: RunRecord, summary: Summary) -> list[Plot]:
    """Bytes and messages by type, over nodes, and the hottest nodes; without traffic none."""
    if summary.traffic.is_empty:
        return []
    plots = []
    # A model's only type has nothing beside it to be compared with.
    if len(summary.types) > 1:
        plots.append(_by_type("bytes-by-type", "Bytes by message type", "bytes", summary.types, summary.nodes))
    if summary.traffic.sent_messages:
        plots.append(_by_type("messages-by-type", "Messages by type", "messages", summary.types, summary.nodes))
    return [*plots, _over_nodes(record), _hottest(record, summary)]


def _by_type(name: str, title: str, unit: str, types: list[TypeTraffic], nodes: int) -> Plot:
    def count(row: TypeTraffic) -> int:
        return row.sent_bytes if unit == "bytes" else row.sent_messages

    shown = sorted(types, key=count)[-_TYPES_SHOWN:]
    return Plot(
        name,
        title,
        f"Sent by an average node over the run{'; the largest types only' if len(types) > _TYPES_SHOWN else ''}.",
        [
            {
                "type": "bar",
                "orientation": "h",
                "x": [float(f"{count(row) / max(nodes, 1):.4g}") for row in shown],
                "y": [row.type for row in shown],
                "marker": {"color": ACCENT},
                "hovertemplate": "%{y}: %{x:.4s} " + unit + " a node<extra></extra>",
            }
        ],
        {"xaxis": axis(f"{unit} a node", tickformat=".2s"), "yaxis": axis("", type="category"), "bargap": 0.35},
    )


def _over_nodes(record: RunRecord) -> Plot:
    traffic = record.traffic
    lines: list[dict[str, Json]] = []
    for name, table, colour in (("sent", traffic.sent_bytes, ACCENT), ("received", traffic.received_bytes, SECOND)):
        if not table.any():
            continue
        carried = np.sort(table.sum(axis=1))[::-1]
        ranks = np.unique(np.linspace(0, len(carried) - 1, min(_NODE_POINTS, len(carried))).round().astype(np.int64))
        lines.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": [int(rank) + 1 for rank in ranks],
                "y": numbers(carried[ranks]),
                "line": {"color": colour, "width": 2},
                "hovertemplate": "%{y:.4s}B " + name + "<extra>rank %{x}</extra>",
            }
        )
    return Plot(
        "bytes-over-nodes",
        "Bytes over nodes",
        "Nodes ordered by what they sent, and by what they received, most first. A steep left end: few nodes "
        "carry the network.",
        lines,
        {
            "xaxis": axis("nodes, most first"),
            "yaxis": axis("bytes", tickformat=".2s", rangemode="tozero"),
            "showlegend": True,
        },
    )


def _hottest(record: RunRecord, summary: Summary) -> Plot:
    traffic = record.traffic
    hottest = list(reversed(summary.hottest))
    indices = [row.node for row in hottest]
    carried = traffic.sent_bytes[indices] + traffic.received_bytes[indices]
    order = np.argsort(-carried.sum(axis=0), kind="stable")
    shown, rest = order[:_STACKED_TYPES], order[_STACKED_TYPES:]
    layers = [(traffic.types[column], carried[:, column]) for column in shown]
    layers.append(("others", carried[:, rest].sum(axis=1)))
    return Plot(
        "hottest-nodes",
        "Hottest nodes",
        "Bytes sent and received by the nodes that carried most, by message type.",
        [
            {
                "type": "bar",
                "orientation": "h",
                "name": name,
                "x": numbers(values),
                "y": [row.name for row in hottest],
                "hovertemplate": "%{y}: %{x:.4s}B " + name + "<extra></extra>",
            }
            for name, values in layers
            if values.any()
        ],
        {
            "barmode": "stack",
            "xaxis": axis("bytes", tickformat=".2s"),
            "yaxis": axis("", type="category"),
            "showlegend": True,
            "bargap": 0.35,
        },
    )
