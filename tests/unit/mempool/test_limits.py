"""Random traffic against a small mempool: no limit is ever exceeded, and what is chosen for a block always stands."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.mempool.outcomes import Accepted, Rejected
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.primitives.verdicts import TxReason, TxRejected
from minicoin.core.units import DAY_US, HOUR_US, SECOND_US

SMALL = MempoolPolicy(
    min_relay_feerate=1_000,
    incremental_feerate=1_000,
    ancestors_max=4,
    descendants_max=5,
    ancestor_vbytes_max=900,
    descendant_vbytes_max=1_000,
)
TINY = MempoolPolicy(min_relay_feerate=1_000, incremental_feerate=1_000, bytes_max=12_000)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["spend"] * 6 + ["rival", "block", "rollback"]),
        st.integers(0, 10**6),
        st.integers(100, 20_000),
        st.integers(0, 300),
    ),
    min_size=15,
    max_size=60,
)


def outputs_of(world):
    return [
        name
        for entry in world.pool
        for name in (world.out(entry.transaction, 0), world.out(entry.transaction, 1))
        if world.pool.output(name) is not None
    ]


def play(world, steps):
    blocks = []
    for kind, pick, fee, pad in steps:
        unconfirmed = outputs_of(world)
        if kind == "block":
            chosen = [entry.transaction for entry in world.pool.select_for_block(4_000, 80_000)]
            world.drain(world.connect(*chosen, salt=pick).effects)
            blocks.append(chosen)
        elif kind == "rollback" and blocks:
            world.drain(world.reorganise([blocks.pop()], []).effects)
        else:
            names = [unconfirmed[pick % len(unconfirmed)]] if unconfirmed and pick % 3 else [world.coin()]
            if pick % 5 == 0 and unconfirmed:
                names.append(unconfirmed[pick // 7 % len(unconfirmed)])
            names = list(dict.fromkeys(names))
            with suppress(TxRejected):
                world.offer(world.spend(names, fee=fee, outputs=1 + pick % 2, pad=pad), source=None if pick % 11 else 1)
        yield


def check_selection(world, weight_max, sigops_max):
    chosen = world.pool.select_for_block(weight_max, sigops_max)
    assert sum(entry.weight for entry in chosen) <= weight_max
    assert sum(entry.sigop_cost for entry in chosen) <= sigops_max
    place = {entry.txid: position for position, entry in enumerate(chosen)}
    assert len(place) == len(chosen)
    for entry in chosen:
        assert all(place[parent] < place[entry.txid] for parent in entry.parents)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_chain_limits_hold(make_world, steps):
    world = make_world(SMALL)
    for _ in play(world, steps):
        for entry in world.pool:
            assert entry.ancestor_count <= 4
            assert entry.descendant_count <= 5
            assert entry.ancestor_vsize <= 900
            assert entry.descendant_vsize <= 1_000
        check_selection(world, 2_500, 6)
        check_selection(world, 4_000_000, 80_000)
        # Every input is a known coin or an output of the pool, and spent once.
        spends = [spend.outpoint for entry in world.pool for spend in entry.transaction.inputs]
        assert len(spends) == len(set(spends))
        assert all(name in world.coins or world.pool.output(name) is not None for name in spends)
        histogram = world.pool.histogram()
        assert sum(bucket.count for bucket in histogram) == len(world.pool)
        assert sum(bucket.fees_sat for bucket in histogram) == world.pool.snapshot(world.now).fees_sat
        assert world.pool.snapshot(world.now).verifying_count == 0


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_the_size_limit_holds(make_world, steps):
    world = make_world(TINY)
    for _ in play(world, steps):
        assert world.pool.snapshot(world.now).usage_bytes <= 12_000


@pytest.mark.parametrize(
    ("policy", "length"),
    [(MempoolPolicy(), 25), (MempoolPolicy(min_relay_feerate=1_000, incremental_feerate=1_000, ancestors_max=3), 3)],
)
def test_a_chain_stops_at_the_limit(make_world, policy, length):
    world = make_world(policy)
    tail = world.accept(world.spend([world.coin()])).entry.transaction
    for _ in range(length - 1):
        tail = world.accept(world.spend([world.out(tail)])).entry.transaction
    outcome = world.offer(world.spend([world.out(tail)]))
    assert isinstance(outcome, Rejected)
    assert outcome.reason is TxReason.TOO_LONG_CHAIN


def test_a_full_mempool_evicts_the_worst_and_raises_its_price(make_world):
    world = make_world(TINY)
    worst = world.accept(world.spend([world.coin()], fee=300)).entry
    evicted = []
    fee = 1_000
    while not evicted:
        fee += 100
        evicted = list(world.accept(world.spend([world.coin()], fee=fee)).evicted)
    assert evicted == [worst]
    floor = world.pool.min_feerate(world.now)
    assert floor == pytest.approx(worst.fee_sat * 1_000 / worst.vsize + 1_000, abs=1)
    low = world.offer(world.spend([world.coin()], fee=350))
    assert isinstance(low, Rejected)
    assert low.reason is TxReason.MEMPOOL_MIN_FEE
    # It decays only after a block made room, halving at most every 12 hours.
    assert world.pool.min_feerate(world.now + DAY_US) == floor
    world.connect()
    assert world.pool.min_feerate(world.now + 12 * HOUR_US) == pytest.approx(floor / 2, rel=0.01)
    assert world.pool.min_feerate(world.now + 12 * DAY_US) == 1_000


def test_a_rich_child_keeps_its_poor_parent(make_world):
    world = make_world(TINY)
    parent = world.accept(world.spend([world.coin()], fee=300)).entry
    child = world.accept(world.spend([world.out(parent.transaction)], fee=50_000)).entry
    middle = world.accept(world.spend([world.coin()], fee=1_000)).entry
    evicted = []
    while not evicted:
        world.now += SECOND_US
        evicted = list(world.accept(world.spend([world.coin()], fee=5_000)).evicted)
    assert evicted == [middle]
    assert parent.txid in world.pool
    assert child.txid in world.pool


def test_what_would_be_evicted_at_once_is_refused(make_world):
    world = make_world(TINY)
    while True:
        outcome = world.offer(world.spend([world.coin()], fee=5_000))
        if not (isinstance(outcome, Accepted) and not outcome.evicted):
            break
    assert isinstance(world.offer(world.spend([world.coin()], fee=900)), Rejected)
