"""Which conflicts a better-paying transaction may replace: rules 2 to 6, and what stays when it may not."""

import pytest

from minicoin.core.limits import REPLACED_TRANSACTIONS_MAX
from minicoin.core.mempool.outcomes import Rejected
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.primitives.verdicts import TxReason, TxRejected


def refused(world, transaction):
    try:
        outcome = world.offer(transaction)
    except TxRejected as rejection:
        return rejection
    assert isinstance(outcome, Rejected), outcome
    return outcome


def test_a_higher_fee_replaces_with_descendants(world):
    coin = world.coin()
    first = world.spend([coin], fee=1_000)
    child = world.spend([world.out(first)], fee=1_000, total=first.outputs[0].value)
    world.accept(first)
    world.accept(child)
    better = world.spend([coin], fee=2_000 + first.vsize)
    accepted = world.accept(better)
    assert [entry.transaction for entry in accepted.replaced] == [first, child]
    assert [entry.transaction for entry in world.pool] == [better]
    assert world.pool.snapshot(world.now).fees_sat == 2_000 + first.vsize


@pytest.mark.parametrize(
    ("fee_above", "words"),
    [(-1, "less fees than conflicting"), (0, "not enough additional fees"), (1, "0.00000001 < 0.000001")],
)
def test_must_pay_more_and_for_its_relay(world, fee_above, words):
    coin = world.coin()
    first = world.spend([coin], fee=1_000)
    world.accept(first)
    rejection = refused(world, world.spend([coin], fee=1_000 + fee_above, sequence=0xFFFFFFFD))
    assert rejection.reason is TxReason.INSUFFICIENT_FEE
    assert words in rejection.detail
    assert [entry.transaction for entry in world.pool] == [first]


def test_relay_price_is_exact(world):
    coin = world.coin()
    first = world.spend([coin], fee=1_000)
    world.accept(first)
    refused(world, world.spend([coin], fee=1_000 + first.vsize - 1))
    world.accept(world.spend([coin], fee=1_000 + first.vsize))


def test_a_better_feerate_that_pays_less_in_total_is_refused(world):
    coin = world.coin()
    big = world.spend([coin], fee=3_000, pad=4_000)
    world.accept(big)
    rejection = refused(world, world.spend([coin], fee=2_900))
    assert "less fees than conflicting txs; 0.000029 < 0.00003" in rejection.detail


def test_no_new_unconfirmed_input(world):
    coin, other = world.coin(), world.coin()
    first, parent = world.spend([coin]), world.spend([other])
    world.accept(first)
    world.accept(parent)
    rejection = refused(world, world.spend([coin, world.out(parent)], fee=50_000))
    assert rejection.reason is TxReason.ADDS_UNCONFIRMED


def test_may_not_spend_what_it_replaces(world):
    coin = world.coin()
    first = world.spend([coin])
    world.accept(first)
    rejection = refused(world, world.spend([coin, world.out(first)], fee=50_000))
    assert rejection.reason is TxReason.SPENDS_CONFLICTING


def test_replaces_a_bounded_number(make_world):
    world = make_world(
        MempoolPolicy(
            min_relay_feerate=1_000, incremental_feerate=1_000, descendants_max=1_000, descendant_vbytes_max=10**9
        )
    )
    coin = world.coin(100_000_000)
    fan = world.spend([coin], outputs=REPLACED_TRANSACTIONS_MAX, fee=20_000)
    world.accept(fan)
    for index in range(REPLACED_TRANSACTIONS_MAX - 1):
        world.accept(world.spend([world.out(fan, index)]))
    replacement = world.spend([coin], fee=1_000_000)
    last = world.accept(world.spend([world.out(fan, REPLACED_TRANSACTIONS_MAX - 1)]))
    assert refused(world, replacement).reason is TxReason.TOO_MANY_REPLACED
    # One fewer is fine: the bound is inclusive.
    world.accept(world.spend([world.coin()]))
    world.pool.remove(last.entry.txid)
    accepted = world.accept(world.spend([coin], fee=1_000_001))
    assert len(accepted.replaced) == REPLACED_TRANSACTIONS_MAX


def test_a_replacement_frees_its_place_among_the_descendants(make_world):
    world = make_world(MempoolPolicy(min_relay_feerate=1_000, incremental_feerate=1_000, descendants_max=3))
    parent = world.spend([world.coin()], outputs=3)
    world.accept(parent)
    second = world.spend([world.out(parent, 1)])
    world.accept(world.spend([world.out(parent, 0)]))
    world.accept(second)
    assert refused(world, world.spend([world.out(parent, 2)])).reason is TxReason.TOO_LONG_CHAIN
    world.accept(world.spend([world.out(parent, 1)], fee=5_000))
