import numpy as np
import pytest

from minicoin.sim.measure.record import ABSENT, NEVER, NO_NODE
from minicoin.sim.result.propagation import (
    Percentiles,
    block_spreads,
    distribution,
    region_medians,
    region_names,
    summarize_spreads,
    transaction_spreads,
)

from .synthetic import block, empty_record, make_record, node


def record_by_hand():
    nodes = [node(0), node(1, region="NA"), node(2, region="NA"), node(3), node(4, is_attacker=True)]
    first = block(0, 0, [0, 100, 200, 300, 7])
    second = block(1, 1, [1_000, 0, NEVER, ABSENT, 9])
    return empty_record(nodes=nodes, blocks=[first, second])


def test_figures_by_hand() -> None:
    found = summarize_spreads(block_spreads(record_by_hand()))
    # Samples: 100, 200, 300 of the first block, 1000 of the second; the attacker's 7 and 9 and the miners' 0 are out.
    assert (found.items, found.samples, found.missing) == (2, 4, 1)
    assert found.coverage == 4 / 5
    # Of the five pairs one never had it: half of them had it at 300, nine tenths never.
    assert found.pooled == Percentiles(300, None, None)
    # Per block: medians 200 and never, since the second reached one of two.
    assert found.per_item == Percentiles(None, None, None)
    assert found.slowest_us == 1_000


def test_percentiles_and_curve_have_one_denominator() -> None:
    arrivals = [0, *range(100, 8_200, 100), *[NEVER] * 19]
    record = empty_record(nodes=[node(index) for index in range(101)], blocks=[block(0, 0, arrivals)])
    spreads = block_spreads(record)
    found = summarize_spreads(spreads)
    assert found.coverage == 0.81
    assert found.pooled == found.per_item == Percentiles(5_050, None, None)
    times, shares = distribution(spreads, 1_000)
    assert shares[times <= 5_050].max() == 0.5
    assert shares.max() == 0.81


def test_an_item_that_reached_too_few_comes_after_all_others() -> None:
    nodes = [node(index) for index in range(3)]
    fast, slow, lost = block(0, 0, [0, 10, 10]), block(1, 0, [0, 30, 30]), block(2, 0, [0, NEVER, NEVER])
    assert summarize_spreads(
        block_spreads(empty_record(nodes=nodes, blocks=[fast, slow, lost]))
    ).per_item == Percentiles(30, 30, 30)
    even = summarize_spreads(block_spreads(empty_record(nodes=nodes, blocks=[fast, lost])))
    assert even.per_item == Percentiles(None, None, None)


def test_what_attackers_make_does_not_count() -> None:
    record = record_by_hand()
    without = summarize_spreads(block_spreads(record))
    record.blocks.append(block(2, 4, [9_000_000, 9_000_000, NEVER, NEVER, 0]))
    assert summarize_spreads(block_spreads(record)) == without
    assert region_medians(record)[0, 0] == 300


def test_arrivals_that_leave_out_the_last_nodes_and_those_that_are_not_recorded() -> None:
    record, shorter = record_by_hand(), record_by_hand()
    for one in shorter.blocks:
        one.arrivals = one.arrivals[:4]
    assert summarize_spreads(block_spreads(shorter)) == summarize_spreads(block_spreads(record))
    assert np.array_equal(region_medians(shorter), region_medians(record), equal_nan=True)
    shorter.blocks[1].arrivals = np.zeros(0, np.int64)
    assert summarize_spreads(block_spreads(shorter)).samples == 3
    assert np.isnan(region_medians(shorter)[1]).all()


def test_pooled_and_per_item_differ_where_blocks_reach_different_numbers() -> None:
    few, many = block(0, 0, [0, 10] + [ABSENT] * 9), block(1, 0, [0] + [1_000] * 10)
    found = summarize_spreads(
        block_spreads(empty_record(nodes=[node(index) for index in range(11)], blocks=[few, many]))
    )
    assert found.pooled is not None and found.per_item is not None
    assert (found.pooled.p50_us, found.per_item.p50_us) == (1_000, 505)


@pytest.mark.parametrize(("arrivals", "coverage"), [([0, NEVER], 0.0), ([0, ABSENT], 1.0), ([0], 1.0)])
def test_nobody_reached(arrivals: list[int], coverage: float) -> None:
    record = empty_record(nodes=[node(index) for index in range(len(arrivals))], blocks=[block(0, 0, arrivals)])
    found = summarize_spreads(block_spreads(record))
    assert found.pooled is None and found.per_item is None and found.slowest_us is None
    assert found.coverage == coverage


def test_zero_is_a_sample_for_others_than_the_miner() -> None:
    record = empty_record(nodes=[node(0), node(1)], blocks=[block(0, NO_NODE, [0, 0])])
    assert summarize_spreads(block_spreads(record)).samples == 2


def test_a_model_without_node_records() -> None:
    found = summarize_spreads(block_spreads(empty_record(blocks=[block(0, 0, [0, 5, 7])])))
    assert found.pooled == Percentiles(6, 7, 7)


def test_transactions_leave_out_their_sender() -> None:
    record = make_record()
    assert all(spread.samples.size == 58 for spread in transaction_spreads(record)[:4])
    record.transactions[0].sender = 59
    assert [spread.item for spread in transaction_spreads(record)] == [1, 2, 3, 4]


def test_distribution_keeps_the_share_of_the_missing() -> None:
    times, shares = distribution(block_spreads(record_by_hand()), 100)
    assert times.tolist() == [100, 200, 300, 1_000]
    assert shares.tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_distribution_is_thinned_and_keeps_its_ends() -> None:
    record = empty_record(blocks=[block(0, NO_NODE, range(10_000))])
    times, shares = distribution(block_spreads(record), 50)
    assert len(times) == 50
    assert (times[0], times[-1], shares[-1]) == (0, 9_999, 1)
    assert np.all(np.diff(shares) > 0)


def test_distribution_of_nothing() -> None:
    times, shares = distribution([], 10)
    assert times.size == shares.size == 0


def test_region_medians_by_hand() -> None:
    record = record_by_hand()
    assert region_names(record) == ["EU", "NA"]
    table = region_medians(record)
    assert table[0].tolist() == [300, 150]
    assert table[1, 0] == 1_000
    assert np.isnan(table[1, 1])
