"""Between a good verdict and a place in the mempool: the checks read the table, change nothing, and name the reason."""

from dataclasses import replace

import pytest

from minicoin.core.mempool.admission import check_before_verification, check_floor, check_verified
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.policy import policy_vsize
from minicoin.core.mempool.priorities import FeeDeltas
from minicoin.core.mempool.table import EntryTable
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn
from minicoin.core.primitives.verdicts import TxReason, TxRejected, TxVerdict

FLOOR = 1_000


@pytest.fixture
def table():
    return EntryTable()


def enter(table, transaction, fee=1_000):
    """It stands in the table from now on."""
    vsize = policy_vsize(transaction.weight, 1)
    table.add(Entry(transaction, fee_sat=fee, vsize=vsize, sigop_cost=1, time=0, height=0))
    return transaction


def child_of(world, parent, index=0):
    return world.spend([world.out(parent, index)], total=parent.outputs[index].value)


def judge(world, table, transaction, fee, *, floor=FLOOR, is_returning=False, deltas=None, policy=None):
    """What it replaces, or the reason of its refusal."""
    verdict = TxVerdict(transaction, world.tip, fee_sat=fee, sigop_cost=1)
    try:
        return check_verified(
            table,
            verdict,
            policy or world.pool.policy,
            floor,
            is_returning=is_returning,
            deltas=deltas or FeeDeltas(),
        )
    except TxRejected as refusal:
        return refusal.reason


@pytest.mark.parametrize(("floor", "reason"), [(FLOOR, TxReason.MIN_RELAY_FEE), (FLOOR + 1, TxReason.MEMPOOL_MIN_FEE)])
def test_a_price_too_low_is_told_apart_from_one_too_low_by_now(world, floor, reason):
    check_floor(1_000, 900, world.pool.policy, floor)
    with pytest.raises(TxRejected, match="999 < ") as refusal:
        check_floor(999, 1_000, world.pool.policy, floor)
    assert refusal.value.reason is reason


def test_what_the_operator_adds_to_a_fee_counts(world, table):
    free = world.spend([world.coin()], fee=0)
    deltas = FeeDeltas()
    assert judge(world, table, free, 0, deltas=deltas) is TxReason.MIN_RELAY_FEE
    deltas.add(free.txid, 10_000)
    assert judge(world, table, free, 0, deltas=deltas) == []


def test_what_stood_in_a_block_pays_what_it_paid_then(world, table):
    free = world.spend([world.coin()], fee=0)
    assert judge(world, table, free, 0) is TxReason.MIN_RELAY_FEE
    assert judge(world, table, free, 0, is_returning=True) == []


def test_whom_it_replaces_is_named_parents_first_and_still_there(world, table):
    coin = world.coin()
    parent = enter(table, world.spend([coin]))
    child = enter(table, child_of(world, parent))
    rival = world.spend([coin], fee=50_000)
    assert [entry.transaction for entry in judge(world, table, rival, 50_000)] == [parent, child]
    assert len(table) == 2


@pytest.mark.parametrize(
    "bound",
    [{"ancestors_max": 1}, {"ancestor_vbytes_max": 200}, {"descendants_max": 2}, {"descendant_vbytes_max": 300}],
)
def test_a_chain_is_bounded_in_count_and_size_above_and_below(world, table, bound):
    parent = enter(table, world.spend([world.coin()], outputs=3))
    enter(table, child_of(world, parent, 0))
    next_one = child_of(world, parent, 1)
    assert judge(world, table, next_one, 10_000) == []
    strict = replace(world.pool.policy, **bound)
    assert judge(world, table, next_one, 10_000, policy=strict) is TxReason.TOO_LONG_CHAIN


def test_a_coinbase_and_what_no_node_relays_are_refused_before_any_coin_is_looked_at(world, table):
    good = world.spend([world.coin()])
    coinbase = Transaction(2, (TxIn(NULL_OUTPOINT, b"\x01\x01"),), good.outputs)
    strange = Transaction(9, good.inputs, good.outputs, witnesses=good.witnesses)
    for transaction, reason in ((coinbase, TxReason.COINBASE), (strange, TxReason.VERSION)):
        with pytest.raises(TxRejected) as refusal:
            check_before_verification(table, transaction, world.pool.policy)
        assert refusal.value.reason is reason
    lenient = replace(world.pool.policy, require_standard=False)
    check_before_verification(table, strange, lenient)
    check_before_verification(table, good, world.pool.policy)
