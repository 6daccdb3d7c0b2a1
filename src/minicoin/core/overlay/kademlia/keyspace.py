"""The space in which peers lie near or far: keys of 256 bits, XOR for distance. Specification: libp2p/specs kad-dht.

A peer's key is the SHA-256 of its id, so that nobody chooses a place in the space but by making identities, and what is
looked up by any other name lies in the same space. Two keys that first differ in bit i, counted from the least
significant, lie in each other's bucket i: bucket 255 is the half of the space that we are not in.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from minicoin.core.limits import KAD_CONTACTS_REMEMBERED_MAX
from minicoin.core.primitives.address import NodeAddress

KEY_BITS: Final = 256


def key_of(name: bytes) -> int:
    """Where a peer id, or the name of anything else, lies."""
    return int.from_bytes(hashlib.sha256(name).digest(), "big")


def bucket_of(own: int, other: int) -> int:
    """The bucket in which each of the two keys lies for the other; -1 for one and the same."""
    return (own ^ other).bit_length() - 1


@dataclass(frozen=True, slots=True)
class Contact:
    """A peer that may be asked: where it listens, with its id; its key; and who is taken to be able to run many."""

    address: NodeAddress
    key: int
    group: bytes

    @property
    def peer_id(self) -> bytes:
        return self.address.peer_id


# For all nodes of a process: in a large simulation thousands of them know the same contact.
@lru_cache(KAD_CONTACTS_REMEMBERED_MAX)
def contact_of(address: NodeAddress, group: bytes) -> Contact:
    """The contact at an address with a peer id."""
    return Contact(address, key_of(address.peer_id), group)
