"""What the book knows of one address, when it is hopeless, and how likely it is to be picked. Times in Unix seconds.

1. An address that was dialled within a minute is never hopeless: its dial has not had its time.
2. Hopeless is what was heard of last 30 days ago or more, or ten minutes in front of our clock; what never answered in
   three tries; and what failed ten times since it last answered, more than a week ago. Such a one is told to nobody,
   and gives its slot of the new table to any other.
3. Who was tried within ten minutes is picked a hundred times less readily, and each failure takes a third of what is
   left, up to eight. That is rare and never impossible, for it may have been our own line that was down.

Rules and numbers are Bitcoin Core's (addrman).
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from minicoin.core.addrmgr.groups import IP
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.address import NodeAddress, TimedAddress

# The rules and numbers of Bitcoin Core's address manager.
HORIZON_S: Final = 30 * 24 * 3600
FUTURE_S: Final = 10 * 60
JUST_TRIED_S: Final = 60
RETRY_SOON_S: Final = 10 * 60
RETRIES_NEVER_GOOD: Final = 3
FAILURES_MAX: Final = 10
FAILURES_WITHIN_S: Final = 7 * 24 * 3600
# No node told anybody of another before 1973.
_TIME_MIN: Final = 100_000_000
_TIME_DOUBTED_S: Final = 5 * 24 * 3600
_RETRY_SOON_CHANCE: Final = 0.01
_FAILURE_CHANCE: Final = 0.66
_FAILURES_COUNTED: Final = 8


@dataclass(slots=True, eq=False)
class KnownAddress:
    """One address. It stands in up to eight slots of the new table, or in one of the tried table."""

    address: NodeAddress
    group: bytes
    source_group: bytes
    services: int
    time: int
    last_success: int = 0
    last_attempt: int = 0
    last_counted_attempt: int = 0
    attempts: int = 0
    new_slots: tuple[int, ...] = ()
    tried_slot: int | None = None
    order: int = 0
    """Its place in the list that sampling draws from."""

    @property
    def packed(self) -> bytes:
        """What stands for it in hashes and on disk. Not kept: it is needed when the entry moves, and as big as it."""
        ip = self.address.ip
        assert ip is not None
        return pack_address(self.address, ip)

    @property
    def is_tried(self) -> bool:
        return self.tried_slot is not None

    @property
    def timed(self) -> TimedAddress:
        return TimedAddress(self.address, self.services, self.time)

    def is_terrible(self, now_s: int) -> bool:
        """Whether it is not worth keeping or telling anyone."""
        if now_s - self.last_attempt < JUST_TRIED_S:
            return False
        if self.time > now_s + FUTURE_S or now_s - self.time > HORIZON_S:
            return True
        if not self.last_success:
            return self.attempts >= RETRIES_NEVER_GOOD
        return now_s - self.last_success > FAILURES_WITHIN_S and self.attempts >= FAILURES_MAX

    def chance(self, now_s: int) -> float:
        """The relative chance of being selected: less just after an attempt, and less with every failure."""
        recent = _RETRY_SOON_CHANCE if now_s - self.last_attempt < RETRY_SOON_S else 1.0
        return recent * float(_FAILURE_CHANCE ** min(self.attempts, _FAILURES_COUNTED))


def believed_time(time: int, now_s: int) -> int:
    """When an address was heard of, where somebody says that it was at `time`: what lies before 1973, or further ahead
    than clocks differ, is no memory of a meeting, and is taken for five days ago."""
    return time if _TIME_MIN < time <= now_s + FUTURE_S else max(now_s - _TIME_DOUBTED_S, 0)


def pack_address(address: NodeAddress, ip: IP) -> bytes:
    """The bytes that stand for an address in hashes and on disk."""
    packed, peer_id = ip.packed, address.peer_id
    return b"%c%b%b%c%b" % (len(packed), packed, address.port.to_bytes(2, "big"), len(peer_id), peer_id)


def read_packed_address(buffer: bytes, at: int) -> tuple[NodeAddress, int]:
    """(address, position behind it). Raises DecodeError, or IndexError where `buffer` ends."""
    ip_end = at + 1 + buffer[at]
    peer_id = ip_end + 3
    end = peer_id + buffer[ip_end + 2]
    if buffer[at] not in (4, 16) or end > len(buffer):
        raise DecodeError("address book holds something that is not an IP address")
    port = int.from_bytes(buffer[ip_end : ip_end + 2], "big")
    host = str(ip_address(buffer[at + 1 : ip_end]))
    return NodeAddress(host, port, buffer[peer_id:end]), end
