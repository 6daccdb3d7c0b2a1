"""What the relay of transactions is told of a peer, and the feerate that peers are told."""

import pytest
from tests.unit.node.bench import NETWORK, NOBODY, Bench
from tests.unit.recording.recorded import PAYABLE, pay

from minicoin.core.commands import AddConnection, Generate
from minicoin.core.effects import Dial, Send
from minicoin.core.events import ConnectionClosed, ConnectionOpened
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.relay.feefilter import FEEFILTER_NOTHING
from minicoin.core.units import DAY_US, MINUTE_US, SECOND_US
from minicoin.core.wire.messages import FeeFilter, Inv, NetAddress, Verack, Version


def dial(bench, kind):
    """A connection of this kind that we made, with a finished handshake."""
    bench.take(Dial)
    bench.ask(AddConnection(NodeAddress("127.0.0.9", 5), kind))
    (made,) = bench.take(Dial)
    bench.handle(ConnectionOpened(made.conn, made.address, False, None))
    now = bench.now // SECOND_US
    height = bench.node.view.tree.tip.height
    bench.say(made.conn, Version(70016, 9, now, NetAddress(), NetAddress(), 99, "/scripted/", height))
    bench.say(made.conn, Verack())
    return made.conn


def told_of_transactions(bench):
    return {
        effect.conn for effect in bench.seen_sends() if isinstance(effect, Send) and isinstance(effect.message, Inv)
    }


@pytest.mark.parametrize(("kind", "hears"), [("outbound-full-relay", True), ("block-relay-only", False)])
def test_who_is_there_for_blocks_hears_of_no_transaction(kind, hears):
    bench = Bench()
    bench.ask(Generate(NETWORK.coinbase_maturity + 1, PAYABLE))
    conn = dial(bench, kind)
    bench.seen.clear()
    pay(bench, 1)
    bench.wait(2 * MINUTE_US)
    assert (conn in told_of_transactions(bench)) is hears


def test_a_seed_is_unknown_to_the_relay():
    bench = Bench()
    bench.ask(Generate(1, NOBODY))
    conn = dial(bench, "addr-fetch")
    assert bench.node.view.relay.view(conn) is None


def test_a_peer_that_asks_for_a_higher_fee_hears_of_nothing_below_it():
    bench = Bench()
    bench.ask(Generate(NETWORK.coinbase_maturity + 2, PAYABLE))
    for conn in (1, 2):
        bench.connect(conn)
    bench.say(1, FeeFilter(10_000_000))
    bench.seen.clear()
    pay(bench, 1)
    bench.wait(2 * MINUTE_US)
    assert told_of_transactions(bench) == {2}
    bench.say(1, FeeFilter(0))
    pay(bench, 2)
    bench.wait(2 * MINUTE_US)
    assert told_of_transactions(bench) == {1, 2}


def test_peers_are_to_announce_nothing_until_the_coins_are_here():
    late = Bench()
    late.now += 30 * DAY_US
    late.connect(1)
    late.wait(MINUTE_US)
    assert [said.feerate for said in late.take(FeeFilter)] == [FEEFILTER_NOTHING]
    late.ask(Generate(1, NOBODY))
    late.wait(MINUTE_US)
    (said,) = late.take(FeeFilter)
    assert said.feerate < FEEFILTER_NOTHING


def test_whoever_left_is_forgotten_and_the_digest_says_so():
    bench = Bench()
    bench.connect(1)
    before = dict(bench.node.forms(bench.now, is_brief=False))["relay"]
    bench.handle(ConnectionClosed(1, "gone"))
    assert bench.node.view.relay.view(1) is None
    assert dict(bench.node.forms(bench.now, is_brief=False))["relay"] != before
