"""What a network model does for its price, by hand."""

import numpy as np
import pytest

from minicoin.sim.measure.record import ErrandRecord, FaultRecord, JoinRecord, SeriesRecord, TrafficRecord, TxRecord
from minicoin.sim.result.overlay import gini, summarize_overlay

from .synthetic import block, empty_record, node

TYPES = ["inv", "headers", "block", "tx", "ping", "overlay/pull", "records/delta", "directed/letter"]
HOUR_US = 3_600_000_000
SECOND_US = 1_000_000


def row(**counts: int) -> list[int]:
    named = {name.replace("/", "_"): index for index, name in enumerate(TYPES)}
    values = [0] * len(TYPES)
    for name, count in counts.items():
        values[named[name]] = count
    return values


def traffic() -> TrafficRecord:
    """Two nodes and an attacker, who counts for nothing."""
    received = [
        row(block=4, headers=10, tx=3, inv=2, ping=1, overlay_pull=6),
        row(block=2, headers=2, tx=3, inv=1, overlay_pull=2, directed_letter=1),
        row(block=99, overlay_pull=999),
    ]
    # Two inv of one and three entries, and one of two.
    received_bytes = [row(inv=2 * 25 + 4 * 36, block=400), row(inv=25 + 2 * 36, block=200), row(block=9_999)]
    sent_bytes = [row(overlay_pull=360), row(overlay_pull=40, directed_letter=80), row(block=9_999)]
    return TrafficRecord(
        list(TYPES), np.array(received), np.array(sent_bytes), np.array(received), np.array(received_bytes)
    )


def record(**more):
    nodes = [node(0), node(1), node(2, is_attacker=True)]
    blocks = [block(index, 0, [0, 5]) for index in range(2)]
    paid = [TxRecord(index, f"{index:064x}", 0, 0, np.zeros(3, np.int64)) for index in range(3)]
    canonical = {"measure": {"transactions": 0.5}}
    return empty_record(
        **{
            "nodes": nodes,
            "blocks": blocks,
            "transactions": paid,
            "canonical": canonical,
            "traffic": traffic(),
            "virtual_us": 2 * HOUR_US,
        }
        | more
    )


def test_copies_are_counted_per_item_and_honest_node() -> None:
    found = summarize_overlay(record())
    assert found.block_payloads == 6 / (2 * 2)
    assert found.block_announcements == 12 / (2 * 2)
    # Half of the payments were recorded, so there were six.
    assert found.transaction_payloads == 6 / (6 * 2)
    assert found.transaction_announcements == 6 / (6 * 2)
    assert found.item_events_per_block == (4 + 10 + 3 + 2 + 2 + 2 + 3 + 1) / 2


def test_the_models_own_traffic_stands_apart_from_what_it_carries() -> None:
    found = summarize_overlay(record())
    assert found.control is not None and found.letters_spent is not None and found.upkeep is not None
    # Over two hours and two nodes.
    assert (found.control.bytes_per_node_hour, found.control.events_per_node_hour) == (100, 2)
    assert (found.letters_spent.bytes_per_node_hour, found.letters_spent.events_per_node_hour) == (20, 0.25)
    assert found.upkeep.events_per_node_hour == 0.25
    assert found.records is not None and found.records.events_per_node_hour == 0


def test_what_was_not_measured_is_none_and_not_zero() -> None:
    silent = TrafficRecord(["inv", "block"], *(np.zeros((2, 2), np.int64) for _ in range(4)))
    found = summarize_overlay(record(traffic=silent, transactions=[], blocks=[]))
    assert found.control is found.records is found.letters_spent is None
    assert found.block_payloads is found.transaction_payloads is found.item_events_per_block is None
    assert found.letters is found.searches is found.join_ready_p50_us is found.survival is None
    assert summarize_overlay(empty_record()).node_bytes_mean is None


def test_load_is_as_even_as_its_gini_says() -> None:
    assert gini(np.array([5, 5, 5, 5])) == pytest.approx(0)
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(3 / 4)
    # By the definition: mean difference of all pairs over twice the mean.
    values = np.array([1.0, 2.0, 7.0, 20.0, 20.0])
    pairs = np.abs(values[:, None] - values[None, :]).mean()
    assert gini(values) == pytest.approx(pairs / (2 * values.mean()))
    assert gini(np.zeros(4)) is None
    found = summarize_overlay(record())
    first, second = 360 + 2 * 25 + 4 * 36 + 400, 120 + 25 + 2 * 36 + 200
    assert (found.node_bytes_mean, found.node_bytes_max) == ((first + second) / 2, first)


def test_who_never_joined_comes_after_all_who_did() -> None:
    joins = [JoinRecord(0, 0, 30, -1), JoinRecord(1, 5, 10, 50), JoinRecord(2, 9, 20, -1)]
    found = summarize_overlay(record(joins=joins))
    assert (found.joins, found.join_ready_p50_us, found.join_level_p50_us) == (3, 20, None)


def errand(kind: str, outcome: str, took_s: float, cost: int = 0) -> ErrandRecord:
    return ErrandRecord(kind, 0, 1, 0, True, outcome, round(took_s * SECOND_US), cost)


def test_letters_end_one_way_or_another() -> None:
    letters = [
        errand("letter", "delivered", 1, 2),
        errand("letter", "delivered", 3, 4),
        errand("letter", "maybe", 15),
        errand("letter", "failed", 16),
    ]
    found = summarize_overlay(record(errands=[*letters, errand("search", "uncertain", 1, 7)]))
    assert found.letters is not None and found.searches is not None
    assert (found.letters.sent, found.letters.delivered, found.letters.uncertain) == (4, 0.5, 0.25)
    assert (found.letters.failed, found.letters.late, found.letters.cost) == (0.25, 0.25, 3)
    assert found.letters.took_p50_us == 2 * SECOND_US
    assert (found.searches.uncertain, found.searches.delivered, found.searches.cost) == (1, 0, 7)
    assert found.searches.took_p50_us is None


def pieces(*shares: float) -> list[SeriesRecord]:
    times = np.arange(len(shares), dtype=np.int64) * SECOND_US
    return [SeriesRecord("component", "share of nodes", times, np.array(shares))]


@pytest.mark.parametrize(
    ("shares", "survival", "recovery_s"),
    [
        ((1, 1, 1, 1, 1), 1, None),
        # What was broken before the fault is not the fault's.
        ((0.2, 1, 1, 1, 1), 1, None),
        ((1, 1, 0.6, 0.7, 1), 0.6, 2),
        ((1, 0.6, 1, 0.5, 0.98), 0.5, None),
    ],
    ids=["unbroken", "before", "recovered", "broken"],
)
def test_survival_is_the_least_share_in_one_piece(shares, survival: float, recovery_s: float | None) -> None:
    fault = FaultRecord("node-loss", 2 * SECOND_US - SECOND_US // 2, None, ["n0"], 1)
    found = summarize_overlay(record(series=pieces(*shares), faults=[fault]))
    assert found.survival == survival
    assert found.recovery_us == (None if recovery_s is None else round((recovery_s + 0.5) * SECOND_US))
    idle = FaultRecord("node-loss", SECOND_US, None, ["n0"], 0)
    assert summarize_overlay(record(series=pieces(*shares), faults=[idle])).survival is None
