"""A payment that was answered survives everything but its owner's word; one that was refused never was."""

from dataclasses import replace

import pytest
from tests.unit.node.bench import NETWORK, NOBODY, Bench

from minicoin.core import commands as c
from minicoin.core.answers import Done, Reason, Refused
from minicoin.core.effects import SaveState, VerifyTransaction
from minicoin.core.events import Saved
from minicoin.core.limits import MEMPOOL_EXPIRY_US, WALLET_PAYMENTS_WAITING_MAX
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.payments.keeper import WALLET_KEY
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.script.standard import address_script
from minicoin.core.units import DAY_US, MINUTE_US
from minicoin.core.wallet.records import RecordState
from minicoin.core.wire.messages import GetData, Inv, InventoryVector, InvType, Tx

PAYMENT = c.Pay((TxOut(20_000, NOBODY),))
TRICKLE_US = MINUTE_US


def funded(coins=1, policy=None):
    """A node whose wallet has so many mature coins."""
    bench = Bench(policy)
    bench.ask(c.CreateWallet(b""))
    script = address_script(bench.ask(c.NewAddress("")).address, NETWORK.address_format)
    bench.ask(c.Generate(coins, script))
    bench.ask(c.Generate(NETWORK.coinbase_maturity, NOBODY))
    bench.take(SaveState)
    return bench


def txid_of(answer):
    return answer.txid


def wallet_of(bench):
    return bench.node.view.wallet


def state_of(bench, answer):
    return wallet_of(bench).record(txid_of(answer)).state


def pooled(bench):
    return [entry.txid for entry in bench.node.view.mempool]


def announced(bench):
    return [vector.hash for inv in bench.take(Inv) for vector in inv.inventory if vector.type != InvType.BLOCK]


def pay_at_tip(bench):
    """A payment that is final in the next block at the earliest, as most are."""
    while True:
        answer = bench.ask(PAYMENT)
        if wallet_of(bench).record(txid_of(answer)).transaction.lock_time == bench.node.view.tree.tip.height:
            return answer


# --- the order: verdict, disk, answer and announcement ---


def test_nobody_hears_of_a_payment_before_it_is_on_disk():
    bench = funded()
    bench.connect(1)
    bench.saves = False
    request = bench.command(PAYMENT)
    (txid,) = pooled(bench)
    bench.wait(TRICKLE_US)
    bench.say(1, GetData((InventoryVector(InvType.WITNESS_TX, txid),)))
    assert announced(bench) == []
    assert bench.take(Tx) == []
    assert request not in bench.replies
    bench.handle(Saved(WALLET_KEY))
    assert txid_of(bench.replies[request].answer) == txid
    bench.wait(TRICKLE_US)
    assert announced(bench) == [txid]


def test_a_disk_that_refuses_takes_the_payment_back():
    bench = funded()
    before = wallet_of(bench).balance()
    bench.connect(1)
    bench.save_error = "disk full"
    reply = bench.replies[bench.command(PAYMENT)]
    assert reply.answer == Refused(Reason.WALLET_FAILED, "disk full; nothing was sent")
    assert pooled(bench) == []
    assert wallet_of(bench).balance() == before
    assert wallet_of(bench).history(100) == wallet_of(bench.crash()).history(100)
    bench.save_error = ""
    assert pooled(bench) == [] and bench.ask(PAYMENT)
    bench.wait(TRICKLE_US)
    assert len(announced(bench)) == 1


def test_a_failed_save_decides_nothing_while_a_later_one_holds_the_payment_too():
    bench = funded()
    bench.saves = False
    first, second = bench.command(PAYMENT), bench.command(PAYMENT)
    assert len(bench.take(SaveState)) == 2
    bench.handle(Saved(WALLET_KEY, "disk full"))
    assert first not in bench.replies
    bench.handle(Saved(WALLET_KEY))
    assert [txid_of(bench.replies[request].answer) for request in (first, second)] == pooled(bench)


def test_a_chain_of_payments_that_the_disk_refuses_goes_as_a_whole():
    bench = funded()
    bench.saves = False
    requests = [bench.command(PAYMENT) for _ in range(3)]
    for _ in requests:
        bench.handle(Saved(WALLET_KEY, "disk full"))
    assert all("nothing was sent" in bench.replies[request].answer.text for request in requests)
    assert pooled(bench) == [] and wallet_of(bench).unconfirmed() == ()


def test_a_payment_that_the_mempool_refuses_never_was():
    bench = funded()
    before, saved = wallet_of(bench).balance(), bench.documents[WALLET_KEY]
    bench.connect(1)
    # The floor rises out of reach between the building and the verdict.
    bench.node.view.mempool.policy = replace(bench.node.view.mempool.policy, min_relay_feerate=10_000_000)
    reply = bench.replies[bench.command(replace(PAYMENT, feerate_sat_per_kvb=1_000))]
    assert reply.answer.reason is Reason.WALLET_FAILED and "refused" in reply.answer.text
    assert wallet_of(bench).balance() == before
    assert bench.documents[WALLET_KEY] == saved
    bench.wait(TRICKLE_US)
    assert announced(bench) == []


def test_what_rpc_hands_in_and_our_coins_pay_for_is_kept_to_the_same_order():
    bench = funded()
    (coin,) = [coin for coin in wallet_of(bench).coins() if coin.is_spendable]
    draft = Transaction(2, (TxIn(coin.outpoint),), (TxOut(coin.output.value - 10_000, NOBODY),))
    made = bench.ask(c.SignTransaction(draft, (coin.output,)))
    signed, is_complete = made.transaction, made.is_complete
    assert is_complete
    bench.connect(1)
    bench.saves = False
    requests = [bench.command(c.SubmitTransaction(signed)) for _ in range(2)]
    bench.wait(TRICKLE_US)
    assert announced(bench) == [] and not bench.replies.keys() & set(requests)
    bench.handle(Saved(WALLET_KEY))
    assert [txid_of(bench.replies[request].answer) for request in requests] == [signed.txid] * 2


# --- in line ---


def test_payments_at_once_build_on_each_other_change():
    bench = funded(coins=1)
    bench.is_working = False
    requests = [bench.command(PAYMENT) for _ in range(8)]
    bench.work()
    txids = [txid_of(bench.replies[request].answer) for request in requests]
    assert txids == pooled(bench)
    assert len(dict.fromkeys(txids)) == 8


def test_a_payment_asked_for_while_the_last_run_is_being_restored_waits_for_its_change():
    bench = funded(coins=1)
    first = bench.ask(PAYMENT)
    again = bench.crash(is_working=False)
    request = again.command(PAYMENT)
    again.work()
    assert pooled(again) == [txid_of(first), txid_of(again.replies[request].answer)]


def test_a_payment_too_many_in_line_is_refused_honestly():
    bench = funded()
    bench.is_working = False
    requests = [bench.command(PAYMENT) for _ in range(WALLET_PAYMENTS_WAITING_MAX + 2)]
    assert [request for request in requests if request in bench.replies] == requests[-1:]
    assert "try again later" in bench.replies[requests[-1]].answer.text


def test_who_waits_for_a_chain_too_long_is_told_that_a_block_helps():
    bench = funded()
    for _ in range(25):
        bench.ask(PAYMENT)
    reply = bench.replies[bench.command(PAYMENT)]
    assert reply.answer.reason is Reason.INSUFFICIENT_FUNDS
    assert "more once earlier payments are in a block" in reply.answer.text


# --- what comes after the answer ---


@pytest.mark.parametrize("dump", [None, b"", b"mcmp\1\xff\xff\xff\xff"], ids=["gone", "empty", "damaged"])
def test_a_payment_survives_a_crash_whatever_became_of_the_mempool(dump):
    bench = funded()
    answer = bench.ask(PAYMENT)
    again = bench.crash(mempool=dump)
    # The crash cost the coins of all blocks: they are connected again, and the payment with its lock time behind them.
    assert again.engine.height == bench.engine.height
    assert pooled(again) == [txid_of(answer)]
    assert wallet_of(again).balance() == wallet_of(bench).balance()
    again.connect(1)
    again.wait(TRICKLE_US)
    assert announced(again) == [txid_of(answer)]
    again.ask(c.Generate(1, NOBODY))
    assert state_of(again, answer) is RecordState.CONFIRMED


def test_a_crash_before_the_disk_has_it_leaves_nothing():
    bench = funded()
    bench.saves = False
    bench.command(PAYMENT)
    again = bench.crash()
    assert pooled(again) == [] and wallet_of(again).unconfirmed() == ()
    assert again.ask(PAYMENT)


def test_a_payment_waits_out_an_invalidated_block_and_is_back_with_it():
    bench = funded()
    answers = [pay_at_tip(bench) for _ in range(2)]
    tip = bench.node.view.tree.tip.hash
    below = bench.node.view.tree.tip.parent.hash
    for block in (tip, below):
        bench.ask(c.InvalidateBlock(block))
        # Their lock time is the tip's height: not final for the moment.
        assert not {txid_of(answer) for answer in answers} & set(pooled(bench))
        assert {state_of(bench, answer) for answer in answers} == {RecordState.PENDING}
        assert wallet_of(bench).balance().confirmed_sat == 0
        bench.ask(c.ReconsiderBlock(block))
        assert {txid_of(answer) for answer in answers} <= set(pooled(bench))


def test_a_payment_waits_out_the_loss_of_the_block_it_stood_in():
    bench = funded()
    answer = bench.ask(PAYMENT)
    bench.ask(c.Generate(1, NOBODY))
    bench.ask(c.InvalidateBlock(bench.node.view.tree.tip.hash))
    assert state_of(bench, answer) is RecordState.PENDING
    assert pooled(bench) == [txid_of(answer)]
    bench.wait(MINUTE_US)
    bench.ask(c.Generate(1, NOBODY))
    assert state_of(bench, answer) is RecordState.CONFIRMED


def test_a_payment_outlives_the_mempool_patience():
    bench = funded()
    answer = bench.ask(PAYMENT)
    entered = bench.node.view.mempool.get(txid_of(answer)).time
    while bench.now < entered + MEMPOOL_EXPIRY_US + 20 * MINUTE_US:
        bench.wait(DAY_US // 2)
    assert bench.node.view.mempool.get(txid_of(answer)).time > entered
    assert state_of(bench, answer) is RecordState.PENDING
    assert pooled(bench) == [txid_of(answer)]


def test_what_the_mempool_refuses_at_a_start_waits_until_it_does_not():
    bench = funded()
    answer = bench.ask(replace(PAYMENT, feerate_sat_per_kvb=1_000))
    again = bench.crash(NodePolicy(mempool=MempoolPolicy(min_relay_feerate=50_000)))
    assert pooled(again) == []
    assert state_of(again, answer) is RecordState.PENDING
    assert wallet_of(again).balance().spendable_sat == 0
    again.ask(c.Generate(1, NOBODY))
    assert pooled(again) == []
    again.node.view.mempool.policy = replace(again.node.view.mempool.policy, min_relay_feerate=1_000)
    again.wait(11 * MINUTE_US)
    assert pooled(again) == [txid_of(answer)]


def test_a_payment_that_blocks_leave_out_is_said_again_once_in_12_to_36_hours():
    bench = funded()
    answer = bench.ask(PAYMENT)
    bench.connect(1)
    bench.say(1, GetData((InventoryVector(InvType.WITNESS_TX, txid_of(answer)),)))
    # It was faster than the announcement to it.
    bench.wait(MINUTE_US)
    # Blocks come, and none takes it.
    bench.node.view.mempool.select_for_block = lambda *limits: []
    said_at = []
    for step in range(36 * 4):
        bench.ask(c.Generate(1, NOBODY))
        bench.connect(3 + 2 * step)
        bench.take(Inv)
        bench.wait(15 * MINUTE_US)
        said_at += [step // 4 for vector in announced(bench) if vector == txid_of(answer)]
    assert said_at and min(said_at) >= 12
    assert len(dict.fromkeys(said_at)) == 1


# --- peers that come later ---


def test_a_payment_made_alone_is_told_to_whoever_comes_until_somebody_asks():
    bench = funded()
    answer = bench.ask(PAYMENT)
    pool = bench.node.view.mempool
    bench.wait(30 * MINUTE_US)
    for conn in (1, 3):
        bench.connect(conn)
        bench.wait(TRICKLE_US)
        assert announced(bench) == [txid_of(answer)]
        assert pool.snapshot(bench.now).unbroadcast_count == 1
    bench.say(3, GetData((InventoryVector(InvType.WITNESS_TX, txid_of(answer)),)))
    assert pool.snapshot(bench.now).unbroadcast_count == 0
    bench.connect(5)
    bench.wait(TRICKLE_US)
    assert announced(bench) == []


def test_a_peer_that_lacks_blocks_hears_at_the_next_attempt():
    bench = funded()
    answer = bench.ask(PAYMENT)
    bench.connect(1, height=3)
    bench.wait(TRICKLE_US)
    assert announced(bench) == []
    bench.wait(15 * MINUTE_US)
    assert announced(bench) == [txid_of(answer)]


def test_a_peer_that_announces_a_payment_itself_has_it():
    bench = funded()
    answer = bench.ask(PAYMENT)
    bench.connect(1)
    bench.say(1, Inv((InventoryVector(InvType.TX, txid_of(answer)),)))
    assert bench.node.view.mempool.unbroadcast() == []


def test_what_no_peer_has_is_so_after_an_orderly_stop_too():
    bench = funded()
    foreign = Bench(store=bench.store, documents={}, now=bench.now)
    (coin,) = [coin for coin in wallet_of(bench).coins() if coin.is_spendable]
    draft = Transaction(2, (TxIn(coin.outpoint),), (TxOut(coin.output.value - 10_000, NOBODY),))
    signed = bench.ask(c.SignTransaction(draft, (coin.output,))).transaction
    foreign.ask(c.SubmitTransaction(signed))
    foreign.ask(c.Stop())
    again = foreign.crash()
    assert pooled(again) == [signed.txid]
    assert [entry.txid for entry in again.node.view.mempool.unbroadcast()] == [signed.txid]
    assert MEMPOOL_KEY in foreign.documents


# --- the owner's word ---


def stuck(bench):
    """A payment that the mempool does not hold."""
    answer = pay_at_tip(bench)
    bench.ask(c.InvalidateBlock(bench.node.view.tree.tip.hash))
    assert txid_of(answer) not in pooled(bench)
    return answer


def test_only_the_owner_gives_a_payment_up_and_it_stays_so():
    bench = funded()
    before = wallet_of(bench).balance().spendable_sat
    answer = stuck(bench)
    assert bench.ask(c.AbandonTransaction(txid_of(answer))) == Done()
    assert state_of(bench, answer) is RecordState.ABANDONED
    bench.wait(MINUTE_US)
    bench.ask(c.Generate(2, NOBODY))
    assert pooled(bench) == []
    again = bench.crash()
    assert state_of(again, answer) is RecordState.ABANDONED
    assert pooled(again) == []
    assert wallet_of(again).balance().spendable_sat == before


def test_giving_up_is_answered_once_it_is_on_disk():
    bench = funded()
    answer = stuck(bench)
    bench.saves = False
    request = bench.command(c.AbandonTransaction(txid_of(answer)))
    assert request not in bench.replies
    bench.handle(Saved(WALLET_KEY))
    assert bench.replies[request].answer == Done()


def test_what_is_not_to_be_given_up_is_refused_as_bitcoin_core_does():
    bench = funded()
    answer = bench.ask(PAYMENT)
    for txid, problem in (
        (b"\xff" * 32, "Invalid or non-wallet transaction id"),
        (txid_of(answer), "Transaction not eligible for abandonment"),
    ):
        reply = bench.replies[bench.command(c.AbandonTransaction(txid))]
        assert reply.answer == Refused(Reason.NOT_ABANDONABLE, problem)
    bench.ask(c.Generate(1, NOBODY))
    reply = bench.replies[bench.command(c.AbandonTransaction(txid_of(answer)))]
    assert reply.answer.text == "Transaction not eligible for abandonment"


def test_giving_up_what_is_being_offered_waits_for_the_verdict():
    bench = funded()
    answer = stuck(bench)
    bench.is_working = False
    bench.command(c.ReconsiderBlock(next(iter(failed_blocks(bench)))))
    while not bench.node.view.mempool.is_verifying(txid_of(answer)):
        event = bench.perform(bench.held.pop(0))
        if event is not None:
            bench.handle(event)
    request = bench.command(c.AbandonTransaction(txid_of(answer)))
    assert request not in bench.replies
    bench.work()
    assert bench.replies[request].answer.text == "Transaction not eligible for abandonment"
    assert pooled(bench) == [txid_of(answer)]


def failed_blocks(bench):
    tree = bench.node.view.tree
    return [block for block in bench.engine.stored() if (node := tree.get(block)) is not None and node.is_failed]


# --- the end ---


def test_a_stop_answers_what_the_disk_owes_and_refuses_the_rest():
    bench = funded()
    bench.is_working = False
    held = bench.command(PAYMENT)
    while not pooled(bench):
        event = bench.perform(bench.held.pop(0))
        if event is not None:
            bench.handle(event)
    later = [bench.command(PAYMENT) for _ in range(3)]
    stop = bench.command(c.Stop())
    assert stop in bench.replies and held not in bench.replies
    assert all("shutting down" in bench.replies[request].answer.text for request in later)
    too_late = bench.command(PAYMENT)
    bench.work()
    assert "shutting down" in bench.replies[too_late].answer.text
    assert pooled(bench) == [txid_of(bench.replies[held].answer)]
    again = bench.crash()
    assert pooled(again) == pooled(bench)


def test_a_verdict_after_the_stop_sends_nothing():
    bench = funded()
    bench.saves = False
    bench.command(c.NewAddress(""))
    bench.is_working = False
    request = bench.command(PAYMENT)
    assert any(isinstance(effect, VerifyTransaction) for effect in bench.held)
    bench.command(c.Stop())
    assert "shutting down" in bench.replies[request].answer.text
    bench.work()
    assert pooled(bench) == []
    bench.saves = True
    bench.handle(Saved(WALLET_KEY))
    bench.work()
    assert pooled(bench.crash()) == []


def test_a_replacement_that_is_mined_settles_both():
    bench = funded()
    answer = bench.ask(replace(PAYMENT, feerate_sat_per_kvb=1_000))
    first = wallet_of(bench).record(txid_of(answer)).transaction
    outputs = (TxOut(1_000_000, NOBODY),)
    coin = next(coin for coin in first.inputs)
    spent = wallet_of(bench).record(txid_of(answer)).spent
    signed = bench.ask(c.SignTransaction(Transaction(2, (TxIn(coin.outpoint),), outputs), spent)).transaction
    bench.node.view.mempool.policy = replace(bench.node.view.mempool.policy, require_standard=False)
    bench.ask(c.SubmitTransaction(signed))
    assert state_of(bench, answer) is RecordState.REPLACED
    bench.ask(c.Generate(1, NOBODY))
    assert state_of(bench, answer) is RecordState.CONFLICTED
    assert make_outpoint(first.txid, 0) not in {coin.outpoint for coin in wallet_of(bench).coins()}
