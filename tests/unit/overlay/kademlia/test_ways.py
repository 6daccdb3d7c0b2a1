"""Where a letter goes next."""

from tests.unit.overlay.kademlia.contacts import OWN, contact, links_of, peer_view

from minicoin.core.limits import KAD_ROUTE_PEERS
from minicoin.core.overlay.contract import Hops
from minicoin.core.overlay.kademlia.links import KadLinks
from minicoin.core.overlay.kademlia.neighbours import KadNeighbours
from minicoin.core.overlay.kademlia.table import RoutingTable
from minicoin.core.overlay.kademlia.ways import way_to
from minicoin.core.rng import Rng


def way(target: bytes, links: KadLinks, known=(), heard=()) -> Hops:
    table = RoutingTable(OWN.key, 20)
    for each in known:
        table.see(each)
    neighbours = KadNeighbours(OWN.key, table, links, 1, Rng(b"ways"))
    neighbours.hear_of(heard)
    return way_to(target, OWN.key, links, table, neighbours)


def nearer_than_we(target, numbers) -> list[int]:
    found = [number for number in numbers if contact(number).key ^ target.key < OWN.key ^ target.key]
    return sorted(found, key=lambda number: contact(number).key ^ target.key)


def test_straight_to_whom_we_are_connected_to_a_client_too():
    links = links_of(1, 2)
    links.add(peer_view(3, 3, is_inbound=True))
    assert way(contact(2).peer_id, links) == Hops((2,))
    assert way(contact(3).peer_id, links) == Hops((3,))


def test_else_to_the_nearest_of_those_that_are_nearer_than_we():
    target = contact(900)
    order = nearer_than_we(target, range(1, 40))
    assert len(order) > KAD_ROUTE_PEERS
    links = links_of(*range(1, 40))
    assert way(target.peer_id, links) == Hops(tuple(order[:KAD_ROUTE_PEERS]))
    # A client passes nothing on.
    links.get(order[0]).is_server = False
    assert way(target.peer_id, links) == Hops(tuple(order[1 : 1 + KAD_ROUTE_PEERS]))


def test_and_to_its_address_where_it_is_known_or_was_heard_of():
    target = contact(900)
    for where in ({"known": [target]}, {"heard": [target]}):
        assert way(target.peer_id, links_of(), **where) == Hops((), (target.address,))


def test_without_such_a_connection_to_those_of_the_table():
    target = contact(900)
    order = nearer_than_we(target, range(1, 10))
    hops = way(target.peer_id, links_of(), known=[contact(number) for number in range(1, 10)])
    assert hops == Hops((), tuple(contact(number).address for number in order[:KAD_ROUTE_PEERS]))


def test_the_nearest_of_all_knows_that_there_is_no_way():
    target = contact(900)
    farther = [number for number in range(1, 40) if contact(number).key ^ target.key > OWN.key ^ target.key]
    assert way(target.peer_id, links_of(*farther), known=map(contact, farther)) == Hops()
