"""Contacts for tests: peer ids with chosen places in the key space."""

from dataclasses import replace
from hashlib import sha256

from minicoin.core.overlay.kademlia.keyspace import Contact, bucket_of, contact_of, key_of
from minicoin.core.overlay.kademlia.links import KadLinks
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import ConnId


def peer_id_of(number: int) -> bytes:
    """A well-formed id (an Ed25519 key's form), of nobody."""
    return b"\x00\x24\x08\x01\x12\x20" + sha256(number.to_bytes(8, "big")).digest()


def contact(number: int, group: bytes | None = None) -> Contact:
    """Each in a group of its own unless one is given."""
    address = NodeAddress(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 8333, peer_id_of(number))
    return contact_of(address, number.to_bytes(4, "big") if group is None else group)


OWN = contact(0)


def in_bucket(index: int, count: int, own: Contact = OWN) -> list[Contact]:
    """So many contacts that lie in one bucket of `own`; the far ones are found soon."""
    found: list[Contact] = []
    number = 1
    while len(found) < count:
        if bucket_of(own.key, key_of(peer_id_of(number))) == index:
            found.append(contact(number))
        number += 1
    return found


def peer_view(number: int, conn: int, *, is_inbound: bool = False, **facts: object) -> PeerView:
    """The peer of a contact, on a connection that the model made, or that the peer did."""
    address = contact(number).address
    if is_inbound:
        address = NodeAddress(address.host, 50_000 + conn, address.peer_id)
    kind = SlotKind.INBOUND if is_inbound else SlotKind.OVERLAY
    return replace(PeerView(ConnId(conn), address, is_inbound=is_inbound, kind=kind), **facts)


def links_of(*numbers: int, own: Contact = OWN) -> KadLinks:
    """A link to each, on the connection of its number, as to a server."""
    links = KadLinks(own.key)
    for number in numbers:
        link = links.add(peer_view(number, number))
        link.contact, link.is_server = contact(number), True
    return links
