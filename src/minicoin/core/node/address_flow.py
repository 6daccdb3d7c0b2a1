"""Addresses of nodes: sources and gossip fill the book, the book fills the connection manager's slots."""

from minicoin.core.connmgr.slots import AUTOMATIC, CHOSEN_BY_OPERATOR, SlotKind
from minicoin.core.effects import Effect
from minicoin.core.events import AddressesFound
from minicoin.core.node.parts import Parts
from minicoin.core.peer.session import Session
from minicoin.core.primitives.address import NodeAddress, TimedAddress, normalise_host
from minicoin.core.primitives.permissions import Permission
from minicoin.core.units import ConnId, Micros, seconds

_OUTBOUND = (*AUTOMATIC, *CHOSEN_BY_OPERATOR)


class AddressFlow:
    """Discovery, gossip and the book."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._own: NodeAddress | None = None

    def on_start(self, now: Micros) -> None:
        """The node begins."""
        parts = self._parts
        parts.bootstrap.start(now, parts.book.size)
        if parts.policy.external_address is not None:
            self._set_own(parts.policy.external_address)

    def on_found(self, event: AddressesFound, now: Micros) -> None:
        """A source outside the network named nodes. A DNS seed is taken for the source of all it names."""
        parts = self._parts
        added = parts.book.add(event.addresses, None, now)
        parts.trace("addresses-found", source=str(event.source), origin=event.origin, count=added)
        if added:
            parts.connections.wake()

    def on_ready(self, session: Session, kind: SlotKind, now: Micros) -> list[Effect]:
        """A handshake ended: the address is good, and the peer may know others."""
        parts = self._parts
        if not parts.policy.gossips:
            return []
        if not session.inbound:
            self.on_answered(session, now)
            self._learn_own(session)
        if kind is SlotKind.BLOCK_ONLY:
            # Carries no addresses, so that nobody can map who is connected by it.
            return []
        wants_v2 = session.sends_addrv2
        return parts.gossip.on_ready(session.conn, is_inbound=session.inbound, wants_v2=wants_v2, now=now)

    def on_answered(self, session: Session, now: Micros) -> None:
        """Whoever we dialled listens there, however we came to its address."""
        timed = TimedAddress(session.remote, int(session.services), seconds(now))
        self._parts.book.add((timed,), None, now)
        self._parts.book.mark_good(session.remote, now)

    def on_closed(self, conn: ConnId) -> None:
        """A session ended."""
        self._parts.gossip.on_closed(conn)

    def on_addresses(self, session: Session, addresses: tuple[TimedAddress, ...], now: Micros) -> None:
        """An addr or addrv2 message."""
        parts = self._parts
        is_unlimited = bool(session.permissions & Permission.ADDR)
        heard = parts.gossip.on_addr(session.conn, tuple(addresses), now, is_unlimited=is_unlimited)
        own = self._own
        others = [timed for timed in heard.addresses if own is None or timed.address != own]
        if parts.book.add(others, session.remote, now):
            parts.connections.wake()
        if session.inbound:
            # Where it says that it listens, on the host we see it at: it need not be dialled there as well.
            for timed in addresses[:1]:
                if normalise_host(timed.address.host) == normalise_host(session.remote.host):
                    parts.connections.mark_listening(session.conn, timed.address)
        # A seed node has done what it was dialled for.
        parts.emit(*parts.connections.on_addresses(session.conn))

    def on_getaddr(self, conn: ConnId, now: Micros) -> list[Effect]:
        """A peer asks whom we know."""
        book = self._parts.book
        return self._parts.gossip.on_getaddr(conn, lambda count: tuple(book.sample(now, count)), now)

    def ask_seeds(self, now: Micros) -> None:
        """The time has come to see whether seeds are needed."""
        parts = self._parts
        parts.emit(*parts.bootstrap.due(now, parts.connections.count_ready(*_OUTBOUND)))

    def next_deadline(self) -> Micros | None:
        """The earliest of seeds and gossip."""
        deadlines = (self._parts.bootstrap.next_deadline(), self._parts.gossip.next_deadline())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def _learn_own(self, session: Session) -> None:
        """What a peer we chose sees as our address, with our listening port, is how others may reach us."""
        policy = self._parts.policy
        if policy.external_address is not None or not policy.listens or session.version is None:
            return
        seen = NodeAddress(normalise_host(session.version.addr_recv.host), policy.listen_port, policy.peer_id)
        if policy.listen_port and self._parts.book.is_routable(seen):
            self._set_own(seen)

    def _set_own(self, address: NodeAddress) -> None:
        # A name has no place in an addr message.
        if address != self._own and address.ip is not None:
            self._own = address
            self._parts.gossip.set_own({address: self._parts.policy.services})
            self._parts.trace("own-address", address=str(address))
