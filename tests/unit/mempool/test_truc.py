"""Version 3 transactions keep to their small topology (BIP431), rule by rule."""

import pytest

from minicoin.core.mempool.outcomes import Rejected
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.primitives.verdicts import TxReason


def parent_of(world, version: int = 3, outputs: int = 2, **more: int) -> Transaction:
    """One that stands in the pool."""
    transaction = world.spend([world.coin()], version=version, outputs=outputs, **more)
    world.accept(transaction)
    return transaction


def child_of(
    world, *parents: Transaction, index: int = 0, version: int = 3, fee: int = 2_000, pad: int = 0
) -> Transaction:
    return world.spend([world.out(parent, index) for parent in parents], version=version, fee=fee, pad=pad)


def violation(world, transaction: Transaction) -> str:
    outcome = world.offer(transaction)
    assert isinstance(outcome, Rejected), outcome
    assert outcome.reason is TxReason.TRUC
    return outcome.detail


@pytest.mark.parametrize(("parent_version", "child_version"), [(3, 2), (2, 3)])
def test_the_versions_do_not_mix_while_unconfirmed(world, parent_version, child_version):
    parent = parent_of(world, parent_version)
    assert "cannot spend from" in violation(world, child_of(world, parent, version=child_version))
    world.connect(parent)
    world.accept(world.spend([world.out(parent)], version=child_version, fee=2_000))


def test_it_is_small(world):
    world.accept(world.spend([world.coin()], version=3, pad=39_000, fee=20_000))
    assert "too big" in violation(world, world.spend([world.coin()], version=3, pad=41_000, fee=20_000))
    world.accept(world.spend([world.coin()], version=2, pad=41_000, fee=20_000))


def test_a_child_is_smaller_still(world):
    parent = parent_of(world)
    assert "is too big: 1100 > 1000" in violation(world, child_of(world, parent, pad=4_000, fee=9_000))
    world.accept(child_of(world, parent, pad=3_000, fee=9_000))


def test_it_has_one_unconfirmed_ancestor_at_most(world):
    parent, other = parent_of(world), parent_of(world)
    assert "too many ancestors" in violation(world, child_of(world, parent, other))
    child = child_of(world, parent)
    world.accept(child)
    assert "too many ancestors" in violation(world, child_of(world, child))


def test_a_second_child_takes_the_place_of_the_first_if_it_pays_for_that(world):
    parent = parent_of(world)
    first = child_of(world, parent, fee=2_000)
    world.accept(first)
    cheap = world.offer(child_of(world, parent, index=1, fee=2_001))
    assert isinstance(cheap, Rejected) and cheap.reason is TxReason.INSUFFICIENT_FEE
    second = world.accept(child_of(world, parent, index=1, fee=4_000))
    assert [entry.transaction for entry in second.replaced] == [first]
    assert len(world.pool) == 2


def test_a_child_may_be_replaced_as_ever(world):
    parent = parent_of(world)
    first = child_of(world, parent)
    world.accept(first)
    assert [e.transaction for e in world.accept(child_of(world, parent, fee=4_000)).replaced] == [first]


def test_what_a_reorganisation_brings_back_is_not_asked(world):
    parent = world.spend([world.coin()], version=3, outputs=3)
    total = parent.outputs[0].value
    first, second, third = (
        world.spend([world.out(parent, index)], version=3, fee=2_000, total=total) for index in range(3)
    )
    world.connect(parent)
    world.connect(first, second)
    world.drain(world.reorganise([[first, second], [parent]], []).effects)
    assert [entry.transaction for entry in world.pool] == [parent, first, second]
    # Whose place a third should take cannot be told.
    assert "descendant count limit" in violation(world, third)
