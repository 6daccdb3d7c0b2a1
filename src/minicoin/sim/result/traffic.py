"""Who sent how much of what: totals by message type, and the nodes that carried most."""

from dataclasses import dataclass

import numpy as np

from minicoin.core.units import SECOND_US
from minicoin.sim.measure.record import IntArray, RunRecord


@dataclass(frozen=True, slots=True)
class TypeTraffic:
    """One message type over all nodes."""

    type: str
    sent_messages: int
    sent_bytes: int
    received_messages: int
    received_bytes: int


@dataclass(frozen=True, slots=True)
class NodeTraffic:
    """One node over all types."""

    node: int
    name: str
    sent_bytes: int
    received_bytes: int
    messages: int
    """Sent and received."""
    uplink_use: float | None
    """Share of its uplink that it used, averaged over the run; None where the uplink has no limit."""


@dataclass(frozen=True, slots=True)
class TrafficTotals:
    """Totals of a run."""

    sent_messages: int
    sent_bytes: int
    received_messages: int
    received_bytes: int
    median_node_bytes: int
    """Sent and received by the median node."""
    busiest_node_bytes: int

    @property
    def is_empty(self) -> bool:
        """Nothing was counted."""
        return not (self.sent_messages or self.sent_bytes or self.received_messages)


def summarize_traffic(record: RunRecord) -> TrafficTotals:
    """Totals over nodes and types."""
    traffic = record.traffic
    carried = node_bytes(record)
    return TrafficTotals(
        sent_messages=int(traffic.sent_messages.sum()),
        sent_bytes=int(traffic.sent_bytes.sum()),
        received_messages=int(traffic.received_messages.sum()),
        received_bytes=int(traffic.received_bytes.sum()),
        median_node_bytes=round(float(np.median(carried))) if carried.size else 0,
        busiest_node_bytes=int(carried.max(initial=0)),
    )


def node_bytes(record: RunRecord) -> IntArray:
    """Bytes sent and received, per node."""
    carried: IntArray = record.traffic.sent_bytes.sum(axis=1) + record.traffic.received_bytes.sum(axis=1)
    return carried


def types_by_bytes(record: RunRecord) -> list[TypeTraffic]:
    """Message types that occurred, most bytes sent first."""
    traffic = record.traffic
    columns = zip(
        traffic.types,
        traffic.sent_messages.sum(axis=0),
        traffic.sent_bytes.sum(axis=0),
        traffic.received_messages.sum(axis=0),
        traffic.received_bytes.sum(axis=0),
        strict=True,
    )
    rows = [TypeTraffic(name, *(int(value) for value in values)) for name, *values in columns]
    # A model may count bytes only.
    used = [row for row in rows if row.sent_messages or row.received_messages or row.sent_bytes]
    return sorted(used, key=lambda row: (-row.sent_bytes, row.type))


def hottest_nodes(record: RunRecord, count: int) -> list[NodeTraffic]:
    """The nodes that sent and received most bytes together, most first."""
    traffic = record.traffic
    carried = node_bytes(record)
    order = np.argsort(-carried, kind="stable")[:count]
    rows = []
    for index in map(int, order):
        sent = int(traffic.sent_bytes[index].sum())
        name, uplink = str(index), 0
        if index < len(record.nodes):
            name, uplink = record.nodes[index].name, record.nodes[index].up_bytes_per_s
        capacity = uplink * record.virtual_us / SECOND_US
        rows.append(
            NodeTraffic(
                node=index,
                name=name,
                sent_bytes=sent,
                received_bytes=int(traffic.received_bytes[index].sum()),
                messages=int(traffic.sent_messages[index].sum() + traffic.received_messages[index].sum()),
                uplink_use=sent / capacity if capacity else None,
            )
        )
    return rows
