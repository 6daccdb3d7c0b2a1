"""Addresses of nodes: sources and gossip fill the book, from which the connection manager's slots are filled.

1. What a source outside the network names is taken as found by ourselves, but what a registry lists fills the buckets
   of one source only, and is forgotten where the registry takes it back and it never answered.
2. What a peer says is taken as hearsay of that peer, at the pace that gossip grants it; our own address is left out.
3. Whoever we dialled and answered is known to be there, however we came to its address.
4. Where we can be reached the operator says; else what a peer that we chose sees of us, with the port that we listen
   at. An inbound peer is not asked: it could have the whole network dial somebody else.
5. An inbound peer that says where it listens, at the host we see it at, need not be dialled there as well.
6. A connection for blocks only carries no addresses: nobody is to map who is connected by it.

What is passed on to others is gossip's own business; when the book is written down, the book's (core/addrmgr).
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from minicoin.core.addrmgr.book import AddressBook
from minicoin.core.alarm import Alarm
from minicoin.core.discovery.gossip import Gossip
from minicoin.core.effects import Effect
from minicoin.core.events import AddressesFound, AddressesWithdrawn
from minicoin.core.notices import AddressesForgotten, AddressesLearned, OwnAddressLearned
from minicoin.core.part import Outbox, Part, PeerView, Route, route
from minicoin.core.primitives.address import AddressSource, NodeAddress, Services, TimedAddress, normalise_host
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import ConnId, Micros, seconds
from minicoin.core.wire.messages import Addr, AddrV2, GetAddr


class AddressPolicy(Protocol):
    """What the operator chose."""

    @property
    def gossips(self) -> bool: ...
    @property
    def external_address(self) -> NodeAddress | None: ...
    @property
    def listens(self) -> bool: ...
    @property
    def listen_port(self) -> int: ...
    @property
    def peer_id(self) -> bytes: ...
    @property
    def services(self) -> Services: ...


class Dialler(Protocol):
    """Fills its slots from the book: the connection manager."""

    def wake(self) -> None:
        """The book learned something."""

    def mark_listening(self, conn: ConnId, address: NodeAddress) -> None:
        """An inbound peer says where it listens."""

    def on_addresses(self, conn: ConnId) -> Iterable[Effect]:
        """The peer said whom it knows."""


class AddressNode(Outbox, Protocol):
    """What is needed of the node around it."""

    @property
    def policy(self) -> AddressPolicy: ...
    @property
    def book(self) -> AddressBook: ...
    @property
    def gossip(self) -> Gossip: ...
    @property
    def connections(self) -> Dialler: ...


class AddressFlow(Part):
    """Between peers, gossip and the book."""

    def __init__(self, node: AddressNode, on_learned: Callable[[Micros], None]) -> None:
        """`on_learned` is told when the book holds somebody new."""
        self._node = node
        self._tell_learned = on_learned
        self._own: NodeAddress | None = None
        self.alarm = Alarm()

    def routes(self) -> tuple[Route, ...]:
        return (
            route(GetAddr, self.take_getaddr),
            route(Addr, self.take_addresses),
            route(AddrV2, self.take_addresses),
        )

    def on_start(self) -> None:
        """The node begins."""
        external = self._node.policy.external_address
        if external is not None:
            self._set_own(external)

    def on_found(self, event: AddressesFound, now: Micros) -> None:
        """A source outside the network named nodes."""
        node = self._node
        if event.source is AddressSource.REGISTRY:
            added = node.book.add_listed(event.addresses, now)
        else:
            added = node.book.add(event.addresses, None, now)
        node.emit(AddressesLearned(event.source, event.origin, added))
        if added:
            self._on_learned(now)

    def on_withdrawn(self, event: AddressesWithdrawn) -> None:
        """A source outside the network no longer stands by nodes that it named. Who ever answered is known by that."""
        self._node.emit(AddressesForgotten(event.source, event.origin, self._node.book.withdraw(event.addresses)))

    def on_ready(self, peer: PeerView, now: Micros) -> Iterable[Effect]:
        """A handshake ended: the address is good, and the peer may know others."""
        node = self._node
        if not node.policy.gossips:
            return ()
        if not peer.is_inbound:
            self.on_answered(peer.address, peer.services, now)
            self._learn_own(peer)
        if peer.kind is SlotKind.BLOCK_ONLY:
            # Carries no addresses, so that nobody can map who is connected by it.
            return ()
        return node.gossip.introduce(peer.conn, is_inbound=peer.is_inbound, wants_v2=peer.takes_addrv2, now=now)

    def on_answered(self, address: NodeAddress, services: Services, now: Micros) -> None:
        """Whoever we dialled listens there, however we came to its address."""
        added = self._node.book.add((TimedAddress(address, int(services), seconds(now)),), None, now)
        if added:
            # Nobody but the operator has us dial what the book does not know.
            self._node.emit(AddressesLearned(AddressSource.OPERATOR, "a dial", added))
        self._node.book.mark_good(address, now)

    def take_addresses(self, peer: PeerView, message: Addr | AddrV2, now: Micros) -> Iterable[Effect]:
        """Whom the peer knows of."""
        node, addresses = self._node, message.addresses
        is_unlimited = bool(peer.permissions & Permission.ADDR)
        heard = node.gossip.on_addr(peer.conn, tuple(addresses), now, is_unlimited=is_unlimited)
        own = self._own
        others = [timed for timed in heard if own is None or timed.address != own]
        added = node.book.add(others, peer.address, now)
        if added:
            node.emit(AddressesLearned(AddressSource.GOSSIP, str(peer.address), added))
            self._on_learned(now)
        if peer.is_inbound:
            # Where it says that it listens, on the host we see it at: it need not be dialled there as well.
            for timed in addresses[:1]:
                if normalise_host(timed.address.host) == normalise_host(peer.address.host):
                    node.connections.mark_listening(peer.conn, timed.address)
        # A seed node has done what it was dialled for.
        return node.connections.on_addresses(peer.conn)

    def take_getaddr(self, peer: PeerView, message: GetAddr, now: Micros) -> Iterable[Effect]:
        """A peer asks whom we know."""
        book = self._node.book
        return self._node.gossip.on_getaddr(peer.conn, lambda count: tuple(book.sample(now, count)), now)

    def _on_learned(self, now: Micros) -> None:
        """The book holds somebody new."""
        self._node.connections.wake()
        self._tell_learned(now)

    def _learn_own(self, peer: PeerView) -> None:
        """What a peer we chose sees as our address, with our listening port, is how others may reach us."""
        policy = self._node.policy
        if policy.external_address is not None or not policy.listens:
            return
        seen = NodeAddress(normalise_host(peer.sees_us_at), policy.listen_port, policy.peer_id)
        if policy.listen_port and self._node.book.is_routable(seen):
            self._set_own(seen)

    def _set_own(self, address: NodeAddress) -> None:
        # A name has no place in an addr message.
        if address != self._own and address.ip is not None:
            self._own = address
            self._node.gossip.set_own({address: self._node.policy.services})
            self._node.emit(OwnAddressLearned(address))
