"""What outside may read of connections, bans and known addresses, as frozen values. Changes nothing, sends nothing."""

from dataclasses import dataclass

from minicoin.core.addrmgr.book import BookPlace as BookPlace  # the RPC reads it as it is
from minicoin.core.connmgr.bans import Ban
from minicoin.core.discovery.gossip import GossipPeerView
from minicoin.core.limits import QUERY_PAGE_ADDRESSES_MAX
from minicoin.core.node.policy import NodePolicy
from minicoin.core.node.view import NodeView
from minicoin.core.peer.session import PROTOCOL_VERSION, SessionSnapshot
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.primitives.permissions import Permission
from minicoin.core.relay.transactions import RelayPeerView
from minicoin.core.units import ConnId, Micros


@dataclass(frozen=True, slots=True)
class PeerReport:
    """One session with its slot and what synchronisation knows of the peer (-1: nothing yet)."""

    session: SessionSnapshot
    kind: str
    score: int
    presynced_headers: int
    """How far a chain of it was heard that has not shown its work yet; -1 where none is."""
    permissions: Permission
    synced_headers: int
    synced_blocks: int
    in_flight: tuple[int, ...]
    relay: RelayPeerView | None
    gossip: GossipPeerView | None
    """None: no addresses are exchanged on this connection."""


@dataclass(frozen=True, slots=True)
class AddedNode:
    """An address somebody asked to keep connected, and the connection to it."""

    address: NodeAddress
    is_connected: bool
    is_inbound: bool = False


class NetworkQueries:
    """Reads of one moment."""

    def __init__(self, view: NodeView, now: Micros) -> None:
        self._node = view
        self._now = now

    @property
    def policy(self) -> NodePolicy:
        """What the operator chose."""
        return self._node.policy

    @property
    def protocol_version(self) -> int:
        """The newest version of the protocol this node speaks."""
        return PROTOCOL_VERSION

    def is_active(self) -> bool:
        """Whether network activity is switched on."""
        return self._node.connections.is_active

    def counts(self) -> tuple[int, int]:
        """(inbound, outbound) connections."""
        inbound = sum(session.inbound for session in self._node.sessions.values())
        return inbound, len(self._node.sessions) - inbound

    def peers(self) -> tuple[PeerReport, ...]:
        """Every connection, oldest first."""
        slots = {slot.conn: slot for slot in self._node.connections.snapshot()}
        return tuple(
            self._peer(
                session.snapshot(), str(slot.kind) if slot else "", slot.score if slot else 0, session.permissions
            )
            for session in self._node.sessions.values()
            for slot in (slots.get(session.conn),)
        )

    def find_connection(self, address: NodeAddress) -> ConnId | None:
        """The connection to an address."""
        for session in self._node.sessions.values():
            if (session.remote.host, session.remote.port) == (address.host, address.port):
                return session.conn
        return None

    def added_nodes(self) -> tuple[AddedNode, ...]:
        """Addresses kept by hand."""
        found: list[AddedNode] = []
        for address in self._node.connections.added_nodes():
            conn = self.find_connection(address)
            session = None if conn is None else self._node.sessions.get(conn)
            found.append(AddedNode(address, session is not None, session.inbound if session else False))
        return tuple(found)

    def bans(self) -> tuple[Ban, ...]:
        """The bans in force, in order of entry."""
        return tuple(ban for ban in self._node.connections.bans.listing() if ban.until > self._now)

    def known_addresses(self, count: int, skip: int = 0) -> tuple[TimedAddress, ...]:
        """A page of the book's addresses, in the order they came to be known."""
        return self._node.book.page(min(count, QUERY_PAGE_ADDRESSES_MAX), skip)

    def places(self, skip: int = 0) -> tuple[BookPlace, ...]:
        """A page of them with where each stands in the book's tables."""
        return self._node.book.places(QUERY_PAGE_ADDRESSES_MAX, skip)

    def _peer(self, session: SessionSnapshot, kind: str, score: int, permissions: Permission) -> PeerReport:
        known = self._node.sync.peer(session.conn)
        best = None if known is None else known.best_known
        common = None if known is None else known.last_common
        nodes = [self._node.tree.get(block) for block in (known.in_flight if known is not None else ())]
        return PeerReport(
            session=session,
            kind=kind,
            score=score,
            presynced_headers=-1 if known is None else known.presynced_height,
            permissions=permissions,
            synced_headers=-1 if best is None else best.height,
            synced_blocks=-1 if common is None else common.height,
            in_flight=tuple(sorted(node.height for node in nodes if node is not None)),
            relay=self._node.relay.view(session.conn),
            gossip=self._node.gossip.view(session.conn),
        )
