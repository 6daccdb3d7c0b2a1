"""Addresses of nodes: sources and gossip fill the book, from which the connection manager's slots are filled.

Three parts, since they are told of time apart: what peers say of addresses, when seeds are asked, and the book itself.
What is passed on to others is gossip's own business (core/discovery).
"""

from collections.abc import Iterable
from typing import Final

from minicoin.core.addrmgr.book import AddressBook, BookSnapshot
from minicoin.core.alarm import Alarm
from minicoin.core.connmgr.connections import ConnectionManager
from minicoin.core.discovery.bootstrap import Bootstrap
from minicoin.core.effects import Effect, SaveState
from minicoin.core.events import AddressesFound
from minicoin.core.forms.derived import make_codec
from minicoin.core.limits import BOOK_SAVE_EVERY_US, DIGEST_ITEMS_MAX
from minicoin.core.node.overlay_flow import OverlayFlow
from minicoin.core.node.parts import CommonParts
from minicoin.core.notices import AddressesLearned, OwnAddressLearned
from minicoin.core.part import Part, PeerView, Route, route
from minicoin.core.primitives.address import AddressSource, NodeAddress, Services, TimedAddress, normalise_host
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.slot_kind import AUTOMATIC, CHOSEN_BY_OPERATOR, SlotKind
from minicoin.core.units import Micros, seconds
from minicoin.core.wire.messages import Addr, AddrV2, GetAddr

BOOK_KEY = "peers"
_BOOK: Final = make_codec(BookSnapshot, {})
_OUTBOUND = (*AUTOMATIC, SlotKind.OVERLAY, *CHOSEN_BY_OPERATOR)


class AddressFlow(Part):
    """Between peers, gossip and the book."""

    def __init__(self, parts: CommonParts, overlay: OverlayFlow) -> None:
        self._parts = parts
        self._overlay = overlay
        self._own: NodeAddress | None = None
        self.alarm = Alarm()

    def routes(self) -> tuple[Route, ...]:
        return (
            route(GetAddr, self.take_getaddr),
            route(Addr, self.take_addresses),
            route(AddrV2, self.take_addresses),
        )

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
        parts.emit(AddressesLearned(event.source, event.origin, added))
        if added:
            self._on_learned(now)

    def on_ready(self, peer: PeerView, now: Micros) -> Iterable[Effect]:
        """A handshake ended: the address is good, and the peer may know others."""
        parts = self._parts
        if not parts.policy.gossips:
            return ()
        if not peer.is_inbound:
            self.on_answered(peer.address, peer.services, now)
            self._learn_own(peer)
        if peer.kind is SlotKind.BLOCK_ONLY:
            # Carries no addresses, so that nobody can map who is connected by it.
            return ()
        return parts.gossip.introduce(peer.conn, is_inbound=peer.is_inbound, wants_v2=peer.takes_addrv2, now=now)

    def on_answered(self, address: NodeAddress, services: Services, now: Micros) -> None:
        """Whoever we dialled listens there, however we came to its address."""
        added = self._parts.book.add((TimedAddress(address, int(services), seconds(now)),), None, now)
        if added:
            # Nobody but the operator has us dial what the book does not know.
            self._parts.emit(AddressesLearned(AddressSource.OPERATOR, "a dial", added))
        self._parts.book.mark_good(address, now)

    def take_addresses(self, peer: PeerView, message: Addr | AddrV2, now: Micros) -> Iterable[Effect]:
        """Whom the peer knows of."""
        parts, addresses = self._parts, message.addresses
        is_unlimited = bool(peer.permissions & Permission.ADDR)
        heard = parts.gossip.on_addr(peer.conn, tuple(addresses), now, is_unlimited=is_unlimited)
        own = self._own
        others = [timed for timed in heard if own is None or timed.address != own]
        added = parts.book.add(others, peer.address, now)
        if added:
            parts.emit(AddressesLearned(AddressSource.GOSSIP, str(peer.address), added))
            self._on_learned(now)
        if peer.is_inbound:
            # Where it says that it listens, on the host we see it at: it need not be dialled there as well.
            for timed in addresses[:1]:
                if normalise_host(timed.address.host) == normalise_host(peer.address.host):
                    parts.connections.mark_listening(peer.conn, timed.address)
        # A seed node has done what it was dialled for.
        return parts.connections.on_addresses(peer.conn)

    def take_getaddr(self, peer: PeerView, message: GetAddr, now: Micros) -> Iterable[Effect]:
        """A peer asks whom we know."""
        book = self._parts.book
        return self._parts.gossip.on_getaddr(peer.conn, lambda count: tuple(book.sample(now, count)), now)

    def _on_learned(self, now: Micros) -> None:
        """The book holds somebody new."""
        self._parts.connections.wake()
        self._overlay.consider(now)

    def _learn_own(self, peer: PeerView) -> None:
        """What a peer we chose sees as our address, with our listening port, is how others may reach us."""
        policy = self._parts.policy
        if policy.external_address is not None or not policy.listens:
            return
        seen = NodeAddress(normalise_host(peer.sees_us_at), policy.listen_port, policy.peer_id)
        if policy.listen_port and self._parts.book.is_routable(seen):
            self._set_own(seen)

    def _set_own(self, address: NodeAddress) -> None:
        # A name has no place in an addr message.
        if address != self._own and address.ip is not None:
            self._own = address
            self._parts.gossip.set_own({address: self._parts.policy.services})
            self._parts.emit(OwnAddressLearned(address))


class SeedFlow(Part):
    """When seeds are asked."""

    def __init__(self, bootstrap: Bootstrap, connections: ConnectionManager) -> None:
        self._bootstrap = bootstrap
        self._connections = connections
        self.alarm = bootstrap.alarm

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        return self._bootstrap.due(now, self._connections.count_ready(*_OUTBOUND))

    def next_deadline(self) -> Micros | None:
        return self._bootstrap.next_deadline()


class BookFlow(Part):
    """The book's time: its collisions are decided, and it is written down now and then."""

    def __init__(self, book: AddressBook, now: Micros) -> None:
        self._book = book
        self._save_at = Micros(now + BOOK_SAVE_EVERY_US)
        self.alarm = book.alarm

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        self._book.resolve_collisions(now)
        if now < self._save_at:
            return ()
        self._save_at = Micros(now + BOOK_SAVE_EVERY_US)
        return (self.save(),)

    def next_deadline(self) -> Micros | None:
        resolve_at = self._book.next_deadline()
        return self._save_at if resolve_at is None else min(resolve_at, self._save_at)

    def snapshot(self, now: Micros) -> BookSnapshot:
        return self._book.snapshot()

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        out = bytearray()
        _BOOK.write(self._book.snapshot(), out)
        if not (is_brief and self._book.size > DIGEST_ITEMS_MAX):
            out += self._book.to_bytes()
        return (("address book", bytes(out)),)

    def save(self) -> SaveState:
        """Write it down as it is."""
        return SaveState(BOOK_KEY, self._book.to_bytes())
