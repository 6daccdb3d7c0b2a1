"""Members for the tests of the index model: identities, records signed by them, peers that have proven them."""

from minicoin.core.libp2p.identity import Identity
from minicoin.core.overlay.index.entry import sign_entry
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import SECOND_US, Micros

NETWORK_ID = bytes(range(32))
T0 = Micros(1_800_000_000 * SECOND_US)
LIFE_US = 3_600 * SECOND_US


def identity(number):
    return Identity.from_number(number)


def peer_id(number):
    return identity(number).peer_id.multihash


def address(number):
    return NodeAddress(f"10.0.{number >> 8}.{number & 255}", 8333, peer_id(number))


def entry(number, version=T0, *, at=None, network_id=NETWORK_ID, life_us=LIFE_US):
    where = address(number if at is None else at)
    return sign_entry(where, identity(number), network_id, version=version, life_us=life_us)


def peer(number, conn=None, *, kind=SlotKind.INBOUND):
    return PeerView(conn or number, address(number), is_inbound=kind is SlotKind.INBOUND, kind=kind)


def forged(number):
    """A record in a member's name that it did not sign."""
    genuine, other = entry(number), entry(number, T0 + 1)
    record = genuine.record
    stolen = type(record)(
        record.kind, record.key, record.version, record.expires_s, record.value, other.record.signatures
    )
    return type(genuine)(stolen, genuine.address)
