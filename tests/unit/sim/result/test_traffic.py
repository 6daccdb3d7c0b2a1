import numpy as np

from minicoin.sim.measure.record import TrafficRecord
from minicoin.sim.result.traffic import TypeTraffic, hottest_nodes, summarize_traffic, types_by_bytes

from .synthetic import empty_record, node


def record_by_hand():
    traffic = TrafficRecord(
        ["inv", "block", "ping"],
        np.array([[2, 0, 0], [0, 1, 0]]),
        np.array([[120, 0, 0], [0, 900, 0]]),
        np.array([[0, 1, 0], [1, 0, 0]]),
        np.array([[0, 900, 0], [60, 0, 0]]),
    )
    return empty_record(nodes=[node(0), node(1, up=9)], traffic=traffic, virtual_us=1_000_000_000)


def test_totals_by_hand() -> None:
    found = summarize_traffic(record_by_hand())
    assert (found.sent_messages, found.sent_bytes, found.received_messages, found.received_bytes) == (3, 1_020, 2, 960)
    assert (found.median_node_bytes, found.busiest_node_bytes) == (990, 1_020)


def test_types_that_occurred_by_bytes() -> None:
    assert types_by_bytes(record_by_hand()) == [
        TypeTraffic("block", 1, 900, 1, 900),
        TypeTraffic("inv", 2, 120, 1, 60),
    ]


def test_hottest_nodes_and_their_uplinks() -> None:
    first, second = hottest_nodes(record_by_hand(), 5)
    # Node 0 carried 120 + 900, node 1 carried 900 + 60 and could have sent 9 bytes a second for 1000 s.
    assert (first.name, first.sent_bytes, first.received_bytes, first.messages, first.uplink_use) == (
        "n0",
        120,
        900,
        3,
        None,
    )
    assert (second.name, second.messages, second.uplink_use) == ("n1", 2, 0.1)


def test_no_traffic() -> None:
    record = empty_record()
    assert summarize_traffic(record).busiest_node_bytes == 0
    assert types_by_bytes(record) == [] and hottest_nodes(record, 3) == []
