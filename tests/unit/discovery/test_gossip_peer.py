"""What gossip keeps about one connection: its budget, what it knows, what it is to be told."""

from minicoin.core.discovery.gossip_peer import GossipPeer
from minicoin.core.limits import (
    ADDRESS_BURST_PER_PEER_MAX,
    ADDRESSES_PER_MESSAGE_MAX,
    ADDRESSES_PER_SECOND_PER_PEER,
    KNOWN_ADDRESSES_PER_PEER_MAX,
)
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.units import SECOND_US, ConnId, Micros


def peer() -> GossipPeer:
    return GossipPeer(ConnId(1), is_inbound=True, wants_v2=True, now=Micros(0))


def timed(number: int) -> TimedAddress:
    return TimedAddress(NodeAddress(f"1.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1), 1, 0)


def test_one_address_at_first_and_then_what_time_earns() -> None:
    one = peer()
    assert one.take_tokens(10, Micros(0)) == 1
    later = Micros(int(20 / ADDRESSES_PER_SECOND_PER_PEER) * SECOND_US)
    assert one.take_tokens(100, later) == 20
    assert (one.processed_count, one.rate_limited_count) == (21, 89)


def test_time_earns_no_more_than_a_burst() -> None:
    one = peer()
    assert one.take_tokens(10**6, Micros(10**6 * SECOND_US)) == ADDRESS_BURST_PER_PEER_MAX


def test_the_answer_to_our_question_is_paid_for() -> None:
    one = peer()
    one.expect_answer()
    assert one.awaits_answer
    assert one.take_tokens(ADDRESSES_PER_MESSAGE_MAX, Micros(0)) == ADDRESSES_PER_MESSAGE_MAX


def test_whom_the_operator_trusts_pays_nothing() -> None:
    one = peer()
    assert one.take_tokens(5_000, Micros(0), is_unlimited=True) == 5_000
    assert one.rate_limited_count == 0


def test_nobody_is_told_what_he_knows_or_twice() -> None:
    one = peer()
    one.learn(timed(1).address)
    assert not one.tell(timed(1))
    assert one.tell(timed(2)) and one.tell(timed(2))
    one.flush_at = Micros(5)
    assert one.take_outgoing() == (timed(2),)
    assert one.flush_at is None
    assert one.take_outgoing() == () and not one.tell(timed(2))


def test_queue_and_memory_are_bounded() -> None:
    one = peer()
    told = [one.tell(timed(number)) for number in range(ADDRESSES_PER_MESSAGE_MAX + 1)]
    assert told == [True] * ADDRESSES_PER_MESSAGE_MAX + [False]
    one.take_outgoing()
    for number in range(KNOWN_ADDRESSES_PER_PEER_MAX):
        one.learn(timed(10_000 + number).address)
    assert one.tell(timed(1))
