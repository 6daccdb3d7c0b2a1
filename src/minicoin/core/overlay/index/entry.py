"""One member as it signs itself into a view: a record of kind status whose value is the address it listens at."""

from dataclasses import dataclass
from typing import Final

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import INDEX_ADDRESS_BYTES_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.kinds import KINDS
from minicoin.core.records.record import SignedRecord, has_forged_signature, unsigned_record, with_signature
from minicoin.core.units import SECOND_US, Micros

KEY: Final = "address"
_KIND: Final = KINDS["status"]


@dataclass(frozen=True, slots=True)
class MemberEntry:
    """A record of a member, read."""

    record: SignedRecord
    address: NodeAddress

    @property
    def peer_id(self) -> bytes:
        """Whose it is."""
        return self.record.owner

    def is_expired(self, now: Micros) -> bool:
        """Nobody vouches for it any more."""
        return self.record.expires_s * SECOND_US <= now


def sign_entry(
    address: NodeAddress, identity: Identity, network_id: bytes, *, version: int, life_us: int
) -> MemberEntry:
    """Our own. Raises MisuseError for a key that no record is signed with, or an address that no member has."""
    value = str(NodeAddress(address.host, address.port)).encode("ascii")
    record = with_signature(unsigned_record(_KIND, KEY, value, version, life_us), identity, network_id)
    try:
        return read_entry(record)
    except DecodeError as error:
        raise MisuseError(str(error)) from error


def read_entry(record: SignedRecord) -> MemberEntry:
    """What a record says. Raises DecodeError; its signature is not looked at."""
    if record.kind != _KIND.name or record.key != KEY or len(record.value) > INDEX_ADDRESS_BYTES_MAX:
        raise DecodeError("no record of where a member listens")
    try:
        address = NodeAddress.parse(record.value.decode("ascii"), 0)
    except UnicodeDecodeError as error:
        raise DecodeError("a member's address is not ASCII") from error
    if address.ip is None or not address.port:
        raise DecodeError(f"a member's address has an IP and a port, not {str(address)[:80]!r}")
    return MemberEntry(record, NodeAddress(address.host, address.port, record.owner))


def is_genuine(entry: MemberEntry, network_id: bytes) -> bool:
    """Whether its member signed it for this network."""
    return not has_forged_signature(entry.record, network_id)
