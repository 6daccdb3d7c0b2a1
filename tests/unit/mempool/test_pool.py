"""Admission, known and refused transactions, orphans, the queue, own transactions, restart."""

import pytest

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import (
    VERIFICATIONS_IN_FLIGHT_MAX,
    VERIFICATIONS_WAITING_MAX,
)
from minicoin.core.mempool.outcomes import Accepted, Again, Orphaned, Rejected
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut
from minicoin.core.primitives.verdicts import TxReason, TxRejected, TxVerdict
from minicoin.core.script.policy import Standardness
from minicoin.core.units import DAY_US, HOUR_US, MINUTE_US, ConnId


def refusal(world, transaction, source=1):
    with pytest.raises(TxRejected) as caught:
        world.pool.submit(transaction, source, world.now)
    return caught.value.reason


def test_accepts_and_reads_back(world):
    transaction = world.spend([world.coin()], fee=2_000)
    entry = world.accept(transaction).entry
    assert (entry.fee_sat, entry.vsize) == (2_000, transaction.vsize)
    assert world.pool.get(transaction.txid) is entry is world.pool.get_by_wtxid(transaction.wtxid)
    assert world.pool.spender(transaction.inputs[0].outpoint) is entry
    assert world.pool.output(world.out(transaction)) == transaction.outputs[0]
    assert world.pool.output(world.out(transaction, 1)) is None
    assert world.pool.is_known(transaction.txid)
    assert world.pool.is_known(transaction.wtxid)
    snapshot = world.pool.snapshot(world.now)
    assert (snapshot.count, snapshot.vbytes, snapshot.fees_sat) == (1, transaction.vsize, 2_000)


def test_refuses_what_it_knows(world):
    transaction = world.spend([world.coin()])
    world.accept(transaction)
    assert refusal(world, transaction) is TxReason.ALREADY_KNOWN
    world.connect(transaction)
    assert refusal(world, transaction) is TxReason.ALREADY_CONFIRMED
    assert len(world.pool) == 0


def test_remembers_refusals_until_the_tip_moves(world):
    transaction = world.spend([world.coin()])
    world.bad.add(transaction.txid)
    outcome = world.offer(transaction, source=7)
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.source) == (TxReason.SCRIPT_FAILED, 7)
    assert world.pool.is_known(transaction.wtxid)
    assert refusal(world, transaction) is TxReason.ALREADY_KNOWN
    assert len(world.verified) == 1
    world.connect()
    assert isinstance(world.offer(transaction), Rejected)
    assert len(world.verified) == 2


def test_refuses_cheaply_before_verification(world):
    coinbase = Transaction(2, (TxIn(NULL_OUTPOINT, b"\x51\x51"),), (TxOut(1, b"\x00\x14" + bytes(20)),))
    assert refusal(world, coinbase) is TxReason.COINBASE
    coin = world.coin()
    assert refusal(world, world.spend([coin, coin])) is TxReason.DUPLICATE_INPUTS
    dust = world.spend([world.coin(1_400)], fee=1_000, outputs=2)
    assert refusal(world, dust) is TxReason.DUST
    assert world.verified == []


def test_minimum_fee_counts_virtual_bytes_and_signature_checks(world):
    transaction = world.spend([world.coin()], fee=0)
    exact = world.spend([world.coin()], fee=transaction.vsize)
    assert exact.vsize == transaction.vsize
    world.accept(exact)
    outcome = world.offer(world.spend([world.coin()], fee=transaction.vsize - 1))
    assert isinstance(outcome, Rejected)
    assert outcome.reason is TxReason.MIN_RELAY_FEE
    # 20 virtual bytes per unit of sigop cost, where that is more than the size.
    dense = world.spend([world.coin()], fee=5_000)
    world.pool.submit(dense, 1, world.now)
    outcome, _ = world.pool.on_verified(TxVerdict(dense, world.tip, fee_sat=5_000, sigop_cost=2_000), world.tip, 0)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is TxReason.MIN_RELAY_FEE


@pytest.mark.parametrize("require_standard", [True, False])
def test_a_fifth_of_a_blocks_signature_checks_is_the_most_for_one(make_world, require_standard):
    world = make_world(MempoolPolicy(require_standard=require_standard))
    for cost, kind in ((16_000, Accepted), (16_001, Rejected)):
        dense = world.spend([world.coin()], fee=400_000)
        world.pool.submit(dense, 1, 0)
        outcome, _ = world.pool.on_verified(TxVerdict(dense, world.tip, fee_sat=400_000, sigop_cost=cost), world.tip, 0)
        assert isinstance(outcome, kind)
    assert outcome.reason is TxReason.SIGOPS


def test_a_coin_that_is_reserved_for_an_upgrade_is_not_spent_where_unusual_ones_are_taken_either(make_world):
    world = make_world(MempoolPolicy(require_standard=False))
    transaction = world.spend([world.coin()], fee=1_000)
    world.pool.submit(transaction, 1, 0)
    later_version = TxOut(20_000, b"\x52\x20" + bytes(32))
    verdict = TxVerdict(transaction, world.tip, fee_sat=1_000, sigop_cost=1, spent=(later_version,))
    outcome, _ = world.pool.on_verified(verdict, world.tip, 0)
    assert isinstance(outcome, Rejected) and outcome.reason is TxReason.SCRIPT_FAILED


def test_what_spends_a_script_that_is_not_standard_is_known_by_both_its_names(world):
    transaction = world.spend([world.coin()])
    world.pool.submit(transaction, 1, 0)
    later_version = TxOut(20_000, b"\x52\x20" + bytes(32))
    verdict = TxVerdict(transaction, world.tip, fee_sat=1_000, sigop_cost=1, spent=(later_version,))
    outcome, _ = world.pool.on_verified(verdict, world.tip, 0)
    assert isinstance(outcome, Rejected) and outcome.reason is TxReason.NONSTANDARD_INPUTS
    assert world.pool.is_known(transaction.wtxid) and world.pool.is_known(transaction.txid)
    # Of others only the one with this witness: another may be good.
    other = world.spend([world.coin()])
    world.bad.add(other.txid)
    world.offer(other)
    assert world.pool.is_known(other.wtxid) and not world.pool.is_known(other.txid)


@pytest.mark.parametrize(("bytes_per_sigop", "is_taken"), [(1, True), (200, False)])
def test_how_much_a_signature_check_counts_is_the_operators_choice(make_world, bytes_per_sigop, is_taken):
    world = make_world(MempoolPolicy(bytes_per_sigop=bytes_per_sigop))
    dense = world.spend([world.coin()], fee=5_000)
    world.pool.submit(dense, 1, world.now)
    outcome, _ = world.pool.on_verified(TxVerdict(dense, world.tip, fee_sat=5_000, sigop_cost=2_000), world.tip, 0)
    assert isinstance(outcome, Accepted) is is_taken


def test_asks_again_when_the_tip_moved(world):
    transaction = world.spend([world.coin()])
    world.pool.submit(transaction, 1, world.now)
    old = TxVerdict(transaction, BlockHash(b"\1" * 32), fee_sat=1_000)
    outcome, effects = world.pool.on_verified(old, world.tip, world.now)
    assert isinstance(outcome, Again)
    assert [effect.transaction for effect in effects] == [transaction]
    (done,) = world.drain(effects)
    assert isinstance(done, Accepted)


def test_asks_again_when_a_parent_left_meanwhile(world):
    parent = world.spend([world.coin()], fee=1_000)
    world.accept(parent)
    child = world.spend([world.out(parent)])
    (effect,) = world.pool.submit(child, 1, world.now)
    assert effect.parents == ((world.out(parent), parent.outputs[0]),)
    verdict = world.judge(effect)
    world.accept(world.spend([parent.inputs[0].outpoint], fee=9_000), source=2)
    outcome, effects = world.pool.on_verified(verdict, world.tip, world.now)
    assert isinstance(outcome, Again)
    (outcome,) = world.drain(effects)
    assert isinstance(outcome, Orphaned)


def test_a_child_verified_before_its_parent_was_admitted_is_verified_again(world):
    parent = world.spend([world.coin()])
    child = world.spend([world.out(parent)], total=parent.outputs[0].value)
    second = world.pool.submit(child, None, world.now)
    first = world.pool.submit(parent, 1, world.now)
    late = world.judge(second[0])
    assert late.missing
    world.drain(first)
    outcome, effects = world.pool.on_verified(late, world.tip, world.now)
    assert isinstance(outcome, Again)
    (outcome,) = world.drain(effects)
    assert isinstance(outcome, Accepted)
    assert outcome.entry.is_own


def test_a_chain_arriving_at_once_is_verified_link_by_link(world):
    chain = [world.spend([world.coin()])]
    while len(chain) < 20:
        chain.append(world.spend([world.out(chain[-1])], total=chain[-1].outputs[0].value))
    effects = [effect for link in chain for effect in world.pool.submit(link, 1, world.now)]
    assert [effect.transaction for effect in effects] == chain[:1]
    outcomes = world.drain(effects)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 20
    assert world.verified == chain


def test_a_verdict_nobody_asked_for_is_our_callers_mistake(world):
    with pytest.raises(MisuseError):
        world.pool.on_verified(TxVerdict(world.spend([world.coin()]), world.tip), world.tip, world.now)


def test_orphans_follow_their_parent(world):
    parent = world.spend([world.coin()], outputs=2)
    children = [world.spend([world.out(parent, i)], total=parent.outputs[i].value) for i in range(2)]
    grandchild = world.spend([world.out(children[0])], total=children[0].outputs[0].value)
    for orphan in (grandchild, *children):
        outcome = world.offer(orphan, source=3)
        assert isinstance(outcome, Orphaned)
        assert outcome.source == 3
    assert world.pool.snapshot(world.now).orphan_count == 3
    assert world.pool.submit(children[0], 4, world.now) == []
    outcomes = world.drain(world.pool.submit(parent, 1, world.now))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert len(world.pool) == 4
    assert world.pool.snapshot(world.now).orphan_count == 0


def test_an_orphan_stays_while_a_peer_that_has_it_does(world):
    parent = world.spend([world.coin()])
    orphan = world.spend([world.out(parent)], total=parent.outputs[0].value)
    assert world.offer(orphan, source=3) == Orphaned(orphan, (parent.txid,), 3)
    assert world.pool.announce_orphan(orphan.wtxid, 5) == (parent.txid,)
    assert world.pool.announce_orphan(orphan.wtxid, 5) == ()
    assert world.pool.announce_orphan(parent.wtxid, 5) == ()
    world.pool.forget_source(3)
    assert world.pool.snapshot(world.now).orphan_count == 1
    world.pool.forget_source(5)
    assert world.pool.snapshot(world.now).orphan_count == 0
    assert not world.pool.is_known(orphan.wtxid)


def test_an_orphan_that_still_lacks_a_parent_keeps_the_peers_that_have_it(world):
    first, second = (world.spend([world.coin()]) for _ in range(2))
    orphan = world.spend([world.out(first), world.out(second)], total=2_000_000 - 2_000)
    assert world.offer(orphan, source=3).missing == (first.txid, second.txid)
    world.pool.announce_orphan(orphan.wtxid, 5)
    world.drain(world.pool.submit(first, 1, world.now))
    world.pool.forget_source(3)
    assert [waiting.sources for waiting in world.pool.orphans()] == [(5,)]
    world.drain(world.pool.submit(second, 1, world.now))
    assert orphan.txid in world.pool
    assert world.pool.orphans() == ()


def test_own_transactions_are_never_orphans(world):
    parent = world.spend([world.coin()])
    outcome = world.offer(world.spend([world.out(parent)], total=parent.outputs[0].value), source=None)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is TxReason.MISSING_OR_SPENT


def test_a_block_brings_the_parent_of_an_orphan(world):
    parent = world.spend([world.coin()])
    child = world.spend([world.out(parent)], total=parent.outputs[0].value)
    assert isinstance(world.offer(child), Orphaned)
    change = world.connect(parent)
    (outcome,) = world.drain(change.effects)
    assert isinstance(outcome, Accepted)


def test_the_queue_is_bounded_in_flight_and_waiting(world):
    transactions = [world.spend([world.coin()]) for _ in range(VERIFICATIONS_WAITING_MAX)]
    effects = [effect for each in transactions for effect in world.pool.submit(each, 1, world.now)]
    # One at a time of one peer.
    assert len(effects) == 1
    assert refusal(world, world.spend([world.coin()]), source=1) is TxReason.MEMPOOL_FULL
    mine = world.spend([world.coin()])
    (own,) = world.pool.submit(mine, None, world.now)
    assert own.is_own
    outcomes = world.drain([*effects, own])
    assert len(world.pool) == len(transactions) + 1
    # Our own passed those that waited.
    assert world.verified.index(mine) <= 2
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)


def test_what_is_in_flight_is_bounded_however_many_peers_there_are(world):
    effects = [
        effect
        for peer in range(2 * VERIFICATIONS_IN_FLIGHT_MAX)
        for effect in world.pool.submit(world.spend([world.coin()]), ConnId(peer), world.now)
    ]
    assert len(effects) == VERIFICATIONS_IN_FLIGHT_MAX
    # Strangers never take the places of our own.
    assert len(world.pool.submit(world.spend([world.coin()]), None, world.now)) == 1
    world.drain(effects)


def test_a_full_queue_makes_room_at_the_cost_of_who_filled_it(world):
    flood = [world.spend([world.coin()]) for _ in range(VERIFICATIONS_WAITING_MAX)]
    effects = [effect for each in flood for effect in world.pool.submit(each, ConnId(1), world.now)]
    honest = world.spend([world.coin()])
    effects += world.pool.submit(honest, ConnId(2), world.now)
    world.drain(effects)
    assert honest.txid in world.pool
    assert len(world.pool) == VERIFICATIONS_WAITING_MAX
    # The newest of the flood left; it may come again.
    assert flood[-1].txid not in world.pool
    world.accept(flood[-1])


def test_connections_of_one_group_take_turns_as_one(world):
    for conn in range(1, 5):
        world.pool.introduce_source(ConnId(conn), b"flood")
    world.pool.introduce_source(ConnId(9), b"honest")
    flood = [world.spend([world.coin()]) for _ in range(40)]
    honest = [world.spend([world.coin()]) for _ in range(5)]
    effects = [
        effect
        for number, each in enumerate(flood)
        for effect in world.pool.submit(each, ConnId(number % 4 + 1), world.now)
    ]
    effects += [effect for each in honest for effect in world.pool.submit(each, ConnId(9), world.now)]
    world.drain(effects)
    assert max(world.verified.index(each) for each in honest) <= 2 * len(honest)


def test_a_new_connection_of_a_group_that_cost_much_waits_behind_the_others(world):
    pool = world.pool
    pool.introduce_source(ConnId(1), b"flood")
    pool.introduce_source(ConnId(3), b"honest")
    (slow,) = pool.submit(world.spend([world.coin()]), ConnId(1), world.now)
    _, more = pool.on_verified(world.judge(slow), world.tip, world.now, 1_200_000)
    assert more == []
    pool.forget_source(ConnId(1))
    pool.introduce_source(ConnId(2), b"flood")
    waiting = [world.spend([world.coin()]) for _ in range(4)]
    # All places in flight are taken, so that the order in line decides.
    effects = [
        effect
        for peer in range(100, 100 + VERIFICATIONS_IN_FLIGHT_MAX)
        for effect in pool.submit(world.spend([world.coin()]), ConnId(peer), world.now)
    ]
    again = world.spend([world.coin()])
    assert pool.submit(again, ConnId(2), world.now) == []
    for each in waiting:
        assert pool.submit(each, ConnId(3), world.now) == []
    world.drain(effects)
    assert world.verified.index(again) > max(world.verified.index(each) for each in waiting)


def test_a_transaction_of_a_peer_that_is_submitted_here_too_waits_no_longer_among_theirs(world):
    (first,) = world.pool.submit(world.spend([world.coin()]), ConnId(1), world.now)
    flood = [world.spend([world.coin()]) for _ in range(20)]
    assert [effect for each in flood for effect in world.pool.submit(each, ConnId(1), world.now)] == []
    (own,) = world.pool.submit(flood[-1], None, world.now)
    assert (own.transaction, own.is_own) == (flood[-1], True)
    world.drain([first, own])
    assert world.entry(flood[-1]).is_own
    assert len(world.pool) == len(flood) + 1


def test_what_was_handed_in_here_is_tried_again_until_a_peer_has_it(world):
    by_txid, by_wtxid = world.spend([world.coin()]), world.spend([world.coin()])
    world.accept(by_txid, source=None)
    world.accept(by_wtxid, source=None)
    world.accept(world.spend([world.coin()]))
    for _ in range(3):
        deadline = world.pool.next_deadline()
        assert world.now + 10 * MINUTE_US <= deadline <= world.now + 15 * MINUTE_US
        world.now = deadline
        assert world.pool.due_unbroadcast(deadline - 1) == []
        assert world.pool.due_unbroadcast(deadline) == [by_txid.txid, by_wtxid.txid]
        assert world.pool.due_unbroadcast(deadline) == []
    world.pool.acknowledge(by_txid.txid)
    assert [entry.transaction for entry in world.pool.unbroadcast()] == [by_wtxid]
    world.pool.acknowledge(by_wtxid.wtxid)
    assert world.pool.snapshot(world.now).unbroadcast_count == 0
    assert world.pool.due_unbroadcast(world.now + DAY_US) == []


def test_what_a_block_takes_is_not_tried_again(world):
    transaction = world.spend([world.coin()])
    world.accept(transaction, source=None)
    world.connect(transaction)
    assert world.pool.unbroadcast() == []
    assert world.pool.next_deadline() is None


def test_resubmitting_a_peers_transaction_makes_it_ours_but_the_peer_has_it(world):
    transaction = world.spend([world.coin()])
    world.accept(transaction)
    assert refusal(world, transaction, source=None) is TxReason.ALREADY_KNOWN
    assert world.pool.get(transaction.txid).is_own
    assert world.pool.unbroadcast() == []


def test_a_withdrawn_transaction_takes_along_what_spends_it(world):
    parent = world.spend([world.coin()])
    child = world.spend([world.out(parent)], total=parent.outputs[0].value)
    world.accept(parent, source=None)
    world.accept(child, source=None)
    assert [entry.transaction for entry in world.pool.remove(parent.txid)] == [parent, child]
    assert len(world.pool) == 0
    assert world.pool.remove(parent.txid) == []


def test_expires_with_descendants(world):
    parent = world.spend([world.coin()])
    world.accept(parent)
    world.now += 100 * HOUR_US
    child = world.spend([world.out(parent)])
    other = world.spend([world.coin()])
    world.accept(child)
    world.accept(other)
    deadline = world.pool.next_deadline()
    assert deadline == world.now + 236 * HOUR_US
    assert world.pool.expire(deadline - 1).expired == ()
    assert [entry.transaction for entry in world.pool.expire(deadline).expired] == [parent, child]
    assert [entry.transaction for entry in world.pool] == [other]


def test_survives_a_restart(make_world):
    world = make_world()
    parent = world.spend([world.coin()])
    child = world.spend([world.out(parent)], total=parent.outputs[0].value)
    world.accept(parent)
    world.accept(child, source=None)
    dump = world.pool.to_bytes()
    fresh = make_world()
    fresh.coins = dict(world.coins)
    outcomes = fresh.drain(fresh.pool.restore(dump, fresh.now))
    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted]
    assert [entry.transaction for entry in fresh.pool.unbroadcast()] == [child]
    assert fresh.pool.to_bytes() == dump
    late = make_world()
    assert late.pool.restore(dump, late.now + 336 * HOUR_US) == []


@pytest.mark.parametrize(
    ("policy", "outputs"),
    [
        (MempoolPolicy(min_relay_feerate=2_000_000), 1),
        (MempoolPolicy(standardness=Standardness(dust_feerate=2_000_000_000)), 1),
        (MempoolPolicy(standardness=Standardness(dust_feerate=2_000_000_000)), 2),
    ],
    ids=["price", "dust that pays a fee", "too much dust"],
)
def test_what_is_restored_meets_the_policy_of_today(make_world, policy, outputs):
    world = make_world()
    kept = world.spend([world.coin()], outputs=outputs)
    world.accept(kept, source=None)
    dump = world.pool.to_bytes()
    fresh = make_world(policy)
    fresh.coins = dict(world.coins)
    outcomes = fresh.drain(fresh.pool.restore(dump, fresh.now))
    assert all(isinstance(outcome, Rejected) for outcome in outcomes)
    assert len(fresh.pool) == 0
    assert len(world.pool) == 1


@pytest.mark.parametrize("version", [2, 3])
def test_a_parent_whose_child_pays_for_it_is_restored_with_it(make_world, version):
    world = make_world()
    parent = world.spend([world.coin()], fee=0, version=version)
    child = world.spend([world.out(parent)], fee=10_000, version=version, total=parent.outputs[0].value)
    world.offer(parent)
    world.offer(child)
    assert len(world.pool) == 2
    fresh = make_world()
    fresh.coins = dict(world.coins)
    fresh.drain(fresh.pool.restore(world.pool.to_bytes(), fresh.now))
    assert [entry.transaction for entry in fresh.pool] == [parent, child]


@pytest.mark.parametrize("fee", [0, 5_000])
def test_what_still_waits_to_be_restored_is_kept_at_the_next_stop(make_world, fee):
    world = make_world()
    parent = world.spend([world.coin()], fee=fee)
    child = world.spend([world.out(parent)], total=parent.outputs[0].value, fee=20_000)
    world.offer(parent)
    world.offer(child)
    assert len(world.pool) == 2
    dump = world.pool.to_bytes()
    fresh = make_world()
    fresh.coins = dict(world.coins)
    assert not fresh.pool.is_restoring
    effects = fresh.pool.restore(dump, fresh.now)
    assert fresh.pool.is_restoring
    assert fresh.pool.to_bytes() == dump
    (effect,) = effects
    _, effects = fresh.pool.on_verified(fresh.judge(effect), fresh.tip, fresh.now)
    assert fresh.pool.is_restoring
    assert fresh.pool.to_bytes() == dump
    fresh.drain(effects)
    assert not fresh.pool.is_restoring
    assert fresh.pool.to_bytes() == dump


@pytest.mark.parametrize("damage", [b"", b"xxxx", b"cut", b"tail"])
def test_a_damaged_dump_is_refused(world, damage):
    world.accept(world.spend([world.coin()]))
    dump = world.pool.to_bytes()
    damaged = {b"cut": dump[:-3], b"tail": dump + b"!"}.get(damage, damage)
    with pytest.raises(DecodeError):
        world.pool.restore(damaged, world.now)


@pytest.mark.parametrize("require_standard", [True, False])
def test_a_transaction_too_small_is_refused_also_where_unusual_ones_are_taken(make_world, require_standard):
    world = make_world(MempoolPolicy(require_standard=require_standard))
    small = Transaction(2, (TxIn(world.coin()),), (TxOut(1_000, b"\x6a\x01\x01"),))
    assert len(small.stripped) < 65
    assert refusal(world, small) is TxReason.TX_SIZE_SMALL
