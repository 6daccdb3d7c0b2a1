"""What outside may read of connections, bans and known addresses, as frozen values. Changes nothing, sends nothing."""

from dataclasses import dataclass

from minicoin.core.addrmgr.book import BookPlace as BookPlace  # the RPC reads it as it is
from minicoin.core.connmgr.bans import Ban
from minicoin.core.discovery.gossip import GossipPeerView
from minicoin.core.limits import QUERY_PAGE_ADDRESSES_MAX
from minicoin.core.overlay.contract import OverlayState
from minicoin.core.peer.greeting import PROTOCOL_VERSION
from minicoin.core.peer.session import SessionSnapshot
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.relay.transactions import RelayPeerView
from minicoin.core.units import ConnId, Micros
from minicoin.core.view import NodeView


@dataclass(frozen=True, slots=True)
class PeerReport:
    """One session with its slot and what synchronisation knows of the peer (-1: nothing yet)."""

    session: SessionSnapshot
    kind: str
    score: int
    presynced_headers: int
    """How far a chain of it was heard that has not shown its work yet; -1 where none is."""
    synced_headers: int
    synced_blocks: int
    in_flight: tuple[int, ...]
    relay: RelayPeerView | None
    gossip: GossipPeerView | None
    """None: no addresses are exchanged on this connection."""


@dataclass(frozen=True, slots=True)
class OverlayReport:
    """The network's model as this node lives it."""

    model: str
    state: OverlayState
    has_letters: bool
    """This node writes letters to other nodes, and passes them on."""


@dataclass(frozen=True, slots=True)
class LetterReport:
    """A letter that came for this node."""

    sender: bytes
    """Its peer id."""
    letter_id: bytes
    text: str
    written_s: int
    """By the sender's clock."""
    received_at: Micros


@dataclass(frozen=True, slots=True)
class AddedNode:
    """An address somebody asked to keep connected, and the connection to it."""

    address: NodeAddress
    is_connected: bool
    is_inbound: bool = False


class NetworkQueries:
    """Reads of one moment."""

    def __init__(self, view: NodeView, now: Micros) -> None:
        self._view = view
        self._now = now

    @property
    def policy(self) -> NodePolicy:
        """What the operator chose."""
        return self._view.policy

    @property
    def protocol_version(self) -> int:
        """The newest version of the protocol this node speaks."""
        return PROTOCOL_VERSION

    def is_active(self) -> bool:
        """Whether network activity is switched on."""
        return self._view.connections.is_active

    def counts(self) -> tuple[int, int]:
        """(inbound, outbound) connections."""
        sessions = self._view.sessions
        inbound = sum(session.inbound for session in sessions.values())
        return inbound, len(sessions) - inbound

    def peers(self) -> tuple[PeerReport, ...]:
        """Every connection, oldest first."""
        slots = {slot.conn: slot for slot in self._view.connections.snapshot()}
        return tuple(
            self._peer(session, str(slot.kind) if slot else "", slot.score if slot else 0)
            for session in self._view.sessions.values()
            for slot in (slots.get(session.conn),)
        )

    def find_connection(self, address: NodeAddress) -> ConnId | None:
        """The connection to an address."""
        for session in self._view.sessions.values():
            if (session.remote.host, session.remote.port) == (address.host, address.port):
                return session.conn
        return None

    def added_nodes(self) -> tuple[AddedNode, ...]:
        """Addresses kept by hand."""
        found: list[AddedNode] = []
        for address in self._view.connections.added_nodes():
            conn = self.find_connection(address)
            session = None if conn is None else self._view.sessions.get(conn)
            found.append(AddedNode(address, session is not None, session.inbound if session else False))
        return tuple(found)

    def bans(self) -> tuple[Ban, ...]:
        """The bans in force, in order of entry."""
        return tuple(ban for ban in self._view.connections.bans.listing() if ban.until > self._now)

    def known_addresses(self, count: int, skip: int = 0) -> tuple[TimedAddress, ...]:
        """A page of the book's addresses, in the order they came to be known."""
        return self._view.book.page(min(count, QUERY_PAGE_ADDRESSES_MAX), skip)

    def places(self, skip: int = 0) -> tuple[BookPlace, ...]:
        """A page of them with where each stands in the book's tables."""
        return self._view.book.places(QUERY_PAGE_ADDRESSES_MAX, skip)

    def overlay(self) -> OverlayReport:
        """The network model: role, neighbours, figures."""
        view = self._view
        return OverlayReport(view.network.overlay, view.overlay(self._now), view.has_letters)

    def letters(self) -> tuple[LetterReport, ...]:
        """What came for this node, oldest first."""
        return tuple(
            LetterReport(one.letter.sender, one.letter.letter_id, one.letter.text, one.letter.written_s, one.at)
            for one in self._view.letters()
        )

    def _peer(self, session: SessionSnapshot, kind: str, score: int) -> PeerReport:
        known = self._view.sync.view(session.conn)
        return PeerReport(
            session=session,
            kind=kind,
            score=score,
            presynced_headers=-1 if known is None else known.presynced_height,
            synced_headers=-1 if known is None else known.best_known_height,
            synced_blocks=-1 if known is None else known.last_common_height,
            in_flight=() if known is None else known.in_flight,
            relay=self._view.relay.view(session.conn),
            gossip=self._view.gossip.view(session.conn),
        )
