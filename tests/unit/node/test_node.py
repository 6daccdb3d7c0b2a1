"""The node's contract with whoever drives it: one event, its effects in the written order, then the next one."""

import pytest
from tests.unit.node.bench import NOBODY, Bench
from tests.unit.node.spending import funded, spend_coin

from minicoin.core.addrmgr.book_flow import BOOK_KEY
from minicoin.core.commands import Generate, Stop, SubmitTransaction
from minicoin.core.effects import Reply, SaveState, Send, Shutdown
from minicoin.core.events import ConnectionOpened, DeadlineReached
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.notices import BlockConnected, TipMoved, TransactionRemoved
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import MINUTE_US
from minicoin.core.wire.messages import GetAddr, Headers, Inv, Ping


def test_an_event_before_the_last_ones_effects_were_drained_is_a_bug_of_the_driver():
    bench = Bench()
    bench.node.handle(ConnectionOpened(1, NodeAddress("10.0.0.1", 5), True, None), bench.now)
    with pytest.raises(AssertionError, match="not drained"):
        bench.node.handle(DeadlineReached(), bench.now)
    assert bench.node.drain_effects() != []
    assert bench.node.drain_effects() == []


def test_of_a_block_all_parts_hear_in_the_written_order():
    bench = funded()
    bench.connect(1)
    bench.ask(SubmitTransaction(spend_coin(bench, 1)))
    bench.seen.clear()
    bench.ask(Generate(1, NOBODY))

    def place(matches):
        return next(index for index, effect in enumerate(bench.seen) if matches(effect))

    order = [
        place(lambda effect: isinstance(effect, BlockConnected)),
        place(lambda effect: isinstance(effect, TransactionRemoved)),
        place(lambda effect: isinstance(effect, TipMoved)),
        place(lambda effect: isinstance(effect, Send) and isinstance(effect.message, Headers | Inv)),
        place(lambda effect: isinstance(effect, Reply)),
    ]
    assert order == sorted(order)


def live(bench):
    for conn in (1, 3):
        bench.connect(conn)
    bench.ask(Generate(3, NOBODY))
    bench.say(1, GetAddr())
    bench.say(3, Ping(5))
    bench.wait(10 * MINUTE_US)
    return bench.seen, tuple(bench.node.forms(bench.now, is_brief=False)), bench.node.snapshot(bench.now)


def test_the_same_events_give_the_same_effects_and_the_same_node():
    assert live(Bench()) == live(Bench())


def test_every_form_has_its_own_name():
    names = [name for name, _ in Bench().node.forms(Bench().now, is_brief=True)]
    assert len(names) == len(set(names)) and names[-1] == "deadlines"


def test_woken_too_early_it_does_nothing():
    bench = Bench()
    bench.seen.clear()
    bench.handle(DeadlineReached())
    assert bench.seen == []


def test_a_stop_is_answered_then_everything_is_saved_and_said_once():
    bench = Bench()
    bench.seen.clear()
    bench.command(Stop())
    bench.command(Stop())
    kinds = [effect for effect in bench.seen if isinstance(effect, Reply | SaveState | Shutdown)]
    assert [type(effect) for effect in kinds] == [Reply, SaveState, SaveState, Shutdown, Reply]
    assert [effect.key for effect in kinds if isinstance(effect, SaveState)] == [BOOK_KEY, MEMPOOL_KEY]


def test_from_outside_it_is_seen_as_it_stands():
    bench = funded()
    bench.connect(1)
    bench.ask(SubmitTransaction(spend_coin(bench, 1)))
    seen, tree = bench.node.snapshot(bench.now), bench.node.view.tree
    assert (seen.height, seen.tip, seen.best_header_height) == (tree.tip.height, tree.tip.hash, tree.tip.height)
    assert (seen.mempool_count, len(seen.peers), seen.is_initial, seen.failure) == (1, 1, False, "")
