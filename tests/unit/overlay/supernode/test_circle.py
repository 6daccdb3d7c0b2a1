"""What both roles share: who is near, what is believed, how often somebody is answered."""

from dataclasses import replace

import pytest
from tests.unit.overlay.supernode.made import (
    NETWORK_ID,
    T0,
    address,
    identity,
    leaf_record,
    peer,
    peer_id,
    sent,
    setup_of,
    status,
    status_record,
)

from minicoin.core.faults import PeerFault
from minicoin.core.limits import SUPER_RECORDS_BURST_MAX, SUPER_RECORDS_BURST_PER_PEER, SUPER_RESTS_MAX, SUPERS_TOLD_MAX
from minicoin.core.overlay.supernode.circle import Brought, Circle, PeerBudget, Rests
from minicoin.core.overlay.supernode.entries import KIND, LIFE_US, STATUS_KEY
from minicoin.core.overlay.supernode.messages import SuperAsk, SuperNews
from minicoin.core.params.builtin import REGTEST
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.record import unsigned_record, with_signature
from minicoin.core.records.store import RecordStore
from minicoin.core.units import SECOND_US, Micros


def made(number=99):
    circle = Circle(setup_of(number, "leaf"))
    return circle, circle.meet(peer(1, 1), T0)


def test_who_signs_a_status_of_its_own_is_a_super_node():
    circle, near = made()
    assert circle.supers() == {} and near.address is None
    assert circle.take_status(near, status_record(1), T0) is Brought.NEWS
    assert circle.supers() == {1: near} and near.status == status(1) and near.address == address(1)
    assert circle.take_status(near, status_record(1), T0) is Brought.IGNORED, "a replay is no news"


def test_what_others_say_of_super_nodes_is_kept_and_makes_them_none():
    circle, near = made()
    assert circle.take_status(near, status_record(2), T0) is Brought.NEWS
    assert peer_id(2) in circle.book and circle.supers() == {}
    assert circle.take_status(near, status_record(99), T0) is Brought.IGNORED, "we know best how we are"


def test_a_forged_record_is_the_fault_of_whoever_brings_it():
    circle, near = made()
    with pytest.raises(PeerFault, match="forged"):
        circle.take_status(near, status_record(2, network_id=bytes(32)), T0)
    broken = with_signature(unsigned_record(KIND, STATUS_KEY, b"?", T0, LIFE_US), identity(1), NETWORK_ID)
    with pytest.raises(PeerFault):
        circle.take_status(near, broken, T0)
    assert len(circle.book) == 0 and near.status is None


def test_an_expired_one_is_ignored_unverified():
    circle, near = made()
    late = Micros(T0 + LIFE_US)
    near.status = status(1)
    assert circle.take_status(near, status_record(2, network_id=bytes(32)), late) is Brought.IGNORED
    assert circle.take_status(near, status_record(2), late) is Brought.IGNORED and len(circle.book) == 0


def test_a_peer_s_records_are_verified_at_a_pace():
    circle, near = made()
    taken = [circle.verify(near, leaf_record(2, (1,)), T0) for _ in range(SUPER_RECORDS_BURST_PER_PEER + 1)]
    assert taken == [True] * SUPER_RECORDS_BURST_PER_PEER + [False]
    assert circle.verify(near, leaf_record(2, (1,)), Micros(T0 + SECOND_US))


def test_records_of_everybody_name_super_nodes_too():
    store = RecordStore(replace(REGTEST, own_messages=True), identity(5))
    circle = Circle(setup_of(99, "leaf", records=store))
    store.publish(KIND.name, STATUS_KEY, status(5).encode(), T0)
    store.publish(KIND.name, "else", b"?", Micros(T0 + 1))
    circle.read_store(T0)
    circle.read_store(T0)
    assert list(circle.book) == [status(5)]
    wrong = RecordStore(replace(REGTEST, own_messages=True), identity(6))
    wrong.publish(KIND.name, STATUS_KEY, b"?", T0)
    circle = Circle(setup_of(99, "leaf", records=wrong))
    circle.read_store(T0)
    assert len(circle.book) == 0


def test_all_together_are_verified_at_a_pace():
    circle, _ = made()
    record = leaf_record(2, (1,))
    taken = 0
    for conn in range(2 * SUPER_RECORDS_BURST_MAX // SUPER_RECORDS_BURST_PER_PEER):
        near = circle.meet(peer(conn, 3), T0)
        taken += sum(circle.verify(near, record, T0) for _ in range(SUPER_RECORDS_BURST_PER_PEER))
    assert taken == SUPER_RECORDS_BURST_MAX


def test_an_answer_is_timed_and_its_median_told():
    circle, near = made()
    assert sent([circle.ask(near, T0)], SuperAsk) == [(1, SuperAsk())]
    circle.take_status(near, status_record(1), Micros(T0 + 70_000))
    assert near.asked_at is None and near.delay_us == 70_000 and circle.median_delay_ms() == 70
    assert made()[0].median_delay_ms() == 0


def test_who_asks_again_at_once_is_not_answered():
    circle, near = made()
    assert circle.may_answer(near, T0) and not circle.may_answer(near, Micros(T0 + SECOND_US - 1))
    assert circle.may_answer(near, Micros(T0 + SECOND_US))


def test_so_many_are_told_of_and_nobody_of_himself():
    circle, near = made()
    for number in range(1, 30):
        circle.book.take(status_record(number), b"")
    own = status_record(99)
    ((conn, news),) = sent([circle.tell(near, own)], SuperNews)
    owners = [record.owner for record in news.records]
    assert conn == 1 and owners[0] == peer_id(99) and peer_id(1) not in owners
    assert SUPERS_TOLD_MAX - 1 <= len(owners) <= SUPERS_TOLD_MAX


def test_on_a_private_network_each_address_stands_for_itself():
    circle, _ = made()
    assert circle.group(NodeAddress("10.0.0.1", 1)) != circle.group(NodeAddress("10.0.0.1", 2))
    # One that is public stands for its network there as well.
    assert circle.group(NodeAddress("20.0.0.1", 1)) == circle.group(NodeAddress("20.0.0.2", 2))


def test_rests_are_bounded_and_end():
    rests = Rests()
    for number in range(SUPER_RESTS_MAX + 1):
        rests.set(number.to_bytes(2, "big"), Micros(T0 + 9 + number))
    assert not rests.is_resting(b"\0\0", T0) and rests.is_resting(b"\0\1", T0)
    assert rests.next_end(T0) == T0 + 10 and not rests.is_resting(b"\0\1", Micros(T0 + 10))
    rests.clear(b"\0\2")
    assert not rests.is_resting(b"\0\2", T0)


def test_a_bucket_fills_by_the_second():
    bucket = PeerBudget(2, 1, T0)
    assert [bucket.take(T0) for _ in range(3)] == [True, True, False]
    assert [bucket.take(Micros(T0 + SECOND_US)) for _ in range(2)] == [True, False]
    assert not bucket.take(T0), "a clock that is set back gives nothing"
