"""Where a letter goes next: each hop is nearer to the addressee than the one before, so that it never turns in a
circle."""

from minicoin.core.limits import KAD_ROUTE_PEERS
from minicoin.core.overlay.contract import Hops
from minicoin.core.overlay.kademlia.keyspace import key_of
from minicoin.core.overlay.kademlia.links import KadLinks
from minicoin.core.overlay.kademlia.neighbours import KadNeighbours
from minicoin.core.overlay.kademlia.table import RoutingTable


def way_to(target: bytes, own: int, links: KadLinks, table: RoutingTable, neighbours: KadNeighbours) -> Hops:
    """To the peer itself, else to connected servers nearer to it than we are, the nearest first; and to its address,
    where it is known. Who is the nearest of all and does not know it knows that nobody does."""
    met = links.to(target)
    if met is not None:
        return Hops((met.conn,))
    key = key_of(target)
    nearer = [link for link in links.servers() if link.key ^ key < own ^ key]
    nearer.sort(key=lambda link: link.key ^ key)
    known = neighbours.find(key, target)
    to_reach = [] if known is None else [known]
    if not nearer and not to_reach:
        to_reach = [contact for contact in table.closest(key, KAD_ROUTE_PEERS) if contact.key ^ key < own ^ key]
    conns = tuple(link.conn for link in nearer[:KAD_ROUTE_PEERS])
    return Hops(conns, tuple(contact.address for contact in to_reach))
