"""Gossip: belief, rate limit, relay to two, one answer per inbound peer, our own addresses."""

import pytest

from minicoin.core.discovery.gossip import Gossip
from minicoin.core.discovery.gossip_peer import GossipPeer
from minicoin.core.discovery.policy import DiscoveryPolicy
from minicoin.core.effects import Send
from minicoin.core.limits import (
    ADDRESS_BURST_PER_PEER_MAX,
    ADDRESSES_PER_MESSAGE_MAX,
    KNOWN_ADDRESSES_PER_PEER_MAX,
)
from minicoin.core.primitives.address import NodeAddress, Services, TimedAddress
from minicoin.core.rng import Rng
from minicoin.core.units import DAY_US, HOUR_US, SECOND_US, Micros, seconds
from minicoin.core.wire.messages import Addr, AddrV2, GetAddr

T0 = Micros(1_700_000_000_000_000)


def timed(index, age_s=0, host=None):
    return TimedAddress(NodeAddress(host or f"8.{index >> 8}.{index & 255}.1", 8333), 1, seconds(T0) - age_s)


def gossip(**policy):
    return Gossip(DiscoveryPolicy(**policy), Rng(b"test"))


def join(made, *conns, is_inbound=True, wants_v2=True, now=T0):
    """Peers that speak of addresses."""
    for conn in conns:
        made.introduce(conn, is_inbound=is_inbound, wants_v2=wants_v2, now=now)
        if is_inbound:
            made.on_addr(conn, (), now)


def sent(effects):
    return {effect.conn: effect.message for effect in effects if isinstance(effect, Send)}


def drain(made, now=T0):
    """Everything queued, however late it is due."""
    effects = []
    while (deadline := made.next_deadline()) is not None and deadline < now + HOUR_US:
        effects += made.on_deadline(deadline)
    return effects


def test_asks_outbound_peers_only():
    made = gossip()
    assert made.introduce(2, is_inbound=False, wants_v2=True, now=T0) == [Send(2, GetAddr())]
    assert made.introduce(1, is_inbound=True, wants_v2=True, now=T0) == []


def test_an_answer_to_our_question_is_taken_whole_a_flood_is_not():
    made = gossip()
    join(made, 2, is_inbound=False)
    join(made, 1)
    answer = tuple(timed(i) for i in range(ADDRESSES_PER_MESSAGE_MAX))
    assert len(made.on_addr(2, answer, T0)) == 1_000
    assert len(made.on_addr(1, answer, T0)) == 1
    assert (made.view(2).rate_limited_count, made.view(1).rate_limited_count) == (0, 999)
    assert len(made.on_addr(1, answer, Micros(T0 + 100 * SECOND_US))) == 10


def test_the_answer_to_our_question_is_no_news_for_others():
    made = gossip()
    join(made, 2, is_inbound=False)
    join(made, 1, 3, 5)
    made.on_addr(2, (timed(1),), T0)
    assert drain(made) == []
    made.on_addr(2, (timed(2),), T0)
    assert len(sent(drain(made))) == 2


def test_a_flood_of_addresses_costs_no_dice():
    dice = Rng(b"test")
    made = Gossip(DiscoveryPolicy(), dice)
    join(made, 1)
    flood = tuple(timed(i) for i in range(ADDRESSES_PER_MESSAGE_MAX))
    made.on_addr(1, flood, T0)
    drawn = dice.position
    assert made.on_addr(1, flood, T0) == ()
    assert dice.position == drawn


def test_tokens_are_capped():
    peer = GossipPeer(1, is_inbound=True, wants_v2=True, now=T0)
    later = Micros(T0 + 365 * DAY_US)
    assert peer.take_tokens(10**6, later) == ADDRESS_BURST_PER_PEER_MAX
    assert peer.take_tokens(1, later) == 0


def test_strangers_are_not_heard():
    assert gossip().on_addr(9, (timed(1),), T0) == ()


@pytest.mark.parametrize("age_s", [-601, -(10**9), 10**10])
def test_unbelievable_times_become_five_days_old(age_s):
    made = gossip()
    join(made, 1)
    (believed,) = made.on_addr(1, (timed(1, age_s),), T0)
    assert believed.time == seconds(T0) - 5 * 86_400


def test_fresh_small_messages_travel_to_two_others():
    made = gossip()
    join(made, *range(1, 20, 2))
    made.on_addr(1, (timed(1),), T0)
    messages = sent(drain(made))
    assert len(messages) == 2
    assert 1 not in messages
    assert all(message == AddrV2((timed(1),)) for message in messages.values())


def test_the_two_stay_the_same_for_a_day_and_differ_between_addresses():
    def targets(index, now):
        made = gossip()
        join(made, *range(1, 40, 2), now=now)
        made.on_addr(1, (TimedAddress(timed(index).address, 1, seconds(now)),), now)
        return frozenset(sent(drain(made, now)))

    assert targets(5, T0) == targets(5, Micros(T0 + 1))
    assert len({targets(index, T0) for index in range(10)}) > 5
    assert len({targets(5, Micros(T0 + day * DAY_US)) for day in range(10)}) > 5


@pytest.mark.parametrize(
    "addresses",
    [
        (timed(1, age_s=601),),
        tuple(timed(i) for i in range(11)),
        (timed(1, host="192.168.1.5"),),
        (timed(1, host="name.example"),),
    ],
)
def test_old_many_private_or_named_are_not_relayed(addresses):
    made = gossip()
    join(made, 2, is_inbound=False)
    join(made, 1, 3, 5)
    assert len(made.on_addr(2, addresses, T0)) == len(addresses)
    assert drain(made) == []


def test_private_addresses_travel_in_private_networks():
    made = gossip(is_private_network=True)
    join(made, 1, 3)
    made.on_addr(1, (timed(1, host="127.0.0.1"),), T0)
    assert list(sent(drain(made))) == [3]


def test_nobody_is_told_what_it_knows():
    made = gossip()
    join(made, 1, 3)
    made.on_addr(3, (timed(1),), T0)
    drain(made)
    later = Micros(T0 + 100 * SECOND_US)
    made.on_addr(1, (timed(1), timed(2)), later)
    messages = sent(drain(made, later))
    assert messages == {3: AddrV2((timed(2),))}


def test_what_a_peer_knows_is_bounded():
    peer = GossipPeer(1, is_inbound=True, wants_v2=True, now=T0)
    for index in range(KNOWN_ADDRESSES_PER_PEER_MAX + 1):
        peer.learn(timed(index).address)
    assert peer.tell(timed(0))
    assert not peer.tell(timed(1))


def test_a_queue_for_one_peer_is_bounded():
    peer = GossipPeer(1, is_inbound=True, wants_v2=True, now=T0)
    told = [peer.tell(timed(index)) for index in range(ADDRESSES_PER_MESSAGE_MAX + 5)]
    assert sum(told) == ADDRESSES_PER_MESSAGE_MAX
    assert len(peer.take_outgoing()) == ADDRESSES_PER_MESSAGE_MAX


def test_answers_inbound_peers_once_from_one_sample_a_day():
    made, asked = gossip(), []

    def sample(count):
        asked.append(count)
        return tuple(timed(len(asked) * 10 + i) for i in range(3))

    join(made, 1, 3)
    join(made, 5, wants_v2=False)
    join(made, 2, is_inbound=False)
    first = sent(made.on_getaddr(1, sample, T0))[1]
    assert made.on_getaddr(1, sample, T0) == []
    assert made.on_getaddr(2, sample, T0) == []
    assert sent(made.on_getaddr(3, sample, T0))[3] == first
    assert sent(made.on_getaddr(5, sample, T0))[5] == Addr(first.addresses)
    assert asked == [1_000]
    join(made, 7)
    assert sent(made.on_getaddr(7, sample, Micros(T0 + DAY_US)))[7] != first
    assert made.on_getaddr(99, sample, T0) == []


def test_tells_its_own_address_at_once_and_then_about_daily():
    made = gossip()
    made.set_own({NodeAddress("8.8.8.8", 8333): Services.NETWORK})
    join(made, 1)
    assert made.next_deadline() == T0
    (effect,) = made.on_deadline(T0)
    assert effect.message.addresses == (TimedAddress(NodeAddress("8.8.8.8", 8333), 1, seconds(T0)),)
    now, count = T0, 0
    while made.next_deadline() < T0 + 100 * DAY_US:
        now = made.next_deadline()
        count += len(made.on_deadline(now))
    assert 60 < count < 150


def test_where_we_are_stands_alone_before_the_answer_to_getaddr():
    made = gossip()
    made.set_own({NodeAddress("8.8.8.8", 8333): Services.NETWORK})
    made.introduce(1, is_inbound=True, wants_v2=True, now=T0)
    own, answer = made.on_getaddr(1, lambda count: (timed(1), timed(2)), T0)
    assert own.message.addresses == (TimedAddress(NodeAddress("8.8.8.8", 8333), 1, seconds(T0)),)
    assert answer.message.addresses == (timed(1), timed(2))
    assert made.on_deadline(T0) == []


def test_who_dialled_us_and_never_speaks_of_addresses_hears_of_none():
    made = gossip()
    made.set_own({NodeAddress("8.8.8.8", 8333): Services.NETWORK})
    made.introduce(1, is_inbound=True, wants_v2=True, now=T0)
    assert made.next_deadline() is None
    join(made, 3)
    made.on_deadline(T0)
    later = Micros(T0 + 100 * SECOND_US)
    made.on_addr(3, (timed(1),), later)
    assert 1 not in sent(drain(made, later))
    assert made.view(1) is None
    made.on_addr(1, (), later)
    assert made.alarm.at <= later
    assert list(sent(made.on_deadline(later))) == [1]
    assert made.view(1) is not None
    made.on_addr(3, (timed(2),), later)
    assert sent(drain(made, later)) == {1: AddrV2((timed(2),))}


def test_a_node_that_does_not_listen_tells_nothing():
    made = gossip(does_listen=False)
    made.set_own({NodeAddress("8.8.8.8", 8333): Services.NETWORK})
    join(made, 1)
    assert made.next_deadline() is None
    assert made.on_deadline(T0) == []


def test_closed_connections_leave_nothing_behind():
    made = gossip()
    made.set_own({NodeAddress("8.8.8.8", 8333): Services.NETWORK})
    join(made, 1, 3)
    made.on_addr(1, (timed(1),), T0)
    for conn in (1, 3, 5):
        made.on_closed(conn, T0)
    assert made.next_deadline() is None
    assert made.on_deadline(Micros(T0 + DAY_US)) == []


def with_peer_id(index):
    plain = timed(index)
    return TimedAddress(NodeAddress(plain.address.host, plain.address.port, b"\0\1p"), plain.services, plain.time)


def test_peer_ids_neither_come_nor_go_on_bitcoins_networks():
    made = gossip(carries_peer_ids=False)
    join(made, 1, 3, 5)
    made.set_own({with_peer_id(9).address: Services.NETWORK})
    heard = made.on_addr(1, (timed(1), with_peer_id(2)), T0 + 60 * SECOND_US)
    assert heard == (timed(1),)
    answer = sent(made.on_getaddr(3, lambda count: (timed(4), with_peer_id(5)), T0))
    assert answer == {3: AddrV2((timed(4),))}
    told = [one for effect in drain(made) if isinstance(effect, Send) for one in effect.message.addresses]
    assert told
    assert not any(one.address.peer_id for one in told)


def test_peer_ids_travel_on_minicoins_networks():
    made = gossip()
    join(made, 1, 3, 5)
    heard = made.on_addr(1, (with_peer_id(2),), T0 + 60 * SECOND_US)
    assert heard == (with_peer_id(2),)
    assert AddrV2((with_peer_id(2),)) in sent(drain(made)).values()
