"""Connections with peers of the model."""

from tests.unit.overlay.kademlia.contacts import OWN, contact, links_of, peer_view

from minicoin.core.limits import KAD_HEIGHTS_PER_PEER_MAX, KAD_IDLE_MAX, KAD_LINGER_US
from minicoin.core.overlay.kademlia.keyspace import bucket_of
from minicoin.core.units import Micros

T0 = Micros(1_700_000_000_000_000)


def test_by_connection_and_by_peer():
    links = links_of(1, 2)
    assert [link.conn for link in links] == [1, 2] and len(links) == 2
    assert links.to(contact(2).peer_id) is links.get(2) and links.get(None) is None
    assert links.get(1).bucket == bucket_of(OWN.key, contact(1).key)
    links.get(1).is_server = False
    assert links.servers() == [links.get(2)]
    assert links.pop(2).conn == 2 and links.pop(2) is None
    assert links.to(contact(2).peer_id) is None and len(links) == 1


def test_of_two_connections_with_one_peer_the_one_that_is_left_counts():
    links = links_of(1)
    links.add(peer_view(1, 9, is_inbound=True))
    assert links.to(contact(1).peer_id).conn == 9
    links.pop(9)
    assert links.to(contact(1).peer_id).conn == 1


def test_heights_are_remembered_so_many_a_peer():
    (link,) = links_of(1)
    assert link.height_of(bytes(32)) is None
    for number in range(KAD_HEIGHTS_PER_PEER_MAX + 1):
        link.note_height(number.to_bytes(32, "big"), number % 256)
    heights = [link.height_of(number.to_bytes(32, "big")) for number in range(KAD_HEIGHTS_PER_PEER_MAX + 1)]
    assert heights == [None, *(number % 256 for number in range(1, KAD_HEIGHTS_PER_PEER_MAX + 1))]


def test_what_the_model_made_and_nothing_wants_is_let_go_after_a_while():
    links = links_of(1, 2)
    links.add(peer_view(3, 3, is_inbound=True))
    wanted = {contact(2).peer_id}
    assert links.let_go(wanted, T0) == () and links.next_deadline() == T0 + KAD_LINGER_US
    # Wanted again, and not once more: the wait begins anew.
    links.let_go({contact(1).peer_id}, Micros(T0 + 1))
    assert links.let_go(wanted, Micros(T0 + KAD_LINGER_US)) == ()
    late = Micros(T0 + 2 * KAD_LINGER_US)
    assert links.let_go(wanted, late) == (1,)
    links.pop(1)
    assert links.next_deadline() is None and links.let_go(wanted, late) == ()


def test_who_is_at_the_other_end_may_want_it():
    links = links_of(1, 2)
    assert links.let_go(set(), T0) == ()
    links.note_use(1, Micros(T0 + 1))
    assert links.let_go(set(), Micros(T0 + KAD_LINGER_US)) == (2,)
    assert links.let_go(set(), Micros(T0 + KAD_LINGER_US + 1)) == (2, 1)
    # It is wanted here.
    assert links.let_go({contact(1).peer_id}, Micros(T0 + KAD_LINGER_US + 1)) == (2,)
    links.note_use(1, T0)
    links.pop(2)
    assert links.next_deadline() is None


def test_of_those_that_nothing_wants_a_few_stay():
    count = KAD_IDLE_MAX + 3
    links = links_of(*range(1, count + 1))
    wanted = {contact(2).peer_id}
    assert links.let_go(wanted, T0) == (1, 3)
    assert links.let_go(wanted, Micros(T0 + KAD_LINGER_US)) == (1, *range(3, count + 1))
