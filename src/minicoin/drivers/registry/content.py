"""What stands in a registry, as text and bytes: where a key lies, and the entry in which a node says where it listens.

Below a node's peer id stand `node`, its entry, and `records/NAME`, each a signed record as it travels (core/records).
An entry is lines of text, so that an operator can read it where it lies:

    minicoin node 1
    network 7d0c...
    address /ip4/10.1.2.3/tcp/18444/p2p/12D3...
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.node_address import join_address, node_address_of
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import (
    REGISTRY_ADDRESSES_PER_NODE_MAX,
    REGISTRY_KEY_CHARACTERS_MAX,
    REGISTRY_NODES_MAX,
    REGISTRY_VALUE_BYTES_MAX,
)
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.record import SignedRecord

_HEAD: Final = "minicoin node 1"
_NODE: Final = "node"
_RECORDS: Final = "records"
_NAME: Final = re.compile(r"[a-z0-9.-]{1,80}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lies: below whose peer id, and the record's name; none for the entry."""

    owner: bytes
    record: str = ""

    @property
    def key(self) -> str:
        """Its key."""
        below = f"{_RECORDS}/{self.record}" if self.record else _NODE
        return f"{PeerId(self.owner)}/{below}"


def read_key(key: str) -> Place:
    """Raises DecodeError."""
    if len(key) > REGISTRY_KEY_CHARACTERS_MAX:
        raise DecodeError(f"a key of {len(key)} characters")
    owner, *below = key.split("/")
    match below:
        case [name] if name == _NODE:
            return Place(_read_peer(owner))
        case [folder, name] if folder == _RECORDS and _NAME.fullmatch(name):
            return Place(_read_peer(owner), name)
    raise DecodeError(f"no key of ours: {key!r}")


@lru_cache(REGISTRY_NODES_MAX)
def _read_peer(text: str) -> bytes:
    peer = PeerId.parse(text)
    if str(peer) != text:
        raise DecodeError(f"not a peer id as they are written here: {text!r}")
    return peer.multihash


def record_name(record: SignedRecord) -> str:
    """One name for each place of a record, so that a newer one replaces it."""
    place = b"\0".join((record.kind.encode(), record.owner, record.key.encode()))
    return f"{record.kind}-{sha256(place).hexdigest()[:32]}"


def encode_entry(network_id: bytes, addresses: Iterable[NodeAddress]) -> bytes:
    """The entry of a node that listens there."""
    lines = [_HEAD, f"network {network_id.hex()}"]
    lines += [f"address {join_address(address)}" for address in list(addresses)[:REGISTRY_ADDRESSES_PER_NODE_MAX]]
    return "".join(line + "\n" for line in lines).encode("ascii")


def decode_entry(raw: bytes, network_id: bytes, owner: bytes) -> tuple[NodeAddress, ...]:
    """Where a node of this network and peer id listens. Raises DecodeError that says what is wrong."""
    head, *lines = split_lines(raw, REGISTRY_VALUE_BYTES_MAX)
    if head != _HEAD:
        raise DecodeError("not an entry of a node, or of a format that this version does not know")
    found: dict[NodeAddress, None] = {}
    network = ""
    for word, rest in words_of(lines):
        if word == "network":
            network = rest
        elif word == "address":
            found[read_address(rest, owner)] = None
        # Other words may come with other versions.
    if network != network_id.hex():
        raise DecodeError(f"an entry of another network: {network[:64]!r}")
    if len(found) > REGISTRY_ADDRESSES_PER_NODE_MAX:
        raise DecodeError(f"{len(found)} addresses (at most {REGISTRY_ADDRESSES_PER_NODE_MAX})")
    return tuple(found)


def read_address(text: str, owner: bytes) -> NodeAddress:
    """A multiaddr by which `owner` can be dialled. Raises DecodeError."""
    address = node_address_of(Multiaddr.parse(text))
    if address is None or address.ip is None:
        raise DecodeError(f"cannot be dialled: {text[:100]!r}")
    if address.peer_id != owner:
        raise DecodeError(f"the address of somebody else: {text[:100]!r}")
    return address


def split_lines(raw: bytes, length_max: int) -> list[str]:
    """The lines of an ASCII text; at least one. Raises DecodeError."""
    if len(raw) > length_max:
        raise DecodeError(f"{len(raw)} bytes (at most {length_max})")
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise DecodeError("not ASCII text") from error
    return text.split("\n")


def words_of(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The first word of each line, and what follows it."""
    for line in lines:
        word, _, rest = line.partition(" ")
        if word:
            yield word, rest
