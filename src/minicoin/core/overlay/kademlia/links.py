"""The connected peers that speak the model's messages, and what each of them is in the key space.

Who a peer is its transport has proven. That it is a server it says itself, with the port it listens at; the host is the
one we see it at, so that nobody has others dial a third party. A peer that only the address book or the operator led to
and that speaks another model stands in here no more than one without an id.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from minicoin.core.limits import KAD_HEIGHTS_PER_PEER_MAX, KAD_IDLE_MAX, KAD_LINGER_US
from minicoin.core.overlay.kademlia.keyspace import Contact, bucket_of, key_of
from minicoin.core.part import PeerView
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import ConnId, Micros

# Asked of all connections again and again; before Python 3.12, looking up a member of an enum is slow.
_OVERLAY: Final = SlotKind.OVERLAY


@dataclass(slots=True)
class KadLink:
    """One of them."""

    peer: PeerView
    key: int
    bucket: int
    is_ours: bool
    """Made for the model: it may be let go."""
    contact: Contact | None = None
    """Where it can be asked; None until it said so, and of a node that takes no connections."""
    is_server: bool = False
    is_client: bool = False
    """It said so; neither is known of who has said nothing yet."""
    _heights: dict[bytes, int] | None = None
    """Of items that the peer is about to bring or to announce."""

    @property
    def conn(self) -> ConnId:
        return self.peer.conn

    @property
    def peer_id(self) -> bytes:
        return self.peer.address.peer_id

    def note_height(self, item: bytes, height: int) -> None:
        """The peer says how far we are answerable for an item."""
        heights = self._heights
        if heights is None:
            heights = self._heights = {}
        heights.pop(item, None)
        heights[item] = height
        if len(heights) > KAD_HEIGHTS_PER_PEER_MAX:
            del heights[next(iter(heights))]

    def height_of(self, item: bytes) -> int | None:
        """What it said of this item."""
        return None if self._heights is None else self._heights.get(item)


class KadLinks:
    """By connection, in order of their offers, and by peer id."""

    __slots__ = ("_by_conn", "_by_peer", "_idle", "_own_key")

    def __init__(self, own_key: int) -> None:
        self._own_key = own_key
        self._by_conn: dict[ConnId, KadLink] = {}
        self._by_peer: dict[bytes, KadLink] = {}
        self._idle: dict[ConnId, Micros] = {}
        """Since when nothing wants a connection, of those made for the model; in the order of that time."""

    def __iter__(self) -> Iterator[KadLink]:
        return iter(self._by_conn.values())

    def __len__(self) -> int:
        return len(self._by_conn)

    def add(self, peer: PeerView) -> KadLink:
        """A peer offered the messages."""
        key = key_of(peer.address.peer_id)
        link = KadLink(peer, key, bucket_of(self._own_key, key), peer.kind is _OVERLAY)
        self._by_conn[peer.conn] = link
        self._by_peer[link.peer_id] = link
        return link

    def pop(self, conn: ConnId) -> KadLink | None:
        link = self._by_conn.pop(conn, None)
        self._idle.pop(conn, None)
        if link is not None and self._by_peer.get(link.peer_id) is link:
            del self._by_peer[link.peer_id]
            # Two that dialled each other have two connections for a moment.
            self._by_peer |= {other.peer_id: other for other in self if other.peer_id == link.peer_id}
        return link

    def get(self, conn: ConnId | None) -> KadLink | None:
        return None if conn is None else self._by_conn.get(conn)

    def to(self, peer_id: bytes) -> KadLink | None:
        """The connection with that peer."""
        return self._by_peer.get(peer_id)

    def servers(self) -> list[KadLink]:
        return [link for link in self._by_conn.values() if link.is_server]

    def clients(self) -> list[KadLink]:
        return [link for link in self._by_conn.values() if link.is_client]

    def let_go(self, wanted: set[bytes], now: Micros) -> tuple[ConnId, ...]:
        """Connections of the model's making that nobody of these ids is at the end of, since a while or beside several
        younger ones: the next question is often for somebody who was asked a moment ago."""
        idle = self._idle
        for conn, link in self._by_conn.items():
            if not link.is_ours:
                continue
            if link.peer_id in wanted:
                idle.pop(conn, None)
            else:
                idle.setdefault(conn, now)
        too_many = list(idle)[: max(0, len(idle) - KAD_IDLE_MAX)]
        return tuple(dict.fromkeys((*too_many, *takewhile(lambda conn: idle[conn] + KAD_LINGER_US <= now, idle))))

    def note_use(self, conn: ConnId, now: Micros) -> None:
        """Who is at the other end wants it."""
        if self._idle.pop(conn, None) is not None:
            self._idle[conn] = now

    def next_deadline(self) -> Micros | None:
        """When the next connection has been idle for long enough."""
        first = next(iter(self._idle.values()), None)
        return None if first is None else Micros(first + KAD_LINGER_US)
