"""The addresses that the network model wants connections to, and which of them may be dialled now.

What the model wants is a wish: the operator's word is above it. With --connect, or without outbound slots, nobody is
dialled for it; it has slots of its own (OVERLAY_SLOTS_MAX), so that it takes none of the address book's, and at most
OVERLAY_ADDRESSES_MAX addresses are kept. An inbound peer that says it listens at an address is a connection to it.
"""

from collections.abc import Callable, Iterator

from minicoin.core.connmgr.slots import ConnectionPolicy
from minicoin.core.connmgr.table import SlotTable
from minicoin.core.limits import DIALS_IN_FLIGHT_MAX, OVERLAY_ADDRESSES_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind


class OverlaySlots:
    """The wanted addresses of one node, in the order the model named them."""

    __slots__ = ("_may_lead_to_admitted", "_named", "_policy", "_slots", "_wanted")

    def __init__(
        self, policy: ConnectionPolicy, slots: SlotTable, may_lead_to_admitted: Callable[[NodeAddress], bool]
    ) -> None:
        self._policy = policy
        self._may_lead_to_admitted = may_lead_to_admitted
        self._slots = slots
        self._named: tuple[NodeAddress, ...] = ()
        self._wanted: dict[NodeAddress, None] = {}

    def __bool__(self) -> bool:
        return bool(self._wanted)

    def set(self, addresses: tuple[NodeAddress, ...]) -> bool:
        """Take the place of what was wanted before; whether that was something else."""
        if addresses == self._named:
            return False
        self._named = addresses
        policy = self._policy
        wanted: dict[NodeAddress, None] = {}
        if policy.connect is None and policy.overlay_slots:
            welcome = [address for address in addresses if self._is_welcome(address)]
            wanted = dict.fromkeys(welcome[:OVERLAY_ADDRESSES_MAX])
        is_new = wanted != self._wanted
        self._wanted = wanted
        return is_new

    def missing(self) -> Iterator[NodeAddress]:
        """Those that no connection or dial leads to; nobody where all slots or all dials are taken."""
        if not self._wanted or self._slots.dialling_count >= DIALS_IN_FLIGHT_MAX:
            return
        if self._slots.count(SlotKind.OVERLAY) >= self._policy.overlay_slots:
            return
        is_met = self._slots.met()
        yield from (address for address in self._wanted if not is_met(address) and self._may_lead_to_admitted(address))

    def choose(self, may_dial: Callable[[NodeAddress], bool]) -> NodeAddress | None:
        """The next one to dial."""
        return next((address for address in self.missing() if may_dial(address)), None)

    def _is_welcome(self, address: NodeAddress) -> bool:
        # An address that names nobody may turn out to be an allowed peer's.
        allowed = self._policy.allowed_peers
        return not allowed or not address.peer_id or address.peer_id in allowed
