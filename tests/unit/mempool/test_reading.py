"""Questions to the mempool: what is known in whatever state, who is related to whom; asking changes nothing."""

import pytest

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.primitives.verdicts import TxReason, TxRejected, TxVerdict
from minicoin.core.units import SECOND_US, ConnId, Micros


def known(world, transaction):
    return world.pool.is_known(transaction.txid), world.pool.is_known(transaction.wtxid)


def test_what_need_not_be_asked_for_is_known_whatever_became_of_it(world):
    pooled, confirmed, waiting = (world.spend([world.coin()]) for _ in range(3))
    assert known(world, pooled) == (False, False)
    world.accept(pooled)
    world.accept(confirmed)
    world.connect(confirmed)
    world.pool.submit(waiting, ConnId(1), world.now)
    assert known(world, pooled) == known(world, waiting) == (True, True)
    # A block names its transactions by txid.
    assert known(world, confirmed)[0]
    assert world.pool.is_verifying(waiting.txid) and world.pool.is_verifying_from(ConnId(1))


def test_an_orphan_and_a_refused_one_are_known_by_their_wtxid(world):
    """Under its txid another witness may make it good."""
    parent = world.spend([world.coin()])
    orphan = world.spend([world.out(parent)], total=900_000)
    bad = world.spend([world.coin()])
    world.bad.add(bad.txid)
    world.offer(orphan)
    world.offer(bad)
    assert known(world, orphan)[1] and known(world, bad) == (False, True)
    assert [one.transaction for one in world.pool.orphans()] == [orphan]


def family(world):
    """A parent, its two children, and a grandchild of both."""
    parent = world.spend([world.coin()], outputs=2)
    world.accept(parent)
    children = [world.spend([world.out(parent, index)]) for index in range(2)]
    for child in children:
        world.accept(child)
    grandchild = world.spend([world.out(child) for child in children])
    world.accept(grandchild)
    return parent, *children, grandchild


def test_relatives_come_in_the_order_of_admission(world):
    parent, one, other, last = family(world)
    assert [entry.transaction for entry in world.pool] == [parent, one, other, last]
    assert [entry.transaction for entry in world.pool.ancestors(world.entry(last))] == [parent, one, other]
    assert [entry.transaction for entry in world.pool.descendants(world.entry(parent))] == [one, other, last]
    assert world.pool.sequence == world.entry(last).sequence


def test_coins_of_the_pool_and_who_spends_them(world):
    parent, one, _, last = family(world)
    assert world.pool.spender(world.out(parent, 0)).transaction == one
    assert world.pool.spender(world.out(last)) is None
    assert world.pool.output(world.out(parent, 1)) == parent.outputs[1]
    assert world.pool.output(world.coin()) is None


def test_asking_what_would_become_of_one_takes_nothing_in(world):
    good, poor = world.spend([world.coin()]), world.spend([world.coin()], fee=0)
    updates = world.pool.updates
    world.pool.check(good)
    world.pool.judge(TxVerdict(good, world.tip, fee_sat=1_000), world.now)
    for verdict, reason in (
        (TxVerdict(poor, world.tip, fee_sat=0), TxReason.MIN_RELAY_FEE),
        (TxVerdict(good, world.tip, missing=(world.coin(),)), TxReason.MISSING_OR_SPENT),
        (TxVerdict(good, world.tip, rejected=TxReason.SCRIPT_FAILED), TxReason.SCRIPT_FAILED),
    ):
        with pytest.raises(TxRejected) as refusal:
            world.pool.judge(verdict, world.now)
        assert refusal.value.reason is reason
    assert (len(world.pool), world.pool.updates) == (0, updates)
    assert known(world, good) == known(world, poor) == (False, False)


def test_one_that_is_here_is_told_apart_from_one_with_another_witness(world):
    here = world.spend([world.coin()])
    world.accept(here)
    other = type(here)(here.version, here.inputs, here.outputs, here.lock_time, ((b"\x02" * 64,),))
    for transaction, reason in ((here, TxReason.ALREADY_KNOWN), (other, TxReason.OTHER_WITNESS_KNOWN)):
        with pytest.raises(TxRejected) as refusal:
            world.pool.check(transaction)
        assert refusal.value.reason is reason


def test_best_paid_come_first_and_the_snapshot_adds_up(world):
    fees = (1_000, 9_000, 5_000)
    made = [world.spend([world.coin()], fee=fee) for fee in fees]
    for one in made:
        world.accept(one)
    assert [entry.fee_sat for entry in world.pool.by_feerate()] == sorted(fees, reverse=True)
    seen = world.pool.snapshot(world.now)
    assert (seen.count, seen.fees_sat) == (3, sum(fees))
    assert seen.vbytes == sum(entry.vsize for entry in world.pool)
    assert 0 < world.pool.fullness == seen.usage_bytes / seen.bytes_max < 1
    assert world.pool.get(sha256d(b"nobody")) is None


def test_what_has_waited_since_a_moment_comes_oldest_first_and_the_rest_not(world):
    made = [world.spend([world.coin()]) for _ in range(3)]
    begun = world.now
    for one in made:
        world.accept(one)
        world.now = Micros(world.now + SECOND_US)
    assert [entry.transaction for entry in world.pool.waiting_since(Micros(begun + 2 * SECOND_US))] == made[:2]
    assert list(world.pool.waiting_since(begun)) == []
