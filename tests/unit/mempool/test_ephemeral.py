"""Dust enters only with the child that spends it."""

import pytest

from minicoin.core.mempool.outcomes import Accepted, Rejected
from minicoin.core.primitives.verdicts import TxReason, TxRejected


def test_who_creates_dust_pays_no_fee(world):
    outcome = world.offer(world.spend([world.coin()], fee=1_000, dust=0))
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.detail) == (TxReason.DUST, "tx with dust output must be 0-fee")


def test_two_outputs_of_dust_are_refused_at_once(world):
    transaction = world.spend([world.coin(200)], fee=0, outputs=2)
    with pytest.raises(TxRejected, match="dust"):
        world.offer(transaction)


@pytest.mark.parametrize("spends_dust", [True, False])
def test_the_child_spends_the_dust(world, spends_dust):
    parent = world.spend([world.coin()], fee=0, dust=0, version=3)
    held = world.offer(parent)
    assert isinstance(held, Rejected) and held.reason is TxReason.MIN_RELAY_FEE
    names = [world.out(parent, 1), *([world.out(parent, 0)] if spends_dust else [])]
    child = world.spend(names, version=3, fee=3_000, total=1_000_000)
    outcome = world.offer(child)
    if spends_dust:
        assert isinstance(outcome, Accepted)
        assert [one.entry.transaction for one in outcome.in_order()] == [parent, child]
        return
    assert isinstance(outcome, Rejected) and outcome.reason is TxReason.EPHEMERAL_UNSPENT
    assert len(world.pool) == 0


def test_the_child_is_not_replaced_by_one_that_leaves_the_dust(world):
    parent = world.spend([world.coin()], fee=0, dust=0, version=3)
    world.offer(parent)
    world.accept(world.spend([world.out(parent, 0), world.out(parent, 1)], version=3, fee=3_000, total=1_000_000))
    outcome = world.offer(world.spend([world.out(parent, 1)], version=3, fee=9_000))
    assert isinstance(outcome, Rejected) and outcome.reason is TxReason.EPHEMERAL_UNSPENT
    assert len(world.pool) == 2
