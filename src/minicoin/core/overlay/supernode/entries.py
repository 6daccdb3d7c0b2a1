"""What super nodes and leaves sign: values of records of the kind `super`, told apart by the record's key.

A super node signs its status: where it is reached, how many leaves it has and places for, what it stands on. A leaf
signs where it sits, in the order in which it came there. Both are little-endian structures; an address is a binary
multiaddr without the peer id, which is the signer's, and empty where its signer knows none or takes no connections.
"""

from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.encoding.multiaddr import decode_multiaddr, encode_multiaddr
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import SIGNED_RECORD_AHEAD_MAX_US, SUPER_ENTRIES_READ_REMEMBERED_MAX, SUPER_PARENTS_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.kinds import KINDS
from minicoin.core.records.record import (
    INLINE_PEER_ID_BYTES_MAX,
    SignedRecord,
    holds_key,
    unsigned_record,
    with_signature,
)
from minicoin.core.units import MINUTE_US, Micros
from minicoin.core.wire.codec_addresses import pack_ip, unpack_ip
from minicoin.core.wire.reader import Reader

KIND: Final = KINDS["super"]
STATUS_KEY: Final = "status"
LEAF_KEY: Final = "leaf"

LIFE_US: Final = 60 * MINUTE_US
"""Of both: signed anew at half of it, so that what is not renewed is gone within the hour."""

_STATUS: Final = Struct("<HHHHI")
_TIP_BYTES: Final = 32
_ADDRESS_BYTES_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class SuperStatus:
    """A super node as it says it is."""

    address: NodeAddress | None
    """With its peer id; None where it does not know how it is reached."""
    leaves: int
    places: int
    links: int
    """Other super nodes it is connected to."""
    delay_ms: int
    """How long those take to answer it, in the median."""
    height: int
    tip: bytes

    @property
    def free(self) -> int:
        return max(0, self.places - self.leaves)

    @property
    def load_permille(self) -> int:
        """How full it is."""
        return 1_000 * self.leaves // max(1, self.places)

    def encode(self) -> bytes:
        numbers = (self.leaves, self.places, self.links, self.delay_ms)
        packed = _STATUS.pack(*(min(number, 0xFFFF) for number in numbers), self.height)
        return packed + self.tip + _write(self.address)


@dataclass(frozen=True, slots=True)
class Attachment:
    """Where a leaf sits."""

    address: NodeAddress | None
    supers: tuple[bytes, ...]
    """Their peer ids."""

    def encode(self) -> bytes:
        parts = [_write(self.address), encode_compact(len(self.supers))]
        for peer_id in self.supers:
            parts += (encode_compact(len(peer_id)), peer_id)
        return b"".join(parts)


def status_of(record: SignedRecord) -> SuperStatus:
    """What a record with STATUS_KEY says. Raises DecodeError."""
    return _read_status(record.value, record.owner)


def attachment_of(record: SignedRecord) -> Attachment:
    """What a record with LEAF_KEY says. Raises DecodeError."""
    return _read_attachment(record.value, record.owner)


# For all nodes of a process: in a laboratory each status comes to each of them.
@lru_cache(SUPER_ENTRIES_READ_REMEMBERED_MAX)
def _read_status(value: bytes, signer: bytes) -> SuperStatus:
    reader = Reader(value, "status of a super node")
    leaves, places, links, delay_ms, height = reader.unpack(_STATUS)
    tip = reader.take(_TIP_BYTES)
    address = _read_address(reader.var_bytes(_ADDRESS_BYTES_MAX), signer)
    reader.end()
    return SuperStatus(address, leaves, places, links, delay_ms, height, tip)


@lru_cache(SUPER_ENTRIES_READ_REMEMBERED_MAX)
def _read_attachment(value: bytes, signer: bytes) -> Attachment:
    reader = Reader(value, "attachment of a leaf")
    address = _read_address(reader.var_bytes(_ADDRESS_BYTES_MAX), signer)
    count = reader.count(3, SUPER_PARENTS_MAX)
    supers = tuple(reader.var_bytes(INLINE_PEER_ID_BYTES_MAX) for _ in range(count))
    reader.end()
    if len(dict.fromkeys(supers)) < len(supers) or not all(map(holds_key, supers)):
        raise DecodeError("attachment to something that is no super node, or twice to one")
    return Attachment(address, supers)


def _write(address: NodeAddress | None) -> bytes:
    if address is None or address.ip is None:
        return b"\0"
    raw = encode_multiaddr(pack_ip(address.host), address.port)
    return encode_compact(len(raw)) + raw


def _read_address(raw: bytes, signer: bytes) -> NodeAddress | None:
    if not raw:
        return None
    ip, port, peer_id = decode_multiaddr(raw)
    if peer_id or not port:
        raise DecodeError("a super node or leaf at an address without a port, or with a second peer id")
    return NodeAddress(unpack_ip(ip), port, signer)


def is_live(record: SignedRecord, now: Micros) -> bool:
    """Neither expired nor from a future that no clock may be in."""
    expires_us = record.expires_us
    return record.version <= now + SIGNED_RECORD_AHEAD_MAX_US and (expires_us is None or now < expires_us)


class Signer:
    """Signs as this node, on this network. A version is the time, and above all before."""

    def __init__(self, identity: Identity, network_id: bytes) -> None:
        self._identity = identity
        self._network_id = network_id
        self._version = 0

    def sign(self, key: str, value: bytes, now: Micros) -> SignedRecord:
        self._version = max(now, self._version + 1)
        record = unsigned_record(KIND, key, value, self._version, LIFE_US)
        return with_signature(record, self._identity, self._network_id)
