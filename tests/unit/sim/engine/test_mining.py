"""Who mines when: the draws of the schedule, the planned blocks, and how the mining ends."""

from itertools import accumulate, pairwise

import pytest
from tests.unit.sim.engine.runs import SMALL, record, simulate

from minicoin.core.units import SECOND_US
from minicoin.sim.schedule import MiningDraws


def test_blocks_are_found_as_the_draws_say() -> None:
    simulation = simulate()
    draws = MiningDraws(simulation.draw_seed, [1.0] * 6)
    times = accumulate(draws.interval_us(number, 10 * SECOND_US) for number in range(8))
    blocks = list(simulation.recorder.blocks.values())
    assert [block.found_at_us for block in blocks] == list(times)
    assert [block.miner for block in blocks] == [draws.miner(number) for number in range(8)]
    assert simulation.mining.found == 8


def test_hash_shares_decide_who_finds() -> None:
    blocks = record(SMALL, "mining.hash_shares=[0.7, 0.3]", "mining.blocks=60", "nodes.count=4").blocks
    found = [sum(block.miner == node for block in blocks) for node in range(4)]
    assert found[2:] == [0, 0]
    assert found[0] > 1.3 * found[1] > 0


def test_planned_blocks_are_found_at_their_times_by_their_nodes() -> None:
    planned = "".join(f"[[mining.at]]\ntime_s = {at}\nnode = {node}\n" for at, node in [(3.0, 4), (1.5, 0), (9.0, 2)])
    blocks = record(SMALL.replace("blocks = 8", planned)).blocks
    assert [(block.found_at_us, block.miner) for block in blocks] == [(1_500_000, 0), (3_000_000, 4), (9_000_000, 2)]
    assert [block.height for block in blocks] == [1, 2, 3]


def test_a_duration_ends_the_mining() -> None:
    simulation = simulate(SMALL.replace("blocks = 8", "duration_s = 95.0"))
    times = [block.found_at_us for block in simulation.recorder.blocks.values()]
    assert max(times) < 95 * SECOND_US
    assert len(times) >= 3
    assert simulation.mined_until - simulation.began_at >= 95 * SECOND_US


def test_whichever_of_count_and_duration_comes_first() -> None:
    few = record(SMALL, "mining.duration_s=10000.0").blocks
    assert len(few) == 8
    short = record(SMALL, "mining.duration_s=60.0", "mining.blocks=1000").blocks
    assert 0 < len(short) < 20


def test_the_start_is_a_delay() -> None:
    plain, late = record(SMALL), record(SMALL, "mining.start_s=100.0")
    assert [block.found_at_us + 100 * SECOND_US for block in plain.blocks] == [
        block.found_at_us for block in late.blocks
    ]


def test_a_node_that_is_down_finds_nothing() -> None:
    faults = '[[fault]]\nkind = "node-loss"\nat_s = 1.0\nuntil_s = 300.0\nnodes = [0, 1, 2]\n'
    blocks = record(SMALL + faults, "mining.blocks=20", "check.heal_s=10.0").blocks
    during = [block.miner for block in blocks if SECOND_US < block.found_at_us < 300 * SECOND_US]
    assert during
    assert set(during) <= {3, 4, 5}


def test_nobody_mines_where_no_block_is_wanted() -> None:
    done = record(SMALL, "mining.blocks=0")
    assert done.blocks == []
    assert done.virtual_us == 60 * SECOND_US


def test_blocks_have_the_size_wanted_and_stand_on_each_other() -> None:
    blocks = record(SMALL, "network.spacing_s=60.0").blocks
    assert {block.size_bytes for block in blocks} == {20_000}
    assert all(later.parent == earlier.index for earlier, later in pairwise(blocks))
    assert len({block.hash for block in blocks}) == 8


def test_an_attackers_share_is_taken_from_the_honest() -> None:
    attacker = '[[attacker]]\nkind = "selfish-miner"\nhash_share = 0.4\nconnections = 6\n'
    simulation = simulate(SMALL + attacker, "mining.blocks=60")
    assert simulation.mining.found == 60
    draws = MiningDraws(simulation.draw_seed, [0.6 / 6] * 6 + [0.4])
    by_attacker = sum(draws.miner(number) == 6 for number in range(60))
    mined = [block.miner for block in simulation.recorder.blocks.values()]
    assert sum(miner in range(6) for miner in mined) == 60 - by_attacker
    assert by_attacker == pytest.approx(24, abs=12)
