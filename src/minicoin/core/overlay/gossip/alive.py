"""What a node says of itself: where it listens, and that it was alive when it said so. Versioned, and signed.

The version is (incarnation, sequence): when the node was started, in Unix seconds, and how often it has spoken since. A
newer one takes the place of an older one; an equal one is old. Only who holds the key of a peer id speaks for it, on
this network and no other.
"""

from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.encoding.multiaddr import decode_multiaddr, encode_multiaddr
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.keys import PUBLIC_KEY_BYTES_MAX, PublicKey
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import GOSSIP_SIGNATURE_BYTES_MAX, GOSSIP_VERDICTS_REMEMBERED_MAX, MULTIADDR_BYTES_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.wire.codec_addresses import pack_ip, unpack_ip
from minicoin.core.wire.reader import Reader

_VERSION: Final = Struct("<QI")
_DOMAIN: Final = b"minicoin gossip: alive\n"

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Alive:
    """One statement. Made by `say_alive` or read by `read_alive`."""

    address: NodeAddress
    """With its peer id."""
    version: Version
    statement: bytes
    """Address and version as they travel, and as they are signed."""
    public_key: bytes
    """Empty where the peer id holds it."""
    signature: bytes

    @property
    def peer_id(self) -> bytes:
        """Who speaks."""
        return self.address.peer_id

    def encode(self) -> bytes:
        """What read_alive reads."""
        fields = (self.public_key, self.signature)
        return self.statement + b"".join([encode_compact(len(one)) + one for one in fields])


def read_alive(reader: Reader) -> Alive:
    """Raises DecodeError. Whether it is genuine, is_genuine says."""
    start = reader.at
    ip, port, peer_id = decode_multiaddr(reader.var_bytes(MULTIADDR_BYTES_MAX))
    if not peer_id:
        raise DecodeError("somebody without a peer id says that it is alive")
    incarnation, sequence = reader.unpack(_VERSION)
    statement = reader.payload[start : reader.at]
    public_key = reader.var_bytes(PUBLIC_KEY_BYTES_MAX)
    signature = reader.var_bytes(GOSSIP_SIGNATURE_BYTES_MAX)
    return Alive(NodeAddress(unpack_ip(ip), port, peer_id), (incarnation, sequence), statement, public_key, signature)


def say_alive(address: NodeAddress, version: Version, network_id: bytes, identity: Identity) -> Alive:
    """What a node says of itself. `address` is an IP address, with the peer id of `identity`."""
    multiaddr = encode_multiaddr(pack_ip(address.host), address.port, address.peer_id)
    statement = encode_compact(len(multiaddr)) + multiaddr + _VERSION.pack(*version)
    holds_key = identity.peer_id.public_key() is not None
    signature = identity.sign(_text(network_id, statement))
    return Alive(address, version, statement, b"" if holds_key else identity.public_key, signature)


def is_genuine(alive: Alive, network_id: bytes) -> bool:
    """Whether the one whose peer id it names said this, on this network."""
    return _verifies(alive.peer_id, alive.public_key, alive.signature, _text(network_id, alive.statement))


def _text(network_id: bytes, statement: bytes) -> bytes:
    return _DOMAIN + network_id + statement


# Each statement reaches a node several times, and in a laboratory all nodes of one process.
@lru_cache(GOSSIP_VERDICTS_REMEMBERED_MAX)
def _verifies(peer_id: bytes, public_key: bytes, signature: bytes, text: bytes) -> bool:
    try:
        peer = PeerId(peer_id)
        key = peer.public_key()
        if key is None:
            if PeerId.of_key(public_key) != peer:
                return False
            key = PublicKey.decode(public_key)
        elif public_key:
            # One form of each statement.
            return False
    except DecodeError:
        return False
    return key.verifies(signature, text)
