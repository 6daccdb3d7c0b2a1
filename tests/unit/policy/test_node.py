"""What an operator chose has its effect on the node: no transactions from peers, patience, what is kept over a stop."""

from dataclasses import replace

import pytest
from tests.unit.node.bench import NETWORK, NOBODY, Bench
from tests.unit.recording.recorded import PAYABLE, pay

from minicoin.core.commands import AddConnection, Generate, PrioritiseTransaction, SaveMempool, SetBan, Stop
from minicoin.core.effects import Close, Dial, SaveState, Send
from minicoin.core.events import ConnectionOpened
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.primitives.permissions import Whitelisting
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.units import HOUR_US, SECOND_US
from minicoin.core.wire.messages import (
    Addr,
    FeeFilter,
    GetData,
    Headers,
    Inv,
    InventoryVector,
    InvType,
    MemPool,
    NetAddress,
    Tx,
    Version,
)

STRAY = Transaction(2, (TxIn(make_outpoint(b"?" * 32, 0)),), (TxOut(50_000, NOBODY),))


def _closed(bench):
    return [effect.conn for effect in bench.take(Close)]


@pytest.mark.parametrize(
    "message",
    [Inv((InventoryVector(InvType.TX, bytes(32)),)), Inv((InventoryVector(InvType.WTX, bytes(32)),)), Tx(STRAY)],
)
def test_a_node_for_blocks_only_says_so_and_leaves_who_sends_transactions(message):
    bench = Bench(NodePolicy(blocks_only=True))
    bench.connect(1)
    sent = [effect.message for effect in bench.seen_sends() if isinstance(effect, Send)]
    assert [said.relay for said in sent if isinstance(said, Version)] == [False]
    bench.wait(60 * SECOND_US)
    assert bench.take(FeeFilter) == []
    bench.say(1, message)
    assert _closed(bench) == [1]
    assert not list(bench.node.view.connections.bans.listing())


def test_others_take_them():
    bench = Bench()
    bench.connect(1)
    bench.ask(Generate(1, NOBODY))
    bench.take(Close)
    bench.say(1, Inv((InventoryVector(InvType.TX, bytes(32)),)))
    assert _closed(bench) == []


@pytest.mark.parametrize("persists", [True, False])
def test_the_mempool_is_kept_over_a_stop_unless_the_operator_says_no(persists):
    bench = Bench(NodePolicy(persists_mempool=persists))
    bench.ask(Stop())
    assert (MEMPOOL_KEY in [effect.key for effect in bench.take(SaveState)]) is persists


def test_a_stop_before_the_mempool_was_taken_up_loses_nothing_of_it():
    bench = Bench()
    bench.ask(Generate(NETWORK.coinbase_maturity + 1, PAYABLE))
    pay(bench, 1)
    bench.ask(SaveMempool())
    kept = bench.documents[MEMPOOL_KEY]
    assert bench.node.view.has_restored_mempool
    late = bench.crash(is_working=False)
    assert not late.node.view.has_restored_mempool
    late.command(Stop())
    late.work()
    assert late.documents[MEMPOOL_KEY] == kept
    again = late.crash()
    assert again.node.view.has_restored_mempool
    assert len(again.node.view.mempool) == 1


@pytest.mark.parametrize("persists", [True, False])
def test_fees_counted_as_told_are_kept_with_the_mempool_or_not_at_all(persists):
    policy = NodePolicy(persists_mempool=persists)
    bench = Bench(policy)
    bench.ask(PrioritiseTransaction(STRAY.txid, 700))
    assert bench.node.view.mempool.deltas.get(STRAY.txid) == 700
    assert bench.crash(policy).node.view.mempool.deltas.get(STRAY.txid) == (700 if persists else 0)
    # What an earlier run wrote is not taken up either.
    assert bench.crash(NodePolicy(persists_mempool=False)).node.view.mempool.deltas.get(STRAY.txid) == 0


def test_pings_end_nothing_in_the_time_that_a_peer_is_given():
    hours = 40
    bench = Bench(NodePolicy(peer_timeout_us=hours * HOUR_US))
    bench.connect(1)
    bench.wait((hours - 1) * HOUR_US)
    assert _closed(bench) == []
    bench.wait(2 * HOUR_US)
    assert _closed(bench) == [1]


def test_how_old_a_tip_may_be_decides_when_the_node_has_caught_up():
    patient = Bench(NodePolicy(tip_age_max_us=100 * HOUR_US))
    strict = Bench(NodePolicy(tip_age_max_us=HOUR_US))
    for bench in (patient, strict):
        bench.now += 10 * HOUR_US
    assert not patient.node.snapshot(patient.now).is_initial
    assert strict.node.snapshot(strict.now).is_initial


def test_blocks_carry_the_version_that_the_operator_wants():
    bench = Bench(NodePolicy(block_version=1337))
    bench.ask(Generate(1, NOBODY))
    assert bench.node.view.tree.tip.header.version == 1337


def _trusting(*entries, **policy):
    return Bench(NodePolicy(whitelist=tuple(map(Whitelisting.parse, entries)), **policy))


def _misbehave(bench, conn):
    """A header that breaks a rule on its face."""
    header = replace(NETWORK.genesis.header, previous=NETWORK.genesis.hash, bits=0x1D00FFFF)
    bench.say(conn, Headers((header,)))


def test_whoever_may_not_be_banned_stays_whatever_it_sends():
    for bench, stays in ((_trusting("noban@127.0.0.1"), True), (_trusting("addr@127.0.0.1"), False)):
        bench.connect(1)
        bench.take(Close)
        for _ in range(20):
            _misbehave(bench, 1)
        assert (_closed(bench) == []) is stays


def test_a_ban_does_not_keep_out_whom_the_operator_trusts():
    for bench, is_in in ((_trusting("noban@127.0.0.2"), True), (Bench(), False)):
        bench.ask(SetBan("127.0.0.2/32", bench.now // SECOND_US + 600))
        bench.handle(ConnectionOpened(1, NodeAddress("127.0.0.2", 5), True, None))
        assert (1 in bench.node.view.sessions) is is_in


def test_a_node_for_blocks_only_takes_transactions_from_those_it_relays_for():
    bench = _trusting("relay@127.0.0.1", blocks_only=True)
    bench.connect(1)
    sent = [effect.message for effect in bench.seen_sends() if isinstance(effect, Send)]
    assert [said.relay for said in sent if isinstance(said, Version)] == [True]
    bench.say(1, Inv((InventoryVector(InvType.TX, bytes(32)),)))
    assert _closed(bench) == []


def test_trusted_peers_hear_of_transactions_at_once_and_others_in_trickles():
    bench = _trusting("noban@127.0.0.1")
    bench.connect(1)
    bench.connect(3, host="127.0.0.2")
    bench.ask(Generate(NETWORK.coinbase_maturity + 1, PAYABLE))
    bench.take(Inv)
    pay(bench, 1)
    heard = [
        effect.conn for effect in bench.seen_sends() if isinstance(effect, Send) and isinstance(effect.message, Inv)
    ]
    assert heard == [1]
    bench.wait(120 * SECOND_US)
    later = [
        effect.conn for effect in bench.seen_sends() if isinstance(effect, Send) and isinstance(effect.message, Inv)
    ]
    assert 3 in later


@pytest.mark.parametrize("is_forced", [True, False])
def test_what_a_peer_sends_again_is_announced_again_where_that_is_allowed(is_forced):
    bench = _trusting("forcerelay@127.0.0.1") if is_forced else Bench()
    bench.connect(1)
    bench.connect(3, host="127.0.0.2")
    bench.ask(Generate(NETWORK.coinbase_maturity + 1, PAYABLE))
    pay(bench, 1)
    bench.wait(60 * SECOND_US)
    bench.take(Inv)
    (entry,) = bench.node.view.mempool
    bench.say(1, Tx(entry.transaction))
    bench.wait(60 * SECOND_US)
    told = [
        effect.conn for effect in bench.seen_sends() if isinstance(effect, Send) and isinstance(effect.message, Inv)
    ]
    assert (3 in told) is is_forced


@pytest.mark.parametrize("is_unlimited", [True, False])
def test_addresses_of_trusted_peers_are_not_limited_in_their_rate(is_unlimited):
    bench = _trusting("addr@127.0.0.1") if is_unlimited else Bench()
    bench.connect(1)
    now = bench.now // SECOND_US
    many = tuple(TimedAddress(NodeAddress(f"10.0.{index // 250}.{index % 250 + 1}", 5), 9, now) for index in range(900))
    bench.say(1, Addr(many))
    bench.say(1, Addr(many))
    view = bench.node.view.gossip.view(1)
    assert (view.rate_limited_count == 0) is is_unlimited


@pytest.mark.parametrize("may_ask", [True, False])
def test_the_mempool_is_told_to_those_who_may_ask_for_it(may_ask):
    bench = _trusting("mempool@127.0.0.1") if may_ask else Bench()
    bench.ask(Generate(NETWORK.coinbase_maturity + 1, PAYABLE))
    pay(bench, 1)
    bench.connect(1)
    bench.take(Inv)
    bench.say(1, MemPool())
    (entry,) = bench.node.view.mempool
    told = [vector.hash for said in bench.take(Inv) for vector in said.inventory]
    assert told == ([entry.txid] if may_ask else [])
    assert (1 in bench.node.view.sessions) is may_ask
    if may_ask:
        bench.say(1, GetData((InventoryVector(InvType.WITNESS_TX, entry.txid),)))
        assert [said.transaction for said in bench.take(Tx)] == [entry.transaction]


@pytest.mark.parametrize("is_forced", [True, False])
def test_whoever_may_have_us_relay_anything_is_told_no_least_fee(is_forced):
    bench = _trusting("forcerelay@127.0.0.1") if is_forced else Bench()
    bench.ask(Generate(1, NOBODY))
    bench.connect(1)
    bench.wait(60 * SECOND_US)
    assert (bench.take(FeeFilter) == []) is is_forced


def test_a_feeler_asks_no_more_than_whether_somebody_is_there():
    bench = Bench()
    bench.ask(AddConnection(NodeAddress("127.0.0.1", 5), "feeler"))
    (dial,) = bench.take(Dial)
    bench.handle(ConnectionOpened(dial.conn, dial.address, False, None))
    assert [said.relay for said in bench.take(Version)] == [False]
    now = bench.now // SECOND_US
    bench.say(dial.conn, Version(70016, 9, now, NetAddress(), NetAddress(), 5, "/scripted/", 0))
    assert _closed(bench) == [dial.conn]
    assert bench.node.view.book.find(dial.address).is_tried
