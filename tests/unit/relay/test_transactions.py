"""Trickles, known inventory, fee filters, and the wtxid rules of announcements and requests."""

from dataclasses import replace

import pytest

from minicoin.core.limits import TX_INV_PER_TRICKLE_MAX
from minicoin.core.relay.feefilter import FEEFILTER_NOTHING
from minicoin.core.relay.requests import TXID_DELAY_US
from minicoin.core.relay.transactions import Announcement, RelayFeatures, RelayPolicy, TxRelay
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, SECOND_US, Micros
from minicoin.core.wire.messages import FeeFilter, GetData, Inv, InventoryVector, InvType

T0 = Micros(1_000 * SECOND_US)
FLOOR = 1_000
POLICY = RelayPolicy(inbound_trickle_us=5 * SECOND_US, outbound_trickle_us=2 * SECOND_US, feerate_floor=FLOOR)
OUT, OLD, IN, IN2 = 2, 4, 1, 3


def item(number, feerate=5_000):
    return Announcement(number.to_bytes(32, "big"), (number + 10_000).to_bytes(32, "big"), feerate)


def features(**changes):
    usual = RelayFeatures(
        inbound=False, uses_wtxid=True, has_witness=True, wants_transactions=True, takes_feefilter=True
    )
    return replace(usual, **changes)


def make(seed=b"relay"):
    relay = TxRelay(POLICY, Rng(seed))
    for conn in (OUT, OLD, IN, IN2):
        relay.on_ready(conn, features(inbound=conn % 2 == 1, uses_wtxid=conn != OLD), 0, T0)
    relay.on_deadline(T0, FLOOR, 0)
    return relay


@pytest.fixture
def relay():
    return make()


def sent(effects, kind):
    return [(effect.conn, effect.message) for effect in effects if isinstance(effect.message, kind)]


def run(relay, kind, start=T0, duration_us=MINUTE_US):
    """Everything of one kind with its time, waking at each deadline."""
    found, now, wakes = [], start, 0
    while (deadline := relay.next_deadline()) is not None and deadline <= start + duration_us:
        wakes += 1
        assert wakes < 10_000, "a deadline that never passes"
        now = Micros(max(now, deadline))
        found += [(now, *entry) for entry in sent(relay.on_deadline(now, FLOOR, 0), kind)]
    return found


def test_everybody_hears_once_by_the_hash_it_wants(relay):
    relay.announce(item(1), (OUT, OLD, IN, IN2), T0)
    heard = {conn: message.inventory for _, conn, message in run(relay, Inv)}
    by_wtxid = (InventoryVector(InvType.WTX, item(1).wtxid),)
    assert heard == {OUT: by_wtxid, IN: by_wtxid, IN2: by_wtxid, OLD: (InventoryVector(InvType.TX, item(1).txid),)}
    relay.announce(item(1), (OUT, OLD, IN, IN2), Micros(T0 + MINUTE_US))
    assert run(relay, Inv, Micros(T0 + MINUTE_US)) == []


def test_all_inbound_peers_share_one_trickle(relay):
    relay.announce(item(1), (IN, IN2), T0)
    first, second = run(relay, Inv)
    assert first[0] == second[0] > T0


@pytest.mark.parametrize(("conn", "mean_s"), [(OUT, 2), (IN, 5)])
def test_waits_are_random_with_the_policys_mean_also_after_a_long_silence(conn, mean_s):
    waits = []
    relay = make(b"poisson")
    now = T0
    for number in range(300):
        # Long idle: an observer must not see the moment a transaction reached us.
        now = Micros(now + 3 * MINUTE_US)
        relay.announce(item(number), (conn,), now)
        ((when, _, _),) = run(relay, Inv, now, 2 * MINUTE_US)
        waits.append((when - now) / SECOND_US)
    mean = sum(waits) / len(waits)
    assert 0.8 * mean_s < mean < 1.2 * mean_s
    assert sum(wait < mean_s / 10 for wait in waits) < 60
    assert max(waits) > 2 * mean_s


def test_one_inv_carries_what_gathered_best_feerate_first(relay):
    for number, feerate in ((1, 2_000), (2, 9_000), (3, 5_000)):
        relay.announce(item(number, feerate), (OUT,), T0)
    ((_, _, message),) = run(relay, Inv)
    assert [vector.hash for vector in message.inventory] == [item(number).wtxid for number in (2, 3, 1)]


def test_a_flood_is_spread_over_trickles(relay):
    for number in range(TX_INV_PER_TRICKLE_MAX + 10):
        relay.announce(item(number), (OUT,), T0)
    first, second = run(relay, Inv)
    assert len(first[2].inventory) == TX_INV_PER_TRICKLE_MAX
    assert len(second[2].inventory) == 10
    assert first[0] < second[0]


def test_nothing_below_the_peers_fee_filter(relay):
    relay.on_feefilter(OUT, 4_000)
    relay.announce(item(1, 3_999), (OUT,), T0)
    relay.announce(item(2, 4_000), (OUT,), T0)
    ((_, _, message),) = run(relay, Inv)
    assert [vector.hash for vector in message.inventory] == [item(2).wtxid]


def test_our_floor_is_told_and_told_again_only_when_it_changes():
    relay = TxRelay(POLICY, Rng(b"floor"))
    relay.on_ready(OUT, features(), 0, T0)
    assert sent(relay.on_deadline(T0, FLOOR, 0), FeeFilter) == [(OUT, FeeFilter(FLOOR))]
    assert run(relay, FeeFilter, duration_us=120 * MINUTE_US) == []
    later = Micros(T0 + 120 * MINUTE_US)
    assert relay.next_deadline() is None
    relay.on_feerate(2 * FLOOR, later)
    told = relay.next_deadline()
    assert told > later
    assert relay.alarm.at <= told
    ((conn, message),) = sent(relay.on_deadline(told, 2 * FLOOR, 0), FeeFilter)
    assert conn == OUT
    # Rounded to a step of a tenth, up or down: the exact rate would mark the node.
    assert 2 * FLOOR / 1.1 <= message.feerate <= 2 * FLOOR * 1.1 and message.feerate != 2 * FLOOR


def test_a_floor_that_came_back_before_it_was_told_needs_no_word():
    relay = TxRelay(POLICY, Rng(b"floor"))
    relay.on_ready(OUT, features(), 0, T0)
    relay.on_deadline(T0, FLOOR, 0)
    relay.on_feerate(2 * FLOOR, T0)
    relay.on_feerate(FLOOR, T0)
    assert relay.next_deadline() is None


def test_who_has_it_or_does_not_want_any_is_left_out(relay):
    relay.on_known(OUT, item(1).wtxid)
    relay.on_transaction(IN, item(1).txid, item(1).wtxid)
    relay.on_ready(6, features(wants_transactions=False), 0, T0)
    relay.announce(item(1), (OUT, IN, 6, 99), T0)
    assert run(relay, Inv) == []
    assert 6 not in relay.relaying_peers()


def test_what_a_peer_announces_between_queueing_and_trickle_is_not_announced_back(relay):
    relay.announce(item(1), (OUT,), T0)
    relay.on_known(OUT, item(1).wtxid)
    assert run(relay, Inv) == []


def test_a_rebroadcast_reaches_everybody_again(relay):
    relay.announce(item(1), (OUT,), T0)
    run(relay, Inv)
    relay.forget_known(item(1))
    relay.announce(item(1), (OUT,), Micros(T0 + MINUTE_US))
    assert len(run(relay, Inv, Micros(T0 + MINUTE_US))) == 1


def test_announced_transactions_are_asked_for_by_the_hash_they_came_with(relay):
    relay.on_inv(OUT, [InventoryVector(InvType.WTX, b"w" * 32), InventoryVector(InvType.TX, b"t" * 32)], T0)
    relay.on_inv(OLD, [InventoryVector(InvType.WTX, b"v" * 32), InventoryVector(InvType.TX, b"u" * 32)], T0)
    relay.on_inv(99, [InventoryVector(InvType.TX, b"x" * 32)], T0)
    asked = sent(relay.on_deadline(T0, FLOOR, 0), GetData)
    asked += sent(relay.on_deadline(Micros(T0 + TXID_DELAY_US), FLOOR, 0), GetData)
    assert asked == [
        (OUT, GetData((InventoryVector(InvType.WTX, b"w" * 32),))),
        (OLD, GetData((InventoryVector(InvType.WITNESS_TX, b"u" * 32),))),
    ]


def test_an_arrival_under_either_hash_ends_the_requests(relay):
    relay.on_inv(OUT, [InventoryVector(InvType.WTX, item(1).wtxid)], T0)
    relay.on_inv(OLD, [InventoryVector(InvType.TX, item(1).txid)], T0)
    relay.on_transaction(IN, item(1).txid, item(1).wtxid)
    assert sent(relay.on_deadline(T0, FLOOR, 0), GetData) == []


def test_notfound_and_a_closed_peer_pass_the_request_on(relay):
    for conn in (OUT, IN):
        relay.on_inv(conn, [InventoryVector(InvType.WTX, b"w" * 32)], T0)
    relay.on_deadline(T0, FLOOR, 0)
    relay.on_notfound(OUT, b"w" * 32)
    later = Micros(T0 + 2 * SECOND_US)
    assert [conn for conn, _ in sent(relay.on_deadline(later, FLOOR, 0), GetData)] == [IN]
    relay.on_inv(IN2, [InventoryVector(InvType.WTX, b"w" * 32)], T0)
    relay.on_closed(IN)
    assert [conn for conn, _ in sent(relay.on_deadline(later, FLOOR, 0), GetData)] == [IN2]


def test_parents_of_an_orphan_are_asked_for_by_txid_when_those_that_have_it_by_wtxid_had_their_time(relay):
    relay.want_parents(OUT, [b"p" * 32, b"q" * 32], T0)
    relay.want_parents(99, [b"r" * 32], T0)
    assert sent(relay.on_deadline(T0, FLOOR, 0), GetData) == []
    # One of them came meanwhile: nobody learns whether we had heard of it.
    relay.forget(b"q" * 32, b"Q" * 32)
    assert sent(relay.on_deadline(Micros(T0 + TXID_DELAY_US), FLOOR, 0), GetData) == [
        (OUT, GetData((InventoryVector(InvType.WITNESS_TX, b"p" * 32),)))
    ]


def test_while_catching_up_peers_are_asked_for_nothing_and_told_the_floor_at_once_afterwards():
    relay = TxRelay(POLICY, Rng(b"initial"))
    relay.on_ready(OUT, features(), 0, T0)
    assert sent(relay.on_deadline(T0, FEEFILTER_NOTHING, 0), FeeFilter) == [(OUT, FeeFilter(9_936_506))]
    now = Micros(T0 + SECOND_US)
    relay.on_feerate(FLOOR, now)
    assert relay.next_deadline() == now
    assert sent(relay.on_deadline(now, FLOOR, 0), FeeFilter) == [(OUT, FeeFilter(FLOOR))]


def test_a_peer_that_is_to_send_no_transactions_or_knows_no_feefilter_gets_none():
    relay = TxRelay(POLICY, Rng(b"quiet"))
    relay.on_ready(OUT, features(takes_feefilter=False), 0, T0)
    assert sent(relay.on_deadline(T0, FLOOR, 0), FeeFilter) == []
    assert relay.next_deadline() is None


def test_a_peer_without_witnesses_is_asked_without_the_flag():
    relay = TxRelay(POLICY, Rng(b"old"))
    relay.on_ready(OUT, features(uses_wtxid=False, has_witness=False), 0, T0)
    relay.on_inv(OUT, [InventoryVector(InvType.TX, item(1).txid)], T0)
    relay.want_parents(OUT, [item(2).txid], T0)
    asked = sent(relay.on_deadline(T0, FLOOR, 0), GetData)
    assert [vector.type for _, message in asked for vector in message.inventory] == [InvType.TX, InvType.TX]


def test_what_came_after_the_last_inv_is_not_to_be_asked_for():
    relay = make()
    relay.on_ready(6, features(), 40, T0)
    assert relay.may_ask_for(6, 40) and not relay.may_ask_for(6, 41)
    relay.announce(item(1), (6,), T0)
    # What entered meanwhile and is not for this peer goes unseen until its own trickle has passed.
    assert not relay.may_ask_for(6, 41)
    relay.on_deadline(relay.next_deadline(), FLOOR, 43)
    while not relay.may_ask_for(6, 43):
        relay.on_deadline(relay.next_deadline(), FLOOR, 43)
    assert not relay.may_ask_for(6, 44)
    assert not relay.may_ask_for(99, 1)


def test_who_wants_no_transactions_is_given_none():
    relay = TxRelay(POLICY, Rng(b"none"))
    relay.on_ready(OUT, features(wants_transactions=False), 40, T0)
    assert not relay.may_ask_for(OUT, 1)


def test_what_is_pushed_goes_once_to_who_wants_it_and_lacks_it(relay):
    relay.on_feefilter(IN, 6_000)
    relay.on_known(OLD, item(1).txid)
    relay.on_ready(6, features(wants_transactions=False), 0, T0)
    relay.on_ready(8, features(has_witness=False), 0, T0)
    everybody = (OUT, OLD, IN, IN2, 6, 8, 99)
    assert relay.push(item(1), everybody) == [(OUT, True), (IN2, True), (8, False)]
    assert relay.push(item(1), everybody) == []
    relay.announce(item(1), everybody, T0)
    assert run(relay, Inv) == []


def test_who_asks_what_it_missed_is_told_at_once_and_once(relay):
    relay.on_feefilter(IN, 6_000)
    relay.on_known(OUT, item(1).wtxid)
    items = (item(1), item(2, 7_000))
    by_wtxid = InventoryVector(InvType.WTX, item(2).wtxid)
    assert relay.tell(OUT, items, 9) == relay.tell(IN, items, 9) == [by_wtxid]
    assert relay.tell(OLD, items, 9) == [InventoryVector(InvType.TX, one.txid) for one in items]
    assert relay.tell(OLD, items, 9) == relay.tell(99, items, 9) == []
    assert relay.may_ask_for(OUT, 9) and not relay.may_ask_for(OUT, 10)
    # An earlier page takes nothing back.
    relay.tell(OUT, (), 3)
    assert relay.may_ask_for(OUT, 9)
    relay.announce(item(2), (OUT, OLD), T0)
    assert run(relay, Inv) == []
