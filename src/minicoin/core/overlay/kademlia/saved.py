"""The routing table over a stop: the contacts in the order of the table, as multiaddrs with their ids, and a checksum.

Those of the last run are the first to be asked at the next start. That they are alive nobody knows until then, and who
is silent gives way like anybody else.
"""

from collections.abc import Iterable
from hashlib import sha256
from ipaddress import ip_address
from itertools import islice
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.encoding.multiaddr import decode_multiaddr, encode_multiaddr
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import KAD_SAVED_CONTACTS_MAX, MULTIADDR_BYTES_MAX
from minicoin.core.overlay.kademlia.keyspace import Contact
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.wire.reader import Reader

_FORM: Final = b"kad1"
_CHECKSUM_BYTES: Final = 32


def encode_contacts(contacts: Iterable[Contact]) -> bytes:
    """The document."""
    kept = [
        encode_multiaddr(ip_address(contact.address.host).packed, contact.address.port, contact.peer_id)
        for contact in islice(contacts, KAD_SAVED_CONTACTS_MAX)
    ]
    body = _FORM + encode_compact(len(kept)) + b"".join(encode_compact(len(raw)) + raw for raw in kept)
    return body + sha256(body).digest()


def decode_contacts(document: bytes) -> list[NodeAddress]:
    """What encode_contacts was given. Raises DecodeError."""
    body, checksum = document[:-_CHECKSUM_BYTES], document[-_CHECKSUM_BYTES:]
    if not body.startswith(_FORM) or sha256(body).digest() != checksum:
        raise DecodeError("the saved routing table is damaged")
    reader = Reader(body, "saved routing table")
    reader.take(len(_FORM))
    found: list[NodeAddress] = []
    for _ in range(reader.count(1, KAD_SAVED_CONTACTS_MAX)):
        packed, port, peer_id = decode_multiaddr(reader.var_bytes(MULTIADDR_BYTES_MAX))
        found.append(NodeAddress(str(ip_address(packed)), port, PeerId(peer_id).multihash))
    reader.end()
    return found
