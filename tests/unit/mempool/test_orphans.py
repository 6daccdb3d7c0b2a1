"""Orphans: what waits for what, whose they are, and the bounds; checked against a naive model over random histories."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.limits import (
    ORPHAN_INPUTS_PER_POINT,
    ORPHAN_POINTS_MAX,
    ORPHAN_WEIGHT_MAX,
    ORPHAN_WEIGHT_PER_PEER,
)
from minicoin.core.mempool.orphans import OrphanPool
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.units import ConnId

FLOOD, HONEST = ConnId(1), ConnId(2)


def name(number):
    return number.to_bytes(32, "big")


def orphan(number, inputs=1, script_bytes=22):
    """One that spends `inputs` outputs of a parent of its own."""
    spends = tuple(TxIn(make_outpoint(name(number), index)) for index in range(inputs))
    return Transaction(2, spends, (TxOut(1_000, bytes(script_bytes)),))


def add(pool, transaction, source):
    return pool.add(transaction, (name(0),), source)


def largest(number):
    """As heavy as a standard transaction may be."""
    frame = orphan(number, script_bytes=90_000).weight - 4 * 90_000
    return orphan(number, script_bytes=(ORPHAN_WEIGHT_MAX - frame) // 4)


def test_is_found_by_what_it_waits_for():
    pool = OrphanPool()
    one, other = orphan(1), orphan(2)
    assert add(pool, one, FLOOD) and add(pool, other, HONEST)
    assert one.wtxid in pool and pool.waits_for(name(1)) and not pool.waits_for(name(3))
    (found,) = pool.children_of(name(1))
    assert (found.transaction, found.sources) == (one, (FLOOD,))
    pool.remove(one.wtxid)
    pool.remove(one.wtxid)
    assert not pool.waits_for(name(1))
    pool.remove_spenders({other.inputs[0].outpoint: None})
    assert (len(pool), pool.weight, pool.points) == (0, 0, 0)


def test_whoever_announces_it_has_it_too_and_the_last_to_go_takes_it_along():
    pool = OrphanPool()
    one = orphan(1)
    assert pool.announce(one.wtxid, HONEST) == ()
    add(pool, one, FLOOD)
    assert pool.announce(one.wtxid, HONEST) == (name(0),)
    assert pool.announce(one.wtxid, HONEST) == ()
    assert [found.sources for found in pool] == [(FLOOD, HONEST)]
    pool.remove_source(FLOOD)
    assert [found.sources for found in pool] == [(HONEST,)]
    pool.remove_source(HONEST)
    pool.remove_source(HONEST)
    assert (len(pool), pool.weight, pool.points) == (0, 0, 0)


def test_what_is_no_standard_transaction_is_not_kept():
    pool = OrphanPool()
    assert largest(1).weight > ORPHAN_WEIGHT_MAX - 4
    assert add(pool, largest(1), FLOOD)
    assert not add(pool, orphan(2, script_bytes=ORPHAN_WEIGHT_MAX), FLOOD)
    assert len(pool) == 1


def test_one_peer_alone_may_fill_all_points_and_loses_its_oldest_then():
    pool = OrphanPool()
    sent = [orphan(number) for number in range(ORPHAN_POINTS_MAX + 1)]
    # So many small ones weigh less than a room for each would hold, were there two peers.
    room = ORPHAN_WEIGHT_PER_PEER // sent[0].weight
    assert all(add(pool, one, FLOOD) for one in sent)
    assert len(pool) == min(room, ORPHAN_POINTS_MAX)
    assert [found.transaction for found in pool] == sent[-len(pool) :]


def test_a_flood_of_points_costs_nobody_else_an_orphan():
    pool = OrphanPool()
    mine = [orphan(number) for number in range(100)]
    for one in mine:
        add(pool, one, HONEST)
    wide = 10 * ORPHAN_INPUTS_PER_POINT
    for number in range(1_000, 2_000):
        add(pool, orphan(number, inputs=wide), FLOOD)
        assert pool.points <= ORPHAN_POINTS_MAX
    assert all(one.wtxid in pool for one in mine)
    assert sum(FLOOD in found.sources for found in pool) > 0


def test_a_flood_of_weight_costs_nobody_else_an_orphan():
    pool = OrphanPool()
    add(pool, orphan(1), HONEST)
    for number in range(1_000, 1_010):
        assert add(pool, largest(number), FLOOD)
        assert pool.weight <= 2 * ORPHAN_WEIGHT_PER_PEER
    assert orphan(1).wtxid in pool
    assert len(pool) == 3


def test_room_shrinks_with_the_peers_that_have_any():
    pool = OrphanPool()
    add(pool, orphan(1), HONEST)
    add(pool, largest(2), FLOOD)
    add(pool, largest(3), FLOOD)
    assert len(pool) == 3
    pool.remove_source(HONEST)
    assert [found.transaction for found in pool] == [largest(3)]


actions = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "announce", "announce", "remove", "spent", "close"]),
        st.integers(1, 4),
        st.integers(0, 11),
    ),
    max_size=80,
)


@given(actions)
@settings(max_examples=200, deadline=None)
def test_random_histories_against_a_naive_model(script):
    """The model keeps pairs of peer and orphan in order, and counts everything anew."""
    made = [orphan(number, inputs=1 + 9 * number, script_bytes=300 * (number % 5)) for number in range(12)]

    def points_of(number):
        return len(made[number].inputs) // ORPHAN_INPUTS_PER_POINT

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minicoin.core.mempool.orphans.ORPHAN_POINTS_MAX", 25)
        patch.setattr("minicoin.core.mempool.orphans.ORPHAN_WEIGHT_PER_PEER", 40_000)
        pool, pairs = OrphanPool(), []

        def trim():
            peers = len({peer for peer, _ in pairs})

            def is_over():
                kept = {number for _, number in pairs}
                weight = sum(made[number].weight for number in kept)
                return len(pairs) + sum(map(points_of, kept)) > 25 or weight > 40_000 * peers

            while is_over():

                def excess(peer):
                    own = [number for other, number in pairs if other == peer]
                    points = sum(1 + points_of(number) for number in own) / max(25 // peers, 1)
                    return max(points, sum(made[number].weight for number in own) / 40_000), peer

                worst = max({peer for peer, _ in pairs}, key=excess)
                pairs.remove(next(pair for pair in pairs if pair[0] == worst))

        for action, peer, number in script:
            wtxid = made[number].wtxid
            is_kept = any(kept == number for _, kept in pairs)
            if action == "add" or (action == "announce" and is_kept):
                if (peer, number) not in pairs:
                    pairs.append((peer, number))
                    trim()
            elif action in ("remove", "spent"):
                pairs = [pair for pair in pairs if pair[1] != number]
                trim()
            elif action == "close":
                pairs = [pair for pair in pairs if pair[0] != peer]
                trim()
            match action:
                case "add":
                    assert add(pool, made[number], peer) == any(kept == number for _, kept in pairs)
                case "announce":
                    pool.announce(wtxid, peer)
                case "remove":
                    pool.remove(wtxid)
                case "spent":
                    pool.remove_spenders({made[number].inputs[0].outpoint: None})
                case "close":
                    pool.remove_source(peer)
            assert {found.transaction.wtxid: set(found.sources) for found in pool} == {
                made[number].wtxid: {peer for peer, kept in pairs if kept == number} for _, number in pairs
            }
            kept = {number for _, number in pairs}
            assert pool.weight == sum(made[number].weight for number in kept)
            assert pool.points == len(pairs) + sum(map(points_of, kept))
            assert all(pool.waits_for(name(number)) == (number in kept) for number in range(12))
