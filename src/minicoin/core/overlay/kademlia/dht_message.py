"""What nodes ask each other about the key space, in the form that libp2p gave it. Specification: libp2p/specs kad-dht.

1. A question and its answer have one form, a Protocol Buffers message, and one type.
2. Who is told of somebody is told how to reach it; only addresses that a node of ours can dial are read (/ip4 or /ip6,
   then /tcp), all others are passed over. An address that names another peer is no address of this one.
3. Fields that are unknown are passed over, as Protocol Buffers demand; numbers and sizes are bounded, and more than a
   message may hold is refused. A record (PUT_VALUE, GET_VALUE) is carried as bytes: no values are kept here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, TypeVar

from minicoin.core.encoding.multiaddr import decode_multiaddr, encode_multiaddr
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.libp2p.protobuf import encode_bytes_field, encode_int_field, read_fields
from minicoin.core.limits import (
    KAD_ADDRESSES_PER_PEER_MAX,
    KAD_CONTACTS_REMEMBERED_MAX,
    KAD_KEY_BYTES_MAX,
    KAD_MESSAGE_BYTES_MAX,
    KAD_PEERS_PER_MESSAGE_MAX,
    MULTIADDR_BYTES_MAX,
)
from minicoin.core.primitives.address import NodeAddress

_TYPE: Final = 1
_KEY: Final = 2
_RECORD: Final = 3
_CLOSER: Final = 8
_PROVIDERS: Final = 9
_CLUSTER_LEVEL: Final = 10
_PEER_ID: Final = 1
_PEER_ADDRESS: Final = 2
_PEER_CONNECTION: Final = 3

E = TypeVar("E", bound=IntEnum)


class DhtType(IntEnum):
    """The types of the specification, with their numbers there."""

    PUT_VALUE = 0
    GET_VALUE = 1
    ADD_PROVIDER = 2
    GET_PROVIDERS = 3
    FIND_NODE = 4
    PING = 5


class DhtConnection(IntEnum):
    """How the sender stands to a peer that it tells of."""

    NOT_CONNECTED = 0
    CONNECTED = 1
    CAN_CONNECT = 2
    CANNOT_CONNECT = 3


@dataclass(frozen=True, slots=True)
class DhtPeer:
    """A peer that a message tells of. Its addresses are multiaddrs."""

    id: bytes
    addresses: tuple[bytes, ...] = ()
    connection: DhtConnection = DhtConnection.NOT_CONNECTED

    def encode(self) -> bytes:
        parts = [encode_bytes_field(_PEER_ID, self.id)]
        parts += [encode_bytes_field(_PEER_ADDRESS, address) for address in self.addresses]
        if self.connection:
            parts.append(encode_int_field(_PEER_CONNECTION, self.connection))
        return b"".join(parts)

    @classmethod
    def decode(cls, raw: bytes) -> "DhtPeer":
        """Raises DecodeError."""
        peer_id = b""
        addresses: list[bytes] = []
        connection = DhtConnection.NOT_CONNECTED
        for part in read_fields(raw):
            match part.number:
                case 1:
                    peer_id = PeerId(part.as_bytes()).multihash
                case 2:
                    addresses.append(_bounded(part.as_bytes(), MULTIADDR_BYTES_MAX, "address"))
                case 3:
                    connection = _member(DhtConnection, part.as_int())
        if not peer_id:
            raise DecodeError("a peer without an id")
        return cls(peer_id, tuple(addresses[:KAD_ADDRESSES_PER_PEER_MAX]), connection)

    def dialable(self) -> tuple[NodeAddress, ...]:
        """Those of its addresses that a node of ours can dial, with its id."""
        return _dialable(self.id, self.addresses)


@dataclass(frozen=True, slots=True)
class DhtMessage:
    """A question, or an answer."""

    type: DhtType
    key: bytes = b""
    """What is looked for: of FIND_NODE the peer's id, else any name. Its SHA-256 is its place in the key space."""
    record: bytes = b""
    closer: tuple[DhtPeer, ...] = ()
    providers: tuple[DhtPeer, ...] = ()
    cluster_level: int = 0
    """Read and given back, as libp2p's peers do, and of no meaning."""

    def encode(self) -> bytes:
        """Without the length in front."""
        parts = [encode_int_field(_TYPE, self.type)]
        if self.key:
            parts.append(encode_bytes_field(_KEY, self.key))
        if self.record:
            parts.append(encode_bytes_field(_RECORD, self.record))
        parts += [encode_bytes_field(_CLOSER, peer.encode()) for peer in self.closer]
        parts += [encode_bytes_field(_PROVIDERS, peer.encode()) for peer in self.providers]
        if self.cluster_level:
            parts.append(encode_int_field(_CLUSTER_LEVEL, self.cluster_level))
        return b"".join(parts)

    @classmethod
    def decode(cls, raw: bytes) -> "DhtMessage":
        """Read a message without the length in front. Raises DecodeError that says what is wrong."""
        if len(raw) > KAD_MESSAGE_BYTES_MAX:
            raise DecodeError(f"a message of {len(raw)} bytes (at most {KAD_MESSAGE_BYTES_MAX})")
        # Absent is the first of its kind, in Protocol Buffers.
        kind, key, record, cluster_level = DhtType.PUT_VALUE, b"", b"", 0
        closer: list[DhtPeer] = []
        providers: list[DhtPeer] = []
        for part in read_fields(raw):
            match part.number:
                case 1:
                    kind = _member(DhtType, part.as_int())
                case 2:
                    key = _bounded(part.as_bytes(), KAD_KEY_BYTES_MAX, "key")
                case 3:
                    record = part.as_bytes()
                case 8 | 9:
                    peers = closer if part.number == _CLOSER else providers
                    if len(peers) == KAD_PEERS_PER_MESSAGE_MAX:
                        raise DecodeError(f"more than {KAD_PEERS_PER_MESSAGE_MAX} peers in one list")
                    peers.append(DhtPeer.decode(part.as_bytes()))
                case 10:
                    # An int32 of either sign, in whose place only the sender of the question has an interest.
                    cluster_level = part.as_int() & 0x7FFF_FFFF
        return cls(kind, key, record, tuple(closer), tuple(providers), cluster_level)


@lru_cache(KAD_CONTACTS_REMEMBERED_MAX)
def peer_at(address: NodeAddress) -> DhtPeer:
    """How others are told of the peer at an address, which carries its id. Raises ValueError for a host that is a
    name."""
    return DhtPeer(address.peer_id, (encode_multiaddr(ip_address(address.host).packed, address.port),))


@lru_cache(KAD_CONTACTS_REMEMBERED_MAX)
def _dialable(peer_id: bytes, addresses: tuple[bytes, ...]) -> tuple[NodeAddress, ...]:
    return tuple(dict.fromkeys(_read_addresses(peer_id, addresses)))


def _read_addresses(peer_id: bytes, addresses: tuple[bytes, ...]) -> Iterable[NodeAddress]:
    for raw in addresses:
        try:
            packed, port, named = decode_multiaddr(raw)
        except DecodeError:
            continue
        if port and named in (b"", peer_id):
            yield NodeAddress(str(ip_address(packed)), port, peer_id)


def _bounded(value: bytes, most: int, what: str) -> bytes:
    if len(value) > most:
        raise DecodeError(f"{what} of {len(value)} bytes (at most {most})")
    return value


def _member(kind: type[E], number: int) -> E:
    try:
        return kind(number)
    except ValueError as error:
        raise DecodeError(f"no {kind.__name__} has the number {number}") from error
