"""One move of the engine at a time, first seen stays, and a refused block is blamed on who delivered it."""

import pytest
from tests.unit.node.bench import NETWORK, NOBODY, Bench

from minicoin.core.answers import Done
from minicoin.core.commands import Generate, InvalidateBlock, PreferBlock, ReconsiderBlock, SubmitBlock
from minicoin.core.effects import Activate, Close
from minicoin.core.events import BlockRefused, WorkFailed
from minicoin.core.limits import ACTIVATE_BLOCKS_MAX
from minicoin.core.notices import BlockMarkedInvalid
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.verdicts import BlockReason, InvalidBlock
from minicoin.core.wire.messages import BlockMessage, Headers
from minicoin.testing.chain_maker import ChainMaker, rehash


def chain(length, seed):
    maker = ChainMaker(NETWORK, seed)
    branch = maker.new_branch()
    for _ in range(length):
        # The seed tells branches apart.
        maker.extend(branch, maker.next_block(branch, time=branch.tip.time + seed))
    return branch.blocks


def submit(bench, blocks):
    for block in blocks:
        bench.command(SubmitBlock(RawBlock.parse(block.raw)))


def tip(bench):
    return bench.node.view.tree.tip.hash


def moves(bench):
    return [effect for effect in bench.held if isinstance(effect, Activate)]


def test_the_engine_is_sent_one_way_at_a_time():
    bench = Bench()
    bench.ask(Generate(3, NOBODY))
    first, second = (bench.node.view.tree.at_height(height).hash for height in (1, 2))
    bench.is_working = False
    marks = [bench.command(InvalidateBlock(second))]
    under_way = moves(bench)
    assert len(under_way) == 1 and not bench.node.view.is_settled
    # Meanwhile the tree wants to go further down; that is asked for when the answer is here.
    marks.append(bench.command(InvalidateBlock(first)))
    assert moves(bench) == under_way
    bench.work()
    assert bench.node.view.is_settled and tip(bench) == NETWORK.genesis.hash
    assert [bench.replies[mark].answer for mark in marks] == [Done(), Done()]


def test_a_long_way_is_gone_in_steps():
    bench = Bench()
    bench.ask(Generate(ACTIVATE_BLOCKS_MAX + 5, NOBODY))
    far = bench.node.view.tree.at_height(1).hash
    bench.ask(InvalidateBlock(far))
    bench.take(Activate)
    bench.ask(ReconsiderBlock(far))
    assert [len(move.path) for move in bench.take(Activate)] == [ACTIVATE_BLOCKS_MAX, 5]


def test_of_equal_work_the_first_seen_stays_until_the_operator_prefers_another():
    bench = Bench()
    one, other = chain(2, seed=1), chain(2, seed=2)
    submit(bench, one)
    submit(bench, other)
    assert other[-1].hash in bench.node.view.tree
    assert tip(bench) == one[-1].hash != other[-1].hash
    bench.ask(PreferBlock(other[-1].hash))
    assert tip(bench) == other[-1].hash


def test_a_refused_block_costs_its_deliverer_and_the_chain_goes_on_beside_it():
    bench = Bench()
    bench.connect(1)
    (good,) = chain(1, seed=1)
    maker = ChainMaker(NETWORK, seed=3)
    branch = maker.new_branch()
    greedy = maker.next_block(branch)
    coinbase = maker.coinbase(1, fees_sat=1)
    bad = rehash(greedy, (coinbase, *greedy.transactions[1:]))
    bench.say(1, BlockMessage(RawBlock.parse(bad.raw)))
    told = bench.take(BlockMarkedInvalid | Close)
    assert [(notice.block, notice.reason) for notice in told if isinstance(notice, BlockMarkedInvalid)] == [
        (bad.hash, BlockReason.COINBASE_AMOUNT)
    ]
    assert [close.conn for close in told if isinstance(close, Close)] == [1]
    submit(bench, [good])
    assert tip(bench) == good.hash


@pytest.mark.parametrize(
    ("reason", "is_blamed"),
    [(BlockReason.TIME_TOO_NEW, False), (BlockReason.UNKNOWN_PARENT, False), (BlockReason.COINBASE_AMOUNT, True)],
)
def test_what_a_relaying_peer_could_not_know_is_nobodys_fault(reason, is_blamed):
    bench = Bench()
    bench.connect(1)
    bench.is_working = False
    (block,) = chain(1, seed=1)
    bench.say(1, BlockMessage(RawBlock.parse(block.raw)))
    bench.handle(BlockRefused(block.hash, InvalidBlock(block.hash, reason, "", is_permanent=True)))
    assert [close.conn for close in bench.take(Close)] == ([1] if is_blamed else [])


def test_after_a_failure_of_the_worker_the_engine_is_sent_nowhere():
    bench = Bench()
    bench.ask(Generate(2, NOBODY))
    stays = tip(bench)
    bench.handle(WorkFailed("storing a block", "no space left"))
    assert bench.node.view.failure == "storing a block: no space left"
    bench.take(Activate)
    bench.command(InvalidateBlock(stays))
    bench.connect(1)
    longer = chain(3, seed=1)
    bench.say(1, Headers(tuple(block.header for block in longer)))
    for block in longer:
        bench.say(1, BlockMessage(RawBlock.parse(block.raw)))
    assert all(bench.node.view.tree.get(block.hash).is_stored for block in longer)
    assert bench.take(Activate) == [] and tip(bench) == stays
