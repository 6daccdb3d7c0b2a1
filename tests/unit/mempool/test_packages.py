"""A child pays for its parent: in either order of arrival, for the whole size, and never for what is not mendable."""

import pytest

from minicoin.core.limits import HELD_PARENTS_PER_SOURCE_MAX
from minicoin.core.mempool.outcomes import Accepted, Orphaned, Rejected
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.primitives.verdicts import TxReason, TxRejected


def family(world, parent_fee: int = 0, child_fee: int = 5_000, version: int = 3) -> tuple[Transaction, Transaction]:
    parent = world.spend([world.coin()], fee=parent_fee, version=version)
    child = world.spend([world.out(parent)], fee=child_fee, version=version, total=parent.outputs[0].value)
    return parent, child


def in_pool(world) -> list[Transaction]:
    return [entry.transaction for entry in world.pool]


def test_the_parent_first(world):
    parent, child = family(world)
    refused = world.offer(parent)
    assert isinstance(refused, Rejected) and refused.reason is TxReason.MIN_RELAY_FEE
    assert world.pool.is_known(parent.wtxid)
    accepted = world.accept(child)
    assert [one.entry.transaction for one in accepted.in_order()] == [parent, child]
    assert in_pool(world) == [parent, child]
    assert world.pool.get(child.txid).ancestor_fees_sat == 5_000


def test_a_parent_that_came_too_cheap_before_is_asked_for_again_when_its_child_comes(world):
    """Its txid is its wtxid, as without a witness, and whoever sent it is gone."""
    family_parent, child = family(world)
    parent = Transaction(3, family_parent.inputs, family_parent.outputs)
    assert parent.txid == parent.wtxid
    assert isinstance(world.offer(parent, source=7), Rejected)
    world.pool.forget_source(7)
    outcome = world.offer(child)
    assert isinstance(outcome, Orphaned) and outcome.missing == (parent.txid,)


def test_the_child_first(world):
    parent, child = family(world)
    assert isinstance(world.offer(child), Orphaned)
    outcomes = world.drain(world.pool.submit(parent, 2, world.now))
    assert [type(outcome) for outcome in outcomes] == [Rejected, Accepted]
    assert in_pool(world) == [parent, child]


def test_the_parent_is_asked_for_again_where_it_was_forgotten(world):
    parent, child = family(world)
    world.offer(parent)
    world.pool.forget_source(1)
    assert isinstance(world.offer(child, source=2), Orphaned)
    # What was too cheap before is looked at once more, since somebody waits for it.
    world.drain(world.pool.submit(parent, 2, world.now))
    assert in_pool(world) == [parent, child]


def test_nobody_waits_nobody_looks_again(world):
    parent, _ = family(world)
    world.offer(parent)
    with pytest.raises(TxRejected, match="refused recently"):
        world.offer(parent)


def test_the_package_pays_for_its_whole_size(world):
    for missing, kind in ((1, Rejected), (0, Accepted)):
        parent, child = family(world, child_fee=0)
        vsize = parent.vsize + child.vsize
        child = world.spend([world.out(parent)], fee=vsize - missing, version=3, total=parent.outputs[0].value)
        world.offer(parent)
        assert isinstance(world.offer(child), kind)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_child_of_any_version_lifts_its_parent_over_the_fixed_floor(world, version):
    parent, child = family(world, version=version)
    refused = world.offer(parent)
    assert isinstance(refused, Rejected) and refused.reason is TxReason.MIN_RELAY_FEE
    world.accept(child)
    assert in_pool(world) == [parent, child]


def test_a_parent_whose_payer_was_replaced_is_mined_by_nobody_and_leaves_first(world):
    coin = world.coin()
    parent = world.spend([world.coin()], fee=0, version=2)
    total = parent.outputs[0].value + world.value(coin)
    child = world.spend([world.out(parent), coin], fee=2_000, total=total, version=2)
    world.offer(parent)
    world.accept(child)
    rival = world.spend([coin], fee=50_000, version=2)
    assert [entry.transaction for entry in world.accept(rival).replaced] == [child]
    assert in_pool(world) == [parent, rival]
    chosen = world.pool.select_for_block(4_000_000, 80_000)
    assert [entry.transaction for entry in chosen] == [rival]
    assert world.pool.first_to_go == parent.txid


def test_a_child_of_any_version_lifts_its_parent_over_the_floor_of_a_full_pool(make_world):
    world = make_world()
    world.pool.raise_floor(5_000)
    parent, child = family(world, parent_fee=300, child_fee=5_000, version=2)
    refused = world.offer(parent)
    assert isinstance(refused, Rejected) and refused.reason is TxReason.MEMPOOL_MIN_FEE
    world.accept(child)
    assert in_pool(world) == [parent, child]


def test_a_child_that_pays_less_than_its_parent_brings_nothing(make_world):
    world = make_world()
    world.pool.raise_floor(5_000)
    parent, child = family(world, parent_fee=400, child_fee=300, version=2)
    world.offer(parent)
    outcome = world.offer(child)
    assert isinstance(outcome, Rejected) and outcome.reason is TxReason.MEMPOOL_MIN_FEE
    assert in_pool(world) == []


def test_an_invalid_parent_is_never_held(world):
    parent, child = family(world)
    world.bad.add(parent.txid)
    world.offer(parent)
    assert not isinstance(world.offer(child), Accepted)
    assert in_pool(world) == []


def test_an_invalid_child_leaves_the_pool_as_it_was(world):
    parent, child = family(world)
    world.offer(parent)
    world.bad.add(child.txid)
    assert isinstance(world.offer(child), Rejected)
    assert in_pool(world) == []
    better = world.spend([world.out(parent)], fee=6_000, version=3, total=parent.outputs[0].value)
    world.accept(better)
    assert in_pool(world) == [parent, better]


def test_a_package_replaces(world):
    coin = world.coin()
    old = world.spend([coin], fee=2_000, version=3)
    world.accept(old)
    parent = world.spend([coin], fee=0, version=3)
    world.offer(parent)
    poor = world.spend([world.out(parent)], fee=2_100, version=3, total=1_000_000)
    outcome = world.offer(poor)
    assert isinstance(outcome, Rejected) and outcome.reason is TxReason.INSUFFICIENT_FEE
    assert in_pool(world) == [old]
    rich = world.spend([world.out(parent)], fee=9_000, version=3, total=1_000_000)
    accepted = world.accept(rich)
    assert [entry.transaction for entry in accepted.replaced] == [old]
    assert in_pool(world) == [parent, rich]


def test_a_package_that_cannot_enter_pushes_nobody_out(world):
    coin = world.coin()
    old = world.spend([coin], fee=2_000)
    own = world.accept(old, source=None).entry
    heir = world.spend([world.out(old)], fee=2_000)
    world.accept(heir)
    before = world.pool.snapshot(world.now)
    parent = world.spend([coin], fee=0)
    world.offer(parent)
    # It spends what its parent spends: in no block can they stand together.
    child = world.spend([world.out(parent), coin], fee=50_000, total=2 * parent.outputs[0].value)
    outcome = world.offer(child)
    assert isinstance(outcome, Rejected) and outcome.reason is TxReason.SPENDS_CONFLICTING
    assert in_pool(world) == [old, heir]
    assert world.pool.snapshot(world.now) == before
    kept = world.pool.get(old.txid)
    assert (kept.is_own, kept.descendant_count, kept.descendant_fees_sat) == (own.is_own, 2, 4_000)
    assert list(world.pool.unbroadcast()) == [kept]
    world.connect(old)
    assert in_pool(world) == [heir]


def test_a_package_does_not_replace_what_has_a_family(world):
    coin = world.coin()
    old = world.spend([coin], fee=2_000, outputs=2)
    world.accept(old)
    for index in (0, 1):
        world.accept(world.spend([world.out(old, index)], fee=1_000))
    parent = world.spend([coin], fee=1_000)
    world.offer(parent)
    outcome = world.offer(world.spend([world.out(parent)], fee=50_000, total=parent.outputs[0].value))
    assert isinstance(outcome, Rejected) and outcome.reason is TxReason.INSUFFICIENT_FEE
    assert len(world.pool) == 3


def test_the_chain_moved_and_every_verdict_is_out_of_date(world):
    parent, child = family(world)
    world.offer(parent)
    world.connect()
    assert isinstance(world.offer(child), Orphaned)


def test_held_parents_are_bounded_per_source(world):
    parents = [world.spend([world.coin()], fee=0, version=3) for _ in range(HELD_PARENTS_PER_SOURCE_MAX + 1)]
    for parent in parents:
        world.offer(parent, source=1)
    assert len(world.pool.held) == HELD_PARENTS_PER_SOURCE_MAX
    assert parents[0].txid not in world.pool.held


def test_a_replaced_child_leaves_the_parent_until_it_is_evicted(world):
    parent, child = family(world)
    world.offer(parent)
    world.accept(child)
    better = world.spend([world.out(parent)], fee=9_000, version=3)
    assert [entry.transaction for entry in world.accept(better).replaced] == [child]
    assert in_pool(world) == [parent, better]
