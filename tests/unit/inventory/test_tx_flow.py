"""A transaction's way: from a peer to the others and never back, and whoever waits for a verdict hears it once."""

import pytest
from tests.unit.node.bench import NOBODY, Bench
from tests.unit.node.spending import funded, spend_coin, spend_output

from minicoin.core.answers import CommandRefused, Reason, Refused, Sent
from minicoin.core.commands import GenerateBlock, SubmitTransaction
from minicoin.core.effects import Close, Send, VerifyTransaction
from minicoin.core.events import ConnectionClosed
from minicoin.core.limits import TX_WAITERS_MAX
from minicoin.core.notices import TransactionAdded, TransactionRefused
from minicoin.core.primitives.verdicts import TxReason
from minicoin.core.units import DAY_US, MINUTE_US
from minicoin.core.wire.messages import GetData, Inv, InventoryVector, InvType, Tx


def told(bench):
    """Who was told of which transaction, by now and within two minutes."""
    bench.wait(2 * MINUTE_US)
    return {
        (effect.conn, vector.hash)
        for effect in bench.seen_sends()
        if isinstance(effect, Send) and isinstance(effect.message, Inv)
        for vector in effect.message.inventory
    }


def test_what_a_peer_sends_goes_on_to_the_others_and_not_back():
    bench = funded()
    for conn in (1, 2, 3):
        bench.connect(conn)
    payment = spend_coin(bench, 1)
    bench.say(1, Tx(payment))
    assert told(bench) == {(2, payment.txid), (3, payment.txid)}


def test_what_is_handed_in_once_more_is_answered_and_needs_no_new_verdict():
    bench = funded()
    payment = spend_coin(bench, 1)
    assert bench.ask(SubmitTransaction(payment)) == Sent(payment.txid)
    bench.connect(1, height=0)
    bench.seen.clear()
    assert bench.ask(SubmitTransaction(payment)) == Sent(payment.txid)
    assert bench.take(VerifyTransaction) == []
    assert (1, payment.txid) in told(bench)


def test_what_is_refused_is_told_with_its_reason_and_costs_its_sender_nothing():
    bench = funded()
    bench.connect(1)
    free = spend_coin(bench, 1, fee=0)
    bench.say(1, Tx(free))
    assert [(refused.txid, refused.reason) for refused in bench.take(TransactionRefused)] == [
        (free.txid, TxReason.MIN_RELAY_FEE)
    ]
    assert bench.take(Close) == []
    with pytest.raises(CommandRefused, match="min relay fee") as refusal:
        bench.ask(SubmitTransaction(free))
    assert refusal.value.reason is Reason.TRANSACTION_REFUSED


def test_a_parent_that_comes_brings_its_orphan_in_and_both_are_told_of():
    bench = funded()
    for conn in (1, 2):
        bench.connect(conn)
    parent = spend_coin(bench, 1)
    child = spend_output(parent)
    bench.say(1, Tx(child))
    bench.wait(MINUTE_US)
    assert [vector.hash for said in bench.take(GetData) for vector in said.inventory] == [parent.txid]
    bench.say(1, Tx(parent))
    assert [added.txid for added in bench.take(TransactionAdded)] == [parent.txid, child.txid]
    assert told(bench) == {(2, parent.txid), (2, child.txid)}


def test_an_orphan_whose_sender_left_before_the_verdict_is_not_kept():
    bench = funded()
    bench.connect(1)
    bench.is_working = False
    bench.say(1, Tx(spend_output(spend_coin(bench, 1))))
    bench.handle(ConnectionClosed(1, "gone"))
    bench.work()
    assert bench.node.view.mempool.orphans() == ()


def test_a_node_that_catches_up_verifies_no_transaction_of_a_peer():
    bench = Bench()
    payment = spend_coin(funded(), 1)
    bench.now += 30 * DAY_US
    bench.connect(1)
    bench.say(1, Tx(payment))
    assert bench.take(VerifyTransaction) == []


def test_what_a_block_brings_is_not_asked_for_any_more():
    bench = funded()
    bench.connect(1)
    payment, other = spend_coin(bench, 1), spend_coin(bench, 2)
    bench.say(1, Inv(tuple(InventoryVector(InvType.TX, one.txid) for one in (payment, other))))
    bench.ask(GenerateBlock(NOBODY, (payment,)))
    bench.take(GetData)
    bench.wait(MINUTE_US)
    assert {vector.hash for said in bench.take(GetData) for vector in said.inventory} == {other.txid}


def test_so_many_wait_for_verdicts_and_one_more_is_told_so():
    bench = funded()
    bench.is_working = False
    payment = spend_coin(bench, 1)
    waiting = [bench.command(SubmitTransaction(payment)) for _ in range(TX_WAITERS_MAX)]
    refused = bench.replies[bench.command(SubmitTransaction(payment))].answer
    assert isinstance(refused, Refused) and refused.reason is Reason.CROWDED
    bench.work()
    assert {bench.replies[request].answer for request in waiting} == {Sent(payment.txid)}
    # Whoever was answered waits no more.
    bench.is_working = True
    assert bench.ask(SubmitTransaction(spend_coin(bench, 2)))
