"""Pongs and the work before them: what they wait for, how long, and how many."""

import pytest
from tests.unit.node.bench import NETWORK, Bench

from minicoin.core.effects import Activate, Send
from minicoin.core.events import BlockRefused, ConnectionClosed
from minicoin.core.limits import PONG_WAIT_US, PONGS_WAITING_PER_PEER_MAX
from minicoin.core.peer.pongs import WaitingPongs
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.primitives.verdicts import BlockReason, InvalidBlock
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import BlockMessage, Ping, Pong, Tx
from minicoin.testing.chain_maker import ChainMaker

MOMENT_US = 1

T0 = Micros(1_000 * SECOND_US)


@pytest.fixture
def bench():
    """Two peers and a worker that works on call."""
    made = Bench()
    for conn in (1, 3):
        made.connect(conn)
    made.take(Send)
    made.is_working = False
    return made


def blocks(count, after_s=100):
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    times = (NETWORK.genesis.header.time + after_s + number for number in range(count))
    return [RawBlock.parse(maker.next_block(branch, time=time).raw) for time in times]


def chain(length):
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    for _ in range(length):
        maker.extend(branch, maker.next_block(branch))
    return [RawBlock.parse(block.raw) for block in branch.blocks]


def pongs(bench):
    """Who was answered, and to what, since the last look."""
    return [
        (effect.conn, effect.message.nonce)
        for effect in bench.seen_sends()
        if isinstance(effect, Send) and isinstance(effect.message, Pong)
    ]


def work_until(bench, kind):
    """The worker performs what it has, up to an effect of this kind."""
    while not isinstance(bench.held[0], kind):
        event = bench.perform(bench.held.pop(0))
        if event is not None:
            bench.handle(event)


def test_a_peer_that_sent_nothing_is_answered_at_once(bench):
    bench.say(1, BlockMessage(blocks(1)[0]))
    bench.say(3, Ping(30))
    assert pongs(bench) == [(3, 30)]


def test_a_pong_waits_until_the_block_before_it_is_our_tip(bench):
    # The second does not extend the tip when it comes: it is stored first, and connected by a job of its own.
    first, second = chain(2)
    bench.say(1, BlockMessage(first))
    bench.say(1, BlockMessage(second))
    bench.say(1, Ping(10))
    assert pongs(bench) == []
    work_until(bench, Activate)
    assert pongs(bench) == []
    # Stored already when this one came, but not connected.
    bench.say(1, Ping(11))
    assert pongs(bench) == []
    bench.work()
    assert bench.node.view.tree.tip.hash == second.hash
    assert pongs(bench) == [(1, 10), (1, 11)]
    bench.say(1, Ping(12))
    assert pongs(bench) == [(1, 12)]


def test_a_block_beside_our_tip_is_waited_for_no_longer_than_its_storing(bench):
    (first,), (rival,) = blocks(1), blocks(1, after_s=90)
    bench.say(1, BlockMessage(first))
    bench.work()
    bench.say(3, BlockMessage(rival))
    bench.say(3, Ping(30))
    assert pongs(bench) == []
    bench.work()
    assert pongs(bench) == [(3, 30)]
    assert bench.node.view.tree.tip.hash == first.hash
    # Another's block is on its way; this one is not.
    bench.say(1, BlockMessage(blocks(2)[1]))
    bench.say(3, Ping(31))
    assert pongs(bench) == [(3, 31)]


def test_a_block_that_was_refused_does_not_hide_the_next_one(bench):
    """A body that was altered on the way, and then the block itself."""
    (good,), (bad,) = blocks(1), blocks(1, after_s=90)
    bench.say(1, BlockMessage(bad))
    bench.node.view.tree.mark_invalid(bad.hash)
    bench.held.clear()
    bench.say(1, BlockMessage(good))
    bench.say(1, Ping(10))
    bench.handle(BlockRefused(bad.hash, InvalidBlock(bad.hash, BlockReason.TIME_TOO_NEW, "", is_permanent=False)))
    work_until(bench, Activate)
    assert pongs(bench) == []
    bench.work()
    assert pongs(bench) == [(1, 10)]
    assert bench.node.view.tree.tip.hash == good.hash


def test_a_pong_waits_for_the_verdict_on_a_transaction(bench):
    lonely = Transaction(2, (TxIn(make_outpoint(b"\x11" * 32, 0)),), (TxOut(1_000, b"\x00\x14" + bytes(20)),))
    bench.say(1, Tx(lonely))
    bench.say(1, Ping(10))
    assert pongs(bench) == []
    bench.work()
    assert pongs(bench) == [(1, 10)]
    assert bench.node.view.mempool.is_known(lonely.wtxid)


def test_a_pong_waits_no_longer_than_its_time_and_a_closed_peer_gets_none(bench):
    bench.say(1, BlockMessage(blocks(1)[0]))
    bench.say(1, Ping(10))
    bench.wait(PONG_WAIT_US - 1)
    assert (1, 10) not in pongs(bench)
    bench.wait(MOMENT_US)
    assert pongs(bench) == [(1, 10)]
    bench.say(1, Ping(11))
    bench.handle(ConnectionClosed(1, "gone"))
    bench.work()
    assert pongs(bench) == []


def test_so_many_wait_and_the_oldest_goes_for_one_more():
    waiting = WaitingPongs()
    for nonce in range(PONGS_WAITING_PER_PEER_MAX):
        assert waiting.hold(1, Pong(nonce), Micros(T0 + nonce)) == []
    assert waiting.hold(1, Pong(99), Micros(T0 + 99)) == [Pong(0)]
    assert waiting.next_deadline() == T0 + 1 + PONG_WAIT_US
    assert waiting.overdue(1, Micros(T0 + 2 + PONG_WAIT_US)) == [Pong(1), Pong(2)]
    assert list(waiting) == [1]
    assert waiting.release(1)[-1] == Pong(99)
    assert (len(waiting), waiting.next_deadline(), waiting.release(1)) == (0, None, [])
