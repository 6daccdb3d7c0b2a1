"""How many connections of each kind a node wants, and what is known about each. Values only."""

from dataclasses import dataclass
from typing import Final

from minicoin.core.connmgr.bans import BanPolicy
from minicoin.core.limits import (
    DIAL_TIMEOUT_US,
)
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.permissions import Permission, Whitelisting
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import MINUTE_US, SECOND_US, ConnId, Micros

ANYBODY: Final[frozenset[bytes]] = frozenset()
"""No list of peer ids; one object for all nodes of a process."""


@dataclass(frozen=True, slots=True)
class ConnectionPolicy:
    """What one node wants of its connections."""

    full_relay_slots: int
    block_only_slots: int
    overlay_slots: int
    inbound_slots: int
    bans: BanPolicy
    connect: tuple[NodeAddress, ...] | None = None
    """With --connect: these and no others; an empty tuple dials nobody."""
    add_nodes: tuple[NodeAddress, ...] = ()
    seed_nodes: tuple[NodeAddress, ...] = ()
    whitelist: tuple[Whitelisting, ...] = ()
    is_private_network: bool = False
    """Nodes may share one address, as in a lab or behind one gateway: groups and address bans do not apply there."""
    own_peer_id: bytes = b""
    allowed_peers: frozenset[bytes] = ANYBODY
    """Where not empty: these peer ids only, and whoever a person named; anybody else is refused."""
    dial_timeout_us: int = DIAL_TIMEOUT_US
    retry_us: int = 5 * SECOND_US
    retry_max_us: int = 10 * MINUTE_US
    known_retry_max_us: int = 10 * MINUTE_US
    """Of those whom the node cannot do without, and of those who answered once: what others merely name is retried more
    seldom, or whoever names a thousand addresses would have it knock at all of them all the time."""
    manual_retry_us: int = SECOND_US
    manual_retry_max_us: int = MINUTE_US


# Before Python 3.12, looking up a member of an enum is slow.
_INBOUND: Final = SlotKind.INBOUND


@dataclass(slots=True)
class Slot:
    """One connection or dial. `since` is when it was dialled, then when it opened."""

    conn: ConnId
    kind: SlotKind
    address: NodeAddress
    group: bytes
    since: Micros
    is_open: bool = False
    is_ready: bool = False
    is_closing: bool = False
    score: int = 0
    permissions: Permission = Permission.NONE

    listens_at: NodeAddress | None = None
    """Where an inbound peer says that it listens, on its own host: our automatic slots are for others."""

    @property
    def is_inbound(self) -> bool:
        return self.kind is _INBOUND

    @property
    def peer_id(self) -> bytes:
        return self.address.peer_id if self.is_open else b""


@dataclass(frozen=True, slots=True)
class SlotView:
    """A slot at one moment."""

    conn: ConnId
    kind: SlotKind
    address: NodeAddress
    since: Micros
    is_open: bool
    is_ready: bool
    score: int
