"""The lookups of a node, in circles of some dozens: tables fill, peers are found, the silent give way."""

import pytest
from tests.unit.overlay.kademlia.circle import Circle, Member, circle_of
from tests.unit.overlay.kademlia.contacts import contact

from minicoin.core.answers import FoundBy, PeerFound, Reason
from minicoin.core.limits import KAD_ASK_TIMEOUT_US, KAD_LOOKUPS_MAX
from minicoin.core.overlay.contract import NetworkView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import MINUTE_US, SECOND_US


@pytest.fixture
def circle() -> Circle:
    """Tables of k = 3 hold a part of 30 only, so that somebody must be asked."""
    return circle_of(30, k=3)


def find(circle: Circle, member: Member, number: int, request: int = 1, view=None) -> PeerFound | None:
    target = contact(number).peer_id
    circle.do(member, member.overlay.find(request, target, view or NetworkView(), circle.now))
    circle.settle()
    return member.replies.pop(request, None)


def strangers_of(circle: Circle, member: Member) -> list[Member]:
    """Those that it is not connected to, and first those that are not in its table either."""
    met = [other for other, _ in member.ends.values()]
    others = [other for other in circle.members.values() if other is not member and other not in met]
    return sorted(others, key=lambda other: other.contact in member.overlay.table)


def test_all_find_all_and_say_who_told_them(circle):
    asked = 0
    pairs = [(member, strangers_of(circle, member)) for member in circle.members.values()]
    for member, others in [pair for pair in pairs if pair[1]][::4]:
        other = others[0]
        found = find(circle, member, other.number)
        assert found.addresses == (other.contact.address,) and found.by is FoundBy.LOOKUP and found.is_certain
        asked += found.asked
        # It was asked for a sign of life, so we are connected now.
        again = find(circle, member, other.number)
        assert (again.by, again.addresses, again.asked) == (FoundBy.CONNECTED, found.addresses, 0)
    assert asked > 0


def test_nobody_is_found_that_is_not_there(circle):
    member = next(iter(circle.members.values()))
    found = find(circle, member, 5_000)
    assert found.addresses == () and found.by is None and found.asked > 0
    at = NodeAddress("192.0.2.1", 1, contact(5_000).peer_id)
    found = find(circle, member, 5_000, view=NetworkView(of_peer=lambda target: (at,)))
    assert (found.addresses, found.by, found.is_certain) == ((at,), FoundBy.BOOK, False)


def test_who_is_named_and_silent_is_found_with_a_doubt(circle):
    member = next(each for each in circle.members.values() if strangers_of(circle, each))
    other = strangers_of(circle, member)[0]
    other.is_dead = True
    assert find(circle, member, other.number) is None
    circle.let_pass(2 * KAD_ASK_TIMEOUT_US)
    found = member.replies.pop(1)
    assert found.addresses == (other.contact.address,) and not found.is_certain
    assert (found.told_by == b"") == (found.asked == 0) == (found.hops == 0)


def test_a_search_for_oneself_is_refused(circle):
    member = next(iter(circle.members.values()))
    assert find(circle, member, member.number) is None
    assert member.refused.pop() == (Reason.INVALID, "that is the peer id of this node itself")


def test_two_that_ask_for_one_get_one_answer_each_and_too_many_searches_are_refused():
    member, silent = Member(1), Member(2)
    circle = Circle(member, silent)
    circle.connect(member, silent)
    circle.settle()
    silent.is_dead = True
    for request in (1, 2):
        assert find(circle, member, 100, request) is None
    for number in range(KAD_LOOKUPS_MAX):
        find(circle, member, 200 + number, 10 + number)
    assert member.refused and member.refused[0][0] is Reason.CROWDED
    circle.let_pass(2 * KAD_ASK_TIMEOUT_US)
    assert member.replies[1] == member.replies[2] == PeerFound(asked=1)
    assert len(member.replies) == 2 + KAD_LOOKUPS_MAX - len(member.refused)


def test_refreshes_find_out_who_is_silent():
    """Whoever is gone is told to nobody after some of them, and stands in no way."""
    circle = circle_of(12, k=4, refresh_period=10)
    gone = list(circle.members.values())[7]
    gone.is_dead = True
    for conn in list(gone.ends):
        circle.close(gone, conn)
    others = [member for member in circle.members.values() if member is not gone]
    assert any(gone.contact in member.overlay.table for member in others)
    circle.let_pass(3 * MINUTE_US)
    assert not any(gone.contact in member.overlay.table.closest(gone.contact.key, 20) for member in others)


def test_who_knows_nobody_looks_again_and_lets_the_book_help():
    alone = Member(1)
    circle = Circle(alone)
    circle.settle()
    wants = [alone.overlay.wants(NetworkView(), circle.now).full_relay]
    for _ in range(10):
        circle.let_pass(15 * SECOND_US)
        wants.append(alone.overlay.wants(NetworkView(), circle.now).full_relay)
    assert wants[0] == 2 and wants[-1] == 8 and wants == sorted(wants)
    friend = Member(2)
    circle.members[friend.contact.address] = friend
    circle.connect(alone, friend)
    circle.let_pass(MINUTE_US)
    assert alone.overlay.wants(NetworkView(), circle.now).full_relay == 2
