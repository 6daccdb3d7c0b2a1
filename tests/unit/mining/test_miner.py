"""The mining flow: pace on trivial work, no mining beside a better chain, and no withheld block stops the miner."""

import pytest
from tests.unit.node.bench import NETWORK, NOBODY, Bench
from tests.unit.recording.recorded import PAYABLE, pay

from minicoin.core.answers import Mined
from minicoin.core.commands import AbortGenerate, Generate, GenerateBlock, SaveMempool, SetMining
from minicoin.core.effects import SearchNonce, StopSearch
from minicoin.core.limits import MINING_PEER_WAIT_US
from minicoin.core.mining.template import RESERVED_WEIGHT
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US
from minicoin.core.wire.messages import Headers
from minicoin.testing.chain_maker import ChainMaker


def blocks(count):
    maker = ChainMaker(NETWORK)
    made = maker.new_branch()
    for _ in range(count):
        maker.extend(made, maker.next_block(made, time=made.tip.time + 1))
    return made.blocks


def test_trivial_work_is_paced_by_the_networks_spacing():
    bench = Bench()
    bench.command(SetMining(NOBODY))
    jobs = bench.take(SearchNonce)
    assert jobs[-1].not_before_us == bench.now + NETWORK.spacing_s * SECOND_US
    assert bench.node.view.tree.tip.height == 0
    bench.wait(3 * NETWORK.spacing_s * SECOND_US + 30 * SECOND_US)
    assert bench.node.view.tree.tip.height == 3


def test_generate_is_not_paced_and_mining_goes_on_behind_it():
    bench = Bench(NodePolicy(mining_interval_us=10 * SECOND_US))
    bench.command(SetMining(NOBODY))
    assert len(bench.ask(Generate(3, NOBODY)).blocks) == 3
    bench.wait(25 * SECOND_US)
    assert bench.node.view.tree.tip.height in (4, 5)


def test_generate_commands_end_with_what_they_found_when_told_to():
    bench = Bench(is_working=False)
    under_way, behind = bench.command(Generate(3, NOBODY)), bench.command(Generate(1, NOBODY))
    bench.held.clear()
    assert bench.ask(AbortGenerate()).count == 2
    assert bench.take(StopSearch)
    assert bench.replies[under_way].answer == bench.replies[behind].answer == Mined(())
    bench.is_working = True
    bench.wait(300 * SECOND_US)
    assert bench.node.view.tree.tip.height == 0
    assert bench.ask(AbortGenerate()).count == 0


def test_mining_goes_on_behind_an_aborted_generate():
    bench = Bench(NodePolicy(mining_interval_us=10 * SECOND_US), is_working=False)
    bench.command(SetMining(NOBODY))
    bench.command(Generate(3, NOBODY))
    bench.held.clear()
    bench.is_working = True
    bench.ask(AbortGenerate())
    bench.wait(25 * SECOND_US)
    assert bench.node.view.tree.tip.height in (2, 3)


def test_none_stops_the_search():
    bench = Bench()
    bench.command(SetMining(NOBODY))
    bench.take(SearchNonce)
    bench.command(SetMining(None))
    assert bench.take(StopSearch)
    bench.wait(300 * SECOND_US)
    assert bench.node.view.tree.tip.height == 0


def test_a_better_header_holds_the_miner_back_but_not_for_ever():
    bench = Bench(NodePolicy(mining_interval_us=SECOND_US))
    bench.connect(1)
    bench.say(1, Headers(tuple(block.header for block in blocks(2))))
    bench.command(SetMining(NOBODY))
    bench.wait(MINING_PEER_WAIT_US - SECOND_US)
    assert bench.node.view.tree.tip.height == 0
    # Its blocks never come.
    bench.wait(5 * SECOND_US)
    assert bench.node.view.tree.tip.height >= 1


def test_headers_whose_blocks_never_come_hold_the_miner_back_once_and_not_for_every_block():
    bench = Bench(NodePolicy(mining_interval_us=SECOND_US))
    bench.connect(1)
    bench.say(1, Headers(tuple(block.header for block in blocks(20))))
    bench.command(SetMining(NOBODY))
    bench.wait(MINING_PEER_WAIT_US + 10 * SECOND_US)
    assert bench.node.view.tree.best_header.height == 20
    assert bench.node.view.tree.tip.height >= 3


def test_a_miner_that_was_told_of_peers_waits_for_them():
    bench = Bench(NodePolicy(add_nodes=(NodeAddress("127.0.0.1", 9),), mining_interval_us=SECOND_US))
    bench.command(SetMining(NOBODY))
    bench.wait(MINING_PEER_WAIT_US - SECOND_US)
    assert bench.node.view.tree.tip.height == 0
    bench.wait(5 * SECOND_US)
    assert bench.node.view.tree.tip.height >= 1


def test_a_block_mined_for_nobody_is_not_counted_as_asked_for():
    bench = Bench(NodePolicy(mining_interval_us=SECOND_US))
    bench.command(SetMining(NOBODY))
    bench.wait(SECOND_US)
    (found,) = bench.ask(GenerateBlock(b"\x51", ())).blocks
    block = bench.node.view.tree.get(found)
    assert block is not None and bench.node.view.tree.is_active(block)
    assert bench.engine.read_block(block.hash).raw.count(b"\x01\x51") == 1


def test_orders_are_served_one_after_the_other():
    bench = Bench()
    first, second = bench.command(Generate(2, NOBODY)), bench.command(GenerateBlock(b"\x51", (), False))
    bench.wait(SECOND_US)
    assert len(bench.replies[first].answer.blocks) == 2
    assert bench.replies[second].answer.unsubmitted.header.previous == bench.node.view.tree.tip.hash
    assert bench.node.view.tree.tip.height == 2


def test_a_block_that_is_not_wanted_any_more_is_left_alone():
    bench = Bench(is_working=False)
    request = bench.command(GenerateBlock(b"\x51", (), False))
    assert bench.ask(AbortGenerate()).count == 1
    assert bench.replies[request].answer == Mined(())
    bench.work()
    assert bench.node.view.tree.tip.height == 0


@pytest.mark.parametrize(("room", "count"), [(-1, 0), (0, 1)])
def test_a_template_keeps_within_the_weight_the_operator_gives_with_header_and_coinbase(room, count):
    bench = Bench()
    bench.ask(Generate(NETWORK.coinbase_maturity + 1, PAYABLE))
    pay(bench, 1)
    (entry,) = bench.node.view.mempool
    policy = NodePolicy(block_weight_max=RESERVED_WEIGHT + entry.weight + room)
    bench.ask(SaveMempool())
    tight = bench.crash(policy)
    assert len(tight.node.view.mempool) == 1
    tight.ask(Generate(1, NOBODY))
    assert len(tight.node.view.mempool) == 1 - count
