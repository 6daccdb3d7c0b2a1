"""When each node had a block, worked out by hand on a line of three nodes."""

import pytest
from tests.unit.sim.engine.runs import record, simulate

from minicoin.sim.measure.record import ABSENT, NEVER, NO_PARENT

LATENCY_US = 20_000
VERIFY_US = 2_000
HEADERS_BYTES = 24 + 1 + 81
GETDATA_BYTES = 24 + 1 + 36
BLOCK_BYTES = 100_000
MBYTE_IN_MBIT = 8.0

LINE = """
name = "line"
question = "When is it there?"
[nodes]
count = 3
[network]
block_bytes = 100_000
[topology]
source = "line"
[links]
geography = "uniform"
latency_ms = 20.0
{links}
[verification]
block_base_ms = 2.0
block_us_per_kb = {work}
[mining]
settle_s = 30.0
{blocks}
{faults}
"""


def line(blocks: list[tuple[float, int]], links: str = "", work: float = 0.0, faults: str = "") -> str:
    planned = "".join(f"[[mining.at]]\ntime_s = {time_s}\nnode = {node}\n" for time_s, node in blocks)
    return LINE.format(blocks=planned, links=links, work=work, faults=faults)


def test_each_hop_is_three_latencies_and_the_work() -> None:
    (block,) = record(line([(1.0, 0)])).blocks
    hop = 3 * LATENCY_US + VERIFY_US
    assert block.arrivals.tolist() == [0, hop, 2 * hop]
    assert (block.found_at_us, block.miner, block.height, block.parent) == (1_000_000, 0, 1, NO_PARENT)
    assert (block.size_bytes, block.transactions, block.is_best) == (BLOCK_BYTES, 1, True)


def test_a_line_of_one_megabyte_a_second_adds_every_byte() -> None:
    (block,) = record(line([(1.0, 0)], f"up_mbit = {MBYTE_IN_MBIT}")).blocks
    hop = 3 * LATENCY_US + VERIFY_US + HEADERS_BYTES + GETDATA_BYTES + BLOCK_BYTES + 24
    assert block.arrivals.tolist() == [0, hop, 2 * hop]


def test_work_goes_by_the_size_of_the_block() -> None:
    (block,) = record(line([(1.0, 2)], work=380.0)).blocks
    hop = 3 * LATENCY_US + VERIFY_US + 380 * BLOCK_BYTES // 1_000
    assert block.arrivals.tolist() == [2 * hop, hop, 0]


def test_two_at_once_are_a_fork_and_the_later_chain_is_the_best() -> None:
    blocks = record(line([(1.0, 0), (1.0, 2), (5.0, 2), (9.0, 0)])).blocks
    hop = 3 * LATENCY_US + VERIFY_US
    assert [block.is_best for block in blocks] == [False, True, True, True]
    assert [block.parent for block in blocks] == [NO_PARENT, NO_PARENT, 1, 2]
    assert [block.height for block in blocks] == [1, 1, 2, 3]
    # The one in the middle takes the first it hears of; side blocks have no work to be done for them.
    assert blocks[0].arrivals[1] == hop
    assert blocks[3].arrivals.tolist() == [0, hop, 2 * hop]


def test_who_is_down_when_a_block_is_found_says_nothing_of_its_way() -> None:
    faults = """
[[fault]]
kind = "node-loss"
at_s = 2.0
until_s = 20.0
nodes = [2]
"""
    first, second, third = record(line([(1.0, 0), (4.0, 0), (25.0, 0)], faults=faults)).blocks
    hop = 3 * LATENCY_US + VERIFY_US
    assert first.arrivals.tolist() == [0, hop, 2 * hop]
    assert second.arrivals.tolist() == [0, hop, ABSENT]
    assert third.arrivals[1] == hop
    # It may still be reconnecting, but it was up.
    assert third.arrivals[2] >= 2 * hop


def test_who_is_up_and_never_has_it_is_a_never() -> None:
    faults = """
[[fault]]
kind = "link-block"
at_s = 0.5
until_s = 90.0
nodes = [1]
peers = [2]
"""
    simulation = simulate(line([(1.0, 0)], faults=faults), "mining.settle_s=5.0", "check.heal_s=1.0")
    (record_,) = simulation.recorder.blocks.values()
    assert record_.arrivals[1] > 0
    assert record_.arrivals[2] == NEVER or record_.arrivals[2] > 80_000_000


@pytest.mark.parametrize("is_recorded", [True, False])
def test_propagation_is_recorded_on_demand(is_recorded: bool) -> None:
    (block,) = record(line([(1.0, 0)]), f"measure.propagation={str(is_recorded).lower()}").blocks
    assert len(block.arrivals) == (3 if is_recorded else 0)
    assert block.miner == 0


def test_payments_are_recorded_where_they_are_accepted() -> None:
    text = line([(1.0, 0), (30.0, 1)]) + "[transactions]\nrate_per_s = 1.0\n[measure]\ntransactions = 1.0\n"
    done = record(text, "verification.tx_us=500.0")
    assert len(done.transactions) >= 15
    assert [one.index for one in done.transactions] == list(range(len(done.transactions)))
    for one in done.transactions:
        assert one.sender == 0
        # Its own check, then a trickled inv, a getdata, the payment and a check for each hop.
        assert one.arrivals[0] == 500
        assert one.arrivals[1] == NEVER or one.arrivals[1] >= 500 + 3 * LATENCY_US + 500
        assert one.arrivals[2] == NEVER or one.arrivals[2] >= one.arrivals[1] + 3 * LATENCY_US + 500
    assert sum(one.arrivals[2] > 0 for one in done.transactions) > 10
