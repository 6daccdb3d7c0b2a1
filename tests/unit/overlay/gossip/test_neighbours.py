"""Whom to be connected to: drawn from the view, never below the minimum, one replaced now and then."""

from dataclasses import replace

from tests.unit.overlay.gossip.made import T0, address, group_of, heard, peer

from minicoin.core.limits import GOSSIP_NEIGHBOUR_AGAIN_US, GOSSIP_NEIGHBOUR_PATIENCE_US, GOSSIP_VIEW_MAX
from minicoin.core.overlay.gossip.neighbours import Neighbours
from minicoin.core.overlay.gossip.settings import read_settings
from minicoin.core.overlay.gossip.view import Member
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import Micros

PATIENCE_OVER = Micros(T0 + GOSSIP_NEIGHBOUR_PATIENCE_US)


def neighbours(*, full_relay=8, **chosen):
    return Neighbours(read_settings(chosen), full_relay, 2, group_of, Rng(b"neighbours"))


def members(*numbers, group=None):
    found = [heard(number, group=group).alive for number in numbers]
    return [Member(alive, T0, b"", group_of(alive.address)) for alive in found]


def ready(*numbers, kind=SlotKind.OVERLAY):
    return tuple(peer(2 * number, number, kind=kind) for number in numbers)


def test_nobody_known_is_the_address_book_s_draw():
    wants = neighbours().wants((), [], T0)
    assert (wants.full_relay, wants.block_only, wants.addresses, wants.unwanted) == (4, 2, (), ())


def test_as_many_are_drawn_as_are_chosen():
    made = neighbours()
    wants = made.wants((), members(*range(40)), T0)
    assert len(set(wants.addresses)) == 8
    # The same ones as long as there is patience.
    assert made.wants((), members(*range(40)), Micros(PATIENCE_OVER - 1)) == wants
    assert made.next_deadline() == PATIENCE_OVER


def test_the_book_stands_in_for_what_lacks_to_the_minimum():
    made = neighbours()
    for count, from_book in ((0, 4), (1, 3), (3, 1), (4, 0), (8, 0)):
        assert made.wants(ready(*range(count)), [], T0).full_relay == from_book
    # Those of the book are neighbours, too, but do not stand in for themselves.
    assert made.wants(ready(*range(8), kind=SlotKind.FULL_RELAY), [], T0).full_relay == 4


def test_who_came_from_the_book_is_a_neighbour():
    wants = neighbours().wants(ready(1, 2, kind=SlotKind.FULL_RELAY), members(*range(3, 40)), T0)
    assert len(wants.addresses) == 6


def test_an_operator_who_wants_nobody_dialled_is_heard():
    wants = neighbours(full_relay=0).wants((), members(*range(9)), T0)
    assert (wants.full_relay, wants.addresses) == (0, ())


def test_a_minimum_above_the_number_is_the_number():
    assert neighbours(neighbours=2, neighbours_min=4).wants((), [], T0).full_relay == 2


def test_who_does_not_answer_is_not_drawn_again_for_a_while():
    made = neighbours(neighbours=1)
    (tried,) = made.wants((), members(1), T0).addresses
    assert made.wants((), members(1), PATIENCE_OVER).addresses == ()
    made.look_again()
    (other,) = made.wants((), members(1, 2), PATIENCE_OVER).addresses
    assert other != tried
    assert made.wants((), members(1, 2), Micros(PATIENCE_OVER + GOSSIP_NEIGHBOUR_PATIENCE_US)).addresses == ()
    again = Micros(PATIENCE_OVER + GOSSIP_NEIGHBOUR_AGAIN_US)
    made.look_again()
    assert made.wants((), members(1), again).addresses == (tried,)


def test_who_was_tried_is_remembered_within_bounds():
    made = neighbours(neighbours=32)
    now = T0
    for start in range(0, 200, 20):
        made.wants((), members(*range(start, start + 20)), now)
        now = Micros(now + GOSSIP_NEIGHBOUR_PATIENCE_US)
    assert made.tried_count == GOSSIP_VIEW_MAX


def test_who_is_connected_by_whatever_way_is_not_drawn():
    peers = (peer(1, 1, kind=SlotKind.INBOUND), peer(2, 2, kind=SlotKind.MANUAL), peer(4, 4, kind=SlotKind.BLOCK_ONLY))
    # An inbound peer is known by its id: its port is not the one it listens at.
    peers = (replace(peers[0], address=replace(peers[0].address, port=50_000)), *peers[1:])
    assert neighbours().wants(peers, members(1, 2, 4), T0).addresses == ()


def test_who_dialled_us_meanwhile_is_waited_for_no_longer():
    made = neighbours(neighbours=1)
    assert made.wants((), members(1), T0).addresses == (address(1),)
    assert made.wants((peer(1, 1, kind=SlotKind.INBOUND),), members(1), T0).addresses == ()
    assert made.next_deadline() is None
    assert made.wants((), members(1), T0).addresses == (address(1),)


def test_no_two_neighbours_of_one_group():
    wants = neighbours().wants((), members(*range(20), group=7), T0)
    assert len(wants.addresses) == 1
    (held,) = ready(99)
    held = replace(held, address=address(99, 7))
    assert neighbours().wants((held,), members(*range(20), group=7), T0).addresses == (held.address,)


def test_a_reshuffle_connects_first_and_leaves_then():
    made = neighbours(neighbours=4)
    peers = ready(1, 2, 3, 4)
    made.swap()
    wants = made.wants(peers, members(*range(9)), T0)
    (fresh,) = (where for where in wants.addresses if where not in [each.address for each in peers])
    assert wants.unwanted == ()
    arrived = (*peers, peer(99, fresh.peer_id and next(n for n in range(9) if address(n) == fresh)))
    wants = made.wants(arrived, members(*range(9)), T0)
    (leaving,) = wants.unwanted
    assert leaving in [each.conn for each in peers]
    # It is wanted away until it is gone, and nobody else is.
    assert made.wants(arrived, [], T0).unwanted == (leaving,)
    left = tuple(each for each in arrived if each.conn != leaving)
    assert made.wants(left, members(*range(9)), T0).unwanted == ()
    assert len(made.wants(left, members(*range(9)), T0).addresses) == 4


def test_a_reshuffle_that_finds_nobody_changes_nothing():
    made = neighbours(neighbours=4)
    peers = ready(1, 2, 3, 4)
    made.swap()
    assert made.wants(peers, members(1, 2, 3, 4), T0).unwanted == ()
    made.swap()
    made.wants(peers, members(5), T0)
    assert made.wants(peers, [], PATIENCE_OVER).unwanted == ()


def test_a_neighbour_that_left_by_himself_is_change_enough():
    made = neighbours(neighbours=4)
    made.swap()
    wants = made.wants(ready(1, 2, 3), members(*range(9)), T0)
    assert len(wants.addresses) == 4 and wants.unwanted == ()
