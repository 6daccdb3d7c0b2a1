"""The slots in use, and the questions about them. Decides nothing."""

from collections.abc import Callable, Iterator

from minicoin.core.connmgr.backoff import Endpoint
from minicoin.core.connmgr.half_open import HalfOpen
from minicoin.core.connmgr.slots import Slot, SlotView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import AUTOMATIC, SlotKind
from minicoin.core.units import ConnId


def endpoint_of(address: NodeAddress) -> Endpoint:
    """What a dial needs of an address."""
    return (address.host, address.port)


def source_of(address: NodeAddress) -> bytes:
    """Who counts as one inbound: an IPv4 address, or the /64 that one IPv6 subscriber has."""
    found = address.ip
    if found is None:
        return address.host.encode(errors="replace")
    return found.packed if found.version == 4 else found.packed[:8]


class SlotTable:
    """Connections and dials by id, in order of their start."""

    __slots__ = ("_counts", "_slots")

    def __init__(self) -> None:
        self._slots: dict[ConnId, Slot] = {}
        self._counts: dict[SlotKind, int] = {}

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots.values())

    def __getitem__(self, conn: ConnId) -> Slot:
        return self._slots[conn]

    def get(self, conn: ConnId) -> Slot | None:
        return self._slots.get(conn)

    def put(self, slot: Slot) -> None:
        self._slots[slot.conn] = slot
        self._counts[slot.kind] = self.count(slot.kind) + 1

    def pop(self, conn: ConnId) -> Slot | None:
        slot = self._slots.pop(conn, None)
        if slot is not None:
            self._counts[slot.kind] -= 1
        return slot

    def is_connected(self, address: NodeAddress) -> bool:
        """Whether a connection or dial to this endpoint or peer id exists."""
        host, port, peer_id = address.host, address.port, address.peer_id
        for slot in self._slots.values():
            at = slot.address
            if at.port == port and at.host == host and not slot.is_inbound:
                return True
            if peer_id and slot.peer_id == peer_id:
                return True
        return False

    def connected(self) -> Callable[[NodeAddress], bool]:
        """is_connected() for many addresses, while nothing changes."""
        endpoints = {endpoint_of(slot.address) for slot in self._slots.values() if not slot.is_inbound}
        peer_ids = {slot.address.peer_id for slot in self._slots.values() if slot.is_open}

        def is_connected(address: NodeAddress) -> bool:
            return endpoint_of(address) in endpoints or (address.peer_id != b"" and address.peer_id in peer_ids)

        return is_connected

    def met(self) -> Callable[[NodeAddress], bool]:
        """The same, or has_inbound_from(): whether a connection to it would be a second one."""
        endpoints: set[Endpoint] = set()
        peer_ids: set[bytes] = set()
        for slot in self._slots.values():
            at = slot.listens_at if slot.is_inbound else slot.address
            if at is not None:
                endpoints.add((at.host, at.port))
            if slot.is_open:
                peer_ids.add(slot.address.peer_id)
        peer_ids.discard(b"")
        return lambda address: address.peer_id in peer_ids or (address.host, address.port) in endpoints

    def has_inbound_from(self, address: NodeAddress) -> bool:
        """Whether an inbound peer says that it listens there."""
        endpoint = endpoint_of(address)
        listening = (slot.listens_at for slot in self._slots.values())
        return any(found is not None and endpoint_of(found) == endpoint for found in listening)

    def same_peer(self, fresh: Slot) -> Slot | None:
        """Another open connection to the same proven peer id."""
        if not fresh.peer_id:
            return None
        others = (slot for slot in self._slots.values() if slot is not fresh and slot.peer_id == fresh.peer_id)
        return next(others, None)

    def count(self, kind: SlotKind) -> int:
        return self._counts.get(kind, 0)

    def _inbound(self) -> list[Slot]:
        """Those that stay: who is on his way out holds no place any more."""
        return [slot for slot in self._slots.values() if slot.is_inbound and not slot.is_closing]

    def count_inbound(self) -> int:
        """Inbound connections."""
        return len(self._inbound())

    def count_inbound_from(self, source: bytes) -> int:
        """Inbound connections of one source."""
        return sum(source_of(slot.address) == source for slot in self._inbound())

    def count_inbound_in(self, group: bytes) -> int:
        """Inbound connections of one network group."""
        return sum(slot.group == group for slot in self._inbound())

    def half_open(self, *, uses_groups: bool) -> list[HalfOpen]:
        """Inbound connections without verack, the oldest first."""
        return [
            HalfOpen(slot.conn, source_of(slot.address), slot.group if uses_groups else b"")
            for slot in self._inbound()
            if not slot.is_ready
        ]

    def count_ready(self, kinds: tuple[SlotKind, ...]) -> int:
        return sum(slot.is_ready and slot.kind in kinds for slot in self._slots.values())

    @property
    def dialling_count(self) -> int:
        return sum(not slot.is_open for slot in self._slots.values())

    def automatic_groups(self) -> frozenset[bytes]:
        """The network groups that automatic connections cover."""
        return frozenset(slot.group for slot in self._slots.values() if slot.kind in AUTOMATIC)

    def views(self) -> tuple[SlotView, ...]:
        return tuple(
            SlotView(slot.conn, slot.kind, slot.address, slot.since, slot.is_open, slot.is_ready, slot.score)
            for slot in self._slots.values()
        )
