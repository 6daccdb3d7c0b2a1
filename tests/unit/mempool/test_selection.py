"""What goes into a block: packages by feerate, against brute force on small pools."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

SHAPES = st.tuples(st.integers(0, 9), st.integers(200, 30_000), st.integers(0, 400))


def test_best_feerate_first(world):
    fees = [3_000, 9_000, 1_000, 5_000]
    for fee in fees:
        world.accept(world.spend([world.coin()], fee=fee))
    assert [entry.fee_sat for entry in world.pool.select_for_block(4_000_000, 80_000)] == sorted(fees, reverse=True)
    assert [entry.fee_sat for entry in world.pool.by_feerate()] == sorted(fees, reverse=True)


def test_a_child_pays_for_its_parent(world):
    parent = world.accept(world.spend([world.coin()], fee=200)).entry
    child = world.accept(world.spend([world.out(parent.transaction)], fee=20_000)).entry
    other = world.accept(world.spend([world.coin()], fee=5_000)).entry
    assert world.pool.select_for_block(4_000_000, 80_000) == [parent, child, other]
    assert world.pool.select_for_block(parent.weight + child.weight, 80_000) == [parent, child]


def test_a_parent_chosen_for_one_child_is_paid_for_the_next(world):
    parent = world.accept(world.spend([world.coin()], fee=200, outputs=2)).entry
    rich = world.accept(world.spend([world.out(parent.transaction, 0)], fee=30_000)).entry
    modest = world.accept(world.spend([world.out(parent.transaction, 1)], fee=6_000)).entry
    rival = world.accept(world.spend([world.coin()], fee=5_000)).entry
    assert world.pool.select_for_block(4_000_000, 80_000) == [parent, rich, modest, rival]


def test_a_parent_that_lost_the_child_that_paid_for_it_is_left_out(world):
    parent = world.spend([world.coin()], fee=0, version=3)
    world.offer(parent)
    coin = world.coin()
    child = world.spend([world.out(parent), coin], fee=3_000, version=3, total=2_000_000)
    world.accept(child)
    assert len(world.pool.select_for_block(4_000_000, 80_000)) == 2
    world.accept(world.spend([coin], fee=20_000))
    assert [entry.fee_sat for entry in world.pool] == [0, 20_000]
    assert [entry.fee_sat for entry in world.pool.select_for_block(4_000_000, 80_000)] == [20_000]


def test_sigops_bound_a_block(world):
    for fee in (9_000, 8_000, 7_000):
        world.accept(world.spend([world.coin(), world.coin()], fee=fee))
    assert [entry.fee_sat for entry in world.pool.select_for_block(4_000_000, 5)] == [9_000, 8_000]


def test_a_large_package_that_does_not_fit_lets_smaller_ones_in(world):
    world.accept(world.spend([world.coin()], fee=90_000, pad=9_000))
    small = world.accept(world.spend([world.coin()], fee=1_000)).entry
    assert world.pool.select_for_block(small.weight, 80_000) == [small]


@settings(max_examples=40, deadline=None)
@given(
    shapes=st.lists(
        st.tuples(st.integers(0, 9), st.integers(200, 30_000), st.integers(0, 400)), min_size=3, max_size=9
    ),
    room=st.integers(500, 4_000),
)
def test_misses_the_best_block_by_less_than_one_package(make_world, shapes, room):
    """Greedy packing is optimal up to the package that did not fit, as for a knapsack."""
    world = make_world()
    for pick, fee, pad in shapes:
        entries = list(world.pool)
        free = [world.out(e.transaction) for e in entries if world.pool.spender(world.out(e.transaction)) is None]
        name = free[pick % len(free)] if free and pick % 2 else world.coin()
        world.accept(world.spend([name], fee=fee, pad=pad))
    entries = list(world.pool)
    best = 0
    for count in range(len(entries) + 1):
        for subset in combinations(entries, count):
            names = {entry.txid for entry in subset}
            closed = all(parent in names for entry in subset for parent in entry.parents)
            if closed and sum(entry.weight for entry in subset) <= room:
                best = max(best, sum(entry.fee_sat for entry in subset))
    chosen = world.pool.select_for_block(room, 80_000)
    packages = [[entry, *world.pool.ancestors(entry)] for entry in entries]
    largest = max((sum(entry.fee_sat for entry in package) for package in packages), default=0)
    assert sum(entry.fee_sat for entry in chosen) + largest >= best
    unlimited = world.pool.select_for_block(4_000_000, 80_000)
    assert sorted(entry.sequence for entry in unlimited) == [entry.sequence for entry in entries]
