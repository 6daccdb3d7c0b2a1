"""The mempool between starts, disk and time: what an earlier run kept is taken up in its time, and never lost."""

import pytest
from tests.unit.node.bench import NOBODY
from tests.unit.node.spending import funded, spend_coin

from minicoin.core.answers import CommandRefused, Done
from minicoin.core.commands import (
    Generate,
    InvalidateBlock,
    PrioritiseTransaction,
    SaveMempool,
    Stop,
    SubmitTransaction,
)
from minicoin.core.effects import SaveState, VerifyTransaction
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.notices import MempoolNotRestored, RemovalReason, TransactionRemoved
from minicoin.core.policy.node import NodePolicy
from minicoin.core.units import HOUR_US


def keeping(policy=None):
    """A bench with one transaction, whose mempool is on disk."""
    bench = funded(2, policy)
    payment = spend_coin(bench, 1)
    bench.ask(SubmitTransaction(payment))
    bench.ask(SaveMempool())
    return bench, payment


def test_what_was_kept_is_taken_up_at_the_next_start():
    bench, payment = keeping()
    again = bench.crash()
    assert payment.txid in again.node.view.mempool and again.node.view.has_restored_mempool


def test_until_the_engine_stands_where_it_should_nothing_is_taken_up_nor_written_in_its_place():
    bench, payment = keeping()
    bench.ask(InvalidateBlock(bench.node.view.tree.tip.hash))
    kept = bench.documents[MEMPOOL_KEY]
    # The operator's word is not kept, the block is: the engine has a way to go.
    early = bench.crash(is_working=False)
    assert not early.node.view.is_settled
    assert early.take(VerifyTransaction) == []
    with pytest.raises(CommandRefused, match="not loaded yet"):
        early.ask(SaveMempool())
    assert early.take(SaveState) == []
    early.command(Stop())
    early.work()
    assert early.documents[MEMPOOL_KEY] == kept
    again = bench.crash()
    assert payment.txid in again.node.view.mempool


def test_what_cannot_be_read_costs_a_notice_and_no_more():
    bench, _ = keeping()
    again = bench.crash(mempool=b"nonsense")
    assert len(again.take(MempoolNotRestored)) == 1
    assert again.node.view.has_restored_mempool and len(again.node.view.mempool) == 0


def test_with_persistence_off_nothing_is_taken_up():
    bench, _ = keeping()
    again = bench.crash(NodePolicy(persists_mempool=False))
    assert again.node.view.has_restored_mempool and len(again.node.view.mempool) == 0


def test_a_block_that_takes_a_prioritised_transaction_has_the_change_forgotten_on_disk():
    bench = funded(1)
    payment = spend_coin(bench, 1)
    bench.ask(PrioritiseTransaction(payment.txid, 1_000))
    bench.ask(SubmitTransaction(payment))
    bench.take(SaveState)
    bench.ask(Generate(1, NOBODY))
    assert "priorities" in [effect.key for effect in bench.take(SaveState)]
    assert bench.crash().node.view.mempool.deltas.get(payment.txid) == 0


def test_a_change_that_is_not_kept_is_answered_at_once():
    bench = funded(1, NodePolicy(persists_mempool=False))
    bench.saves = False
    assert bench.ask(PrioritiseTransaction(b"\x11" * 32, 5)) == Done()
    assert not bench.take(SaveState)


def test_what_waited_too_long_leaves():
    bench, payment = keeping(NodePolicy(mempool=MempoolPolicy(expiry_us=5 * HOUR_US)))
    bench.wait(4 * HOUR_US)
    assert bench.take(TransactionRemoved) == []
    bench.wait(2 * HOUR_US)
    assert [(gone.txid, gone.reason) for gone in bench.take(TransactionRemoved)] == [
        (payment.txid, RemovalReason.EXPIRED)
    ]
