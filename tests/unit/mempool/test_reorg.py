"""Following the chain: confirmations, conflicts, rollbacks."""

from minicoin.core.mempool.outcomes import Accepted, Again, Orphaned, Rejected
from minicoin.core.primitives.verdicts import TxReason


def kept(world):
    return [entry.transaction for entry in world.pool]


def test_confirmed_leave_and_children_stay(world):
    parent = world.spend([world.coin()])
    child = world.spend([world.out(parent)], total=parent.outputs[0].value)
    world.accept(parent)
    world.accept(child)
    change = world.connect(parent)
    assert [entry.transaction for entry in change.confirmed] == [parent]
    assert kept(world) == [child]
    assert world.entry(child).ancestor_count == 1
    assert world.entry(child).ancestor_fees_sat == 1_000


def test_conflicts_leave_with_descendants(world):
    coin = world.coin()
    loser = world.spend([coin])
    child = world.spend([world.out(loser)], total=loser.outputs[0].value)
    world.accept(loser)
    world.accept(child)
    change = world.connect(world.spend([coin], fee=7_000))
    assert [entry.transaction for entry in change.conflicted] == [loser, child]
    assert kept(world) == []


def test_a_rollback_returns_transactions_under_those_that_spend_them(world):
    parent = world.spend([world.coin()])
    world.accept(parent)
    world.connect(parent)
    child = world.spend([world.out(parent)])
    grandchild = world.spend([world.out(child)], total=child.outputs[0].value)
    world.accept(child, source=None)
    world.accept(grandchild)
    change = world.reorganise([[parent]], [])
    assert change.returning == (parent.txid, child.txid, grandchild.txid)
    assert kept(world) == []
    world.drain(change.effects)
    assert kept(world) == [parent, child, grandchild]
    assert world.entry(grandchild).ancestor_count == 3
    assert [entry.transaction for entry in world.pool.unbroadcast()] == [child]


def test_a_reorg_that_confirms_them_again_changes_nothing(world):
    parent = world.spend([world.coin()])
    world.accept(parent)
    world.connect(parent)
    child = world.spend([world.out(parent)])
    world.accept(child)
    change = world.reorganise([[parent]], [[parent], []])
    assert (change.returning, change.confirmed, change.conflicted) == ((), (), ())
    assert kept(world) == [child]


def test_what_the_new_branch_spends_otherwise_does_not_come_back(world):
    coin = world.coin()
    old, new = world.spend([coin], fee=1_000), world.spend([coin], fee=2_000)
    world.connect(old)
    child = world.spend([world.out(old)])
    world.accept(child)
    change = world.reorganise([[old]], [[new], []])
    outcomes = world.drain(change.effects)
    assert [(type(outcome), outcome.reason) for outcome in outcomes] == [(Rejected, TxReason.MISSING_OR_SPENT)] * 2
    assert kept(world) == []


def test_premature_coinbase_spends_leave(world):
    coin, older = world.coin(), world.coin()
    world.height = 200
    world.coinbase_heights = {coin: 101, older: 100}
    immature_soon, fine = world.spend([coin]), world.spend([older])
    world.accept(immature_soon)
    world.accept(fine)
    # At height 199 the next block may spend coinbases up to height 100.
    change = world.reorganise([[]], [])
    assert [entry.transaction for entry in change.groundless] == [immature_soon]
    world.drain(change.effects)
    assert kept(world) == [fine]


def test_spends_of_a_coinbase_that_is_gone_leave(world):
    coin = world.coin()
    world.height = 300
    world.coinbase_heights = {coin: 200}
    world.accept(world.spend([coin]))
    # 101 blocks off, 102 others on: old enough by number, but the coinbase at 200 went with its block.
    change = world.reorganise([[]] * 101, [[]] * 102)
    assert len(change.groundless) == 1
    assert kept(world) == []


def test_orphans_that_a_block_confirms_or_contradicts_are_forgotten(world):
    parent, coin = world.spend([world.coin()]), world.coin()
    orphan = world.spend([coin, world.out(parent)], total=2_000_000)
    other = world.spend([world.coin(), world.out(world.spend([world.coin()]))], total=2_000_000)
    for each in (orphan, other):
        assert isinstance(world.offer(each), Orphaned)
    world.connect(world.spend([coin], fee=5_000))
    assert not world.pool.is_known(orphan.wtxid)
    assert world.pool.is_known(other.wtxid)


def test_time_locked_are_verified_anew(world):
    locked = world.spend([world.coin()], sequence=5)
    free = world.spend([world.coin()], sequence=0xFFFFFFFD)
    world.accept(locked)
    world.accept(free)
    world.connect()
    before = len(world.verified)
    change = world.reorganise([[]], [])
    assert change.returning == (locked.txid,)
    world.bad.add(locked.txid)
    (outcome,) = world.drain(change.effects)
    assert isinstance(outcome, Rejected)
    assert len(world.verified) == before + 1
    assert kept(world) == [free]


def test_a_verdict_in_flight_over_a_block_that_confirms_it(world):
    transaction = world.spend([world.coin()])
    (effect,) = world.pool.submit(transaction, 5, world.now)
    verdict = world.judge(effect)
    world.connect(transaction)
    outcome, _ = world.pool.on_verified(verdict, world.tip, world.now)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is TxReason.ALREADY_CONFIRMED


def test_a_reorg_while_a_child_waits(world):
    parent = world.spend([world.coin()])
    world.connect(parent)
    child = world.spend([world.out(parent)])
    effects = world.pool.submit(child, 5, world.now)
    verdict = world.judge(effects[0])
    change = world.reorganise([[parent]], [])
    outcome, more = world.pool.on_verified(verdict, world.tip, world.now)
    assert isinstance(outcome, Again)
    outcomes = world.drain([*change.effects, *more])
    assert [type(each) for each in outcomes] == [Accepted, Accepted]
    assert kept(world) == [parent, child]
