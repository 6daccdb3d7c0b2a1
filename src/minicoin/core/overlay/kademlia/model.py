"""The model put together: who hears what and when. Rules and reasons: the package's head."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from minicoin.core.addrmgr.groups import is_routable
from minicoin.core.alarm import Alarm
from minicoin.core.answers import FoundBy, PeerFound, Reason
from minicoin.core.effects import Effect, Reply, SaveState, Send
from minicoin.core.faults import DecodeError
from minicoin.core.limits import (
    KAD_BOOK_PEERS,
    KAD_LONELY_US,
    KAD_QUESTION_EVERY_US,
    KAD_QUESTIONS_BURST,
)
from minicoin.core.overlay.contract import (
    OVERLAY_KEY,
    Hops,
    Item,
    Neighbour,
    NetworkView,
    Overlay,
    OverlaySetup,
    OverlayState,
    Spread,
    Wants,
    found_in,
)
from minicoin.core.overlay.kademlia.answers import DhtAnswerer
from minicoin.core.overlay.kademlia.dht_message import DhtMessage, DhtPeer, DhtType
from minicoin.core.overlay.kademlia.keyspace import Contact, contact_of, key_of
from minicoin.core.overlay.kademlia.links import KadLink, KadLinks
from minicoin.core.overlay.kademlia.messages import MESSAGES, KadAnswer, KadAsk, KadCast, KadHello, KadRole
from minicoin.core.overlay.kademlia.neighbours import KadNeighbours
from minicoin.core.overlay.kademlia.providers import ProviderStore
from minicoin.core.overlay.kademlia.questions import KadQuestions
from minicoin.core.overlay.kademlia.saved import decode_contacts, encode_contacts
from minicoin.core.overlay.kademlia.searches import KadSearches
from minicoin.core.overlay.kademlia.settings import SERVER, read_settings
from minicoin.core.overlay.kademlia.table import RoutingTable
from minicoin.core.overlay.kademlia.tree import Tree
from minicoin.core.overlay.kademlia.ways import way_to
from minicoin.core.overlay.repair.allowance import Allowance
from minicoin.core.overlay.repair.messages import Pull, Pulled
from minicoin.core.overlay.repair.pulls import Pulls
from minicoin.core.part import PeerView, Route, route
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import ConnId, Micros, RequestId
from minicoin.core.wire.messages_extension import ExtensionMessage


@dataclass(frozen=True, slots=True)
class KademliaSnapshot:
    """What equal nodes have equal."""

    buckets: tuple[tuple[int, int], ...]
    links: int
    servers: int
    questions: int
    searches: int
    providers: int
    pulls: int


class KademliaOverlay(Overlay):
    """One node's place in the key space."""

    def __init__(self, setup: OverlaySetup) -> None:
        """Raises DecodeError for a saved table that is damaged."""
        self.alarm = Alarm()
        self._setup = setup
        self._rng = setup.rng
        self._settings = settings = read_settings(setup.settings)
        self._own = setup.peer_id
        self._key = key = key_of(setup.peer_id)
        self.links = KadLinks(key)
        self.table = RoutingTable(key, settings.k)
        self.neighbours = KadNeighbours(key, self.table, self.links, settings.beta, setup.rng)
        self._questions = KadQuestions(self.links)
        self._searches = KadSearches(
            self._own, settings, self.table, self.neighbours, self._questions, self._read_contacts, setup.rng
        )
        self._providers = ProviderStore()
        self._answerer = DhtAnswerer(self.table, self.links, self._providers, settings.k)
        self._pulls = Pulls(setup.ledger, setup.rng.stream("pulls"), setup.group)
        self._allowance = Allowance(KAD_QUESTION_EVERY_US, KAD_QUESTIONS_BURST, setup.group)
        self._tree = Tree(self.links, settings.beta, setup.rng)
        self._hello: KadHello | None = None
        self._wants = Wants()
        self._is_stale = True
        self._lonely = 0
        self._in_the_way: tuple[ConnId, ...] = ()
        self._has_searched = False
        self._refresh_at: Micros | None = None
        self._pull_at: Micros | None = None
        if setup.saved is not None:
            for address in decode_contacts(setup.saved):
                self.table.see(contact_of(address, setup.group(address)))

    def routes(self) -> tuple[Route, ...]:
        return (
            route(KadHello, self.take_hello),
            route(KadAsk, self.take_ask),
            route(KadAnswer, self.take_answer),
            route(KadCast, self.take_cast),
            route(Pull, self.take_pull),
            route(Pulled, self.take_pulled),
        )

    # --- peers ---

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> Iterable[Effect]:
        """A peer of this model, unless nothing proves who it is."""
        if not peer.address.peer_id or not all(kind in speaks for kind in MESSAGES):
            return ()
        link = self.links.add(peer)
        # Another's connection with us changes nothing of what we want.
        self._is_stale = self._is_stale or link.is_ours
        return [*self._say_hello(link), *self._questions.on_link(link)]

    def _can_serve(self) -> bool:
        return self._setup.role == SERVER and self._setup.own_address() is not None

    @property
    def _is_client(self) -> bool:
        return self._hello is None or self._hello.role is KadRole.CLIENT

    def _say_hello(self, newcomer: KadLink | None) -> list[Send]:
        """Say what we are: to a newcomer, and to all where that changed."""
        address = self._setup.own_address()
        role = KadRole.SERVER if self._can_serve() else KadRole.CLIENT
        hello = KadHello(role, 0 if address is None else address.port)
        if hello != self._hello:
            self._hello = hello
            return [Send(link.conn, hello) for link in self.links]
        return [] if newcomer is None else [Send(newcomer.conn, hello)]

    def take_hello(self, peer: PeerView, message: KadHello, now: Micros) -> Iterable[Effect]:
        """A peer says what it is, or what it has become."""
        link = self.links.get(peer.conn)
        if link is None:
            return ()
        was = link.contact
        link.contact = self._contact_at(self._address_of(peer, message.port)) if message.port else None
        link.is_server = message.role is KadRole.SERVER and link.contact is not None
        link.is_client = not link.is_server
        if was is not None and not link.is_server:
            self.table.remove(was)
            self.neighbours.forget(was)
        if link.is_server and link.contact is not None:
            self.table.see(link.contact)
            if not self._has_searched:
                # The first to ask: who else is there?
                self._refresh_at = now
                self.alarm.by(now)
        self._start_pulling(now)
        return ()

    def _address_of(self, peer: PeerView, port: int) -> NodeAddress:
        # Where we dialled it; an inbound one at the host that we see, whatever it may say.
        return NodeAddress(peer.address.host, port, peer.address.peer_id) if peer.is_inbound else peer.address

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        link = self.links.pop(conn)
        if link is None:
            return ()
        self._is_stale = True
        self._in_the_way = ()
        self._pulls.forget(conn)
        self._allowance.forget(conn)
        self.alarm.by(self.neighbours.on_closed(link.peer_id, now))
        return self._questions.on_closed(conn)

    def on_unreachable(self, address: NodeAddress, now: Micros) -> Iterable[Effect]:
        """Nobody is where a contact was: what was to be asked there is not answered, and a neighbour is replaced at
        once."""
        peer_id = address.peer_id
        if not peer_id or self.links.to(peer_id) is not None:
            return ()
        contact = self.neighbours.find(key_of(peer_id), peer_id)
        if contact is not None and contact.address == address:
            self.table.fail(contact)
            self.neighbours.forget(contact)
        self._is_stale = True
        return self._asked_on(self._searches.on_silence(self._questions.on_unreachable(address), now))

    # --- questions ---

    def take_ask(self, peer: PeerView, message: KadAsk, now: Micros) -> Iterable[Effect]:
        """A peer asks. A client answers nobody."""
        link = self.links.get(peer.conn)
        if link is None or self._is_client or not self._allowance.take(peer, now):
            return ()
        if link.is_server and link.contact is not None:
            self.table.see(link.contact)
        self.links.note_use(peer.conn, now)
        answer = self._answerer.answer(link.peer_id, link.contact, message.message, now)
        return () if answer is None else (Send(peer.conn, KadAnswer(message.number, answer)),)

    def take_answer(self, peer: PeerView, message: KadAnswer, now: Micros) -> Iterable[Effect]:
        """Of a question of ours; any other is ignored, since it may just be late."""
        question = self._questions.answered(peer.conn, message.number, message.message)
        if question is None:
            return ()
        self._is_stale = True
        return self._asked_on(self._searches.on_answer(question, message.message, now))

    def _asked_on(self, effects: list[Effect]) -> list[Effect]:
        """Questions may have begun to wait; for neighbours see wants()."""
        self.alarm.by(self._questions.next_deadline())
        return effects

    def _read_contacts(self, peers: Iterable[DhtPeer]) -> list[Contact]:
        found: list[Contact] = []
        for peer in peers:
            contact = next(filter(None, map(self._contact_at, peer.dialable())), None)
            if contact is not None:
                found.append(contact)
        return found

    def _contact_at(self, address: NodeAddress) -> Contact | None:
        """Somebody at an address that may be dialled here, and that is not this node."""
        return None if address.peer_id == self._own else self._dialable(address)

    def _own_contact(self) -> Contact | None:
        """Where others can ask this node, as far as it knows."""
        address = self._setup.own_address()
        return None if address is None else self._dialable(replace(address, peer_id=self._own))

    def _dialable(self, address: NodeAddress) -> Contact | None:
        if not is_routable(address, allow_private=self._setup.is_private_network):
            return None
        return contact_of(address, self._setup.group(address))

    # --- time ---

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        effects: list[Effect] = list(self._say_hello(None))
        effects += self._searches.on_silence(self._questions.take_late(now), now)
        for contact in self.neighbours.take_silent(now):
            self.table.fail(contact)
        if self._refresh_at is not None and self._refresh_at <= now:
            effects += self._refresh(now)
        if self._pull_at is not None and self._pull_at <= now:
            effects += self._pull(now)
        self._is_stale = True
        self.alarm.by(self.next_deadline())
        return effects

    def next_deadline(self) -> Micros | None:
        deadlines = [
            self._refresh_at,
            self._pull_at,
            self._questions.next_deadline(),
            self.neighbours.next_deadline(),
            self.links.next_deadline(),
        ]
        return min((at for at in deadlines if at is not None), default=None)

    def _jitter(self, period_us: int) -> int:
        """From three quarters of the period to five."""
        return period_us * 3 // 4 + self._rng.below(period_us // 2 + 1)

    def _refresh(self, now: Micros) -> list[Effect]:
        if not len(self.table):
            self._lonely += 1
            self._refresh_at = Micros(now + self._jitter(KAD_LONELY_US))
            self._in_the_way = self._links_in_the_way(self._setup.full_relay)
            return []
        self._in_the_way = self._links_in_the_way(KAD_BOOK_PEERS)
        self._lonely = 0
        self._has_searched = True
        self._refresh_at = Micros(now + self._jitter(self._settings.refresh_us))
        document = encode_contacts(self.table)
        return [*self._searches.refresh(now), SaveState(OVERLAY_KEY, document)]

    def _links_in_the_way(self, places: int) -> tuple[ConnId, ...]:
        """Of clients that have all the places for peers of the address book, one makes room: they name nobody, and who
        knows nobody, or nobody of another half of the servers, would stay so."""
        book = [link for link in self.links.clients() if link.peer.kind is SlotKind.FULL_RELAY]
        return (book[0].conn,) if len(book) >= min(places, self._setup.full_relay) else ()

    # --- connections ---

    def wants(self, view: NetworkView, now: Micros) -> Wants:
        """Who is asked, and the neighbours; from the address book as many as keep a door open to those who are not
        heard of here, and all there are for who knows nobody."""
        if self._refresh_at is None:
            # Who knows others from its last run has neighbours at once: it looks around in its turn, lest a network
            # that is switched on again has everybody ask everybody.
            self._has_searched = len(self.table) > 0
            period_us = self._settings.refresh_us if self._has_searched else KAD_LONELY_US
            self._refresh_at = Micros(now + self._rng.below(period_us))
            self.alarm.by(self._refresh_at)
        if self._is_stale or self.neighbours.has_changed:
            self._is_stale = False
            self.neighbours.choose(now)
            wanted = dict.fromkeys(self._questions.addresses())
            wanted |= {contact.address: None for contact in self.neighbours.contacts()}
            self._wants = Wants(
                full_relay=min(self._setup.full_relay, KAD_BOOK_PEERS + self._lonely),
                addresses=tuple(wanted),
                unwanted=(*self.links.let_go({address.peer_id for address in wanted}, now), *self._in_the_way),
                # It was there when it was asked: whoever is to be asked again is to be dialled again.
                lets_go=True,
            )
            self.alarm.by(self.next_deadline())
        return self._wants

    # --- items ---

    def take_cast(self, peer: PeerView, message: KadCast, now: Micros) -> Iterable[Effect]:
        """How far we are answerable for an item that this peer is about to bring."""
        link = self.links.get(peer.conn)
        if link is not None:
            self._tree.hear(link, message.item, message.height)
        return ()

    def spread(self, item: Item, peers: tuple[PeerView, ...], now: Micros) -> tuple[Spread, ...]:
        return self._tree.spread(item, peers, is_client=self._is_client)

    def _start_pulling(self, now: Micros) -> None:
        if self._pull_at is None:
            self._pull_at = Micros(now + self._jitter(self._settings.pull_us))
            self.alarm.by(self._pull_at)

    def _pull(self, now: Micros) -> list[Effect]:
        """By turns of a server and of a client, however many there are of either: clients pass nothing on but what is
        their own, and may be all that joins two halves of the servers."""
        servers = [link.conn for link in self.links.servers()]
        clients = [link.conn for link in self.links.clients()]
        partners = clients if clients and (self._pulls.rounds % 2 or not servers) else servers
        self._pull_at = Micros(now + self._jitter(self._settings.pull_us)) if partners else None
        return self._pulls.begin_round(partners, 1, now)

    def take_pull(self, peer: PeerView, message: Pull, now: Micros) -> Iterable[Effect]:
        """A peer asks what it missed, a client too: it depends on being told."""
        return () if self.links.get(peer.conn) is None else self._pulls.take_pull(peer, message, now)

    def take_pulled(self, peer: PeerView, message: Pulled, now: Micros) -> Iterable[Effect]:
        self._pulls.take_pulled(peer, message, now)
        return ()

    # --- ways to a peer ---

    def route(self, target: bytes, peers: tuple[PeerView, ...], now: Micros) -> Hops:
        return way_to(target, self._key, self.links, self.table, self.neighbours)

    def find(self, request: RequestId, target: bytes, view: NetworkView, now: Micros) -> Iterable[Effect]:
        """By an iterative lookup, unless we are connected to it."""
        if target == self._own:
            self._setup.outbox.refuse(request, Reason.INVALID, "that is the peer id of this node itself")
            return ()
        met = self.links.to(target)
        if met is not None:
            at = met.peer.address if met.contact is None else met.contact.address
            return (Reply(request, PeerFound((at,), FoundBy.CONNECTED, is_certain=True)),)
        effects = self._searches.find(request, target, found_in(target, view), now)
        if effects is None:
            self._setup.outbox.refuse(request, Reason.CROWDED, "too many peers are looked for already; try again soon")
            return ()
        self._is_stale = True
        return self._asked_on(effects)

    # --- asked beside the wire ---

    def answer(self, asker: bytes, question: bytes, now: Micros) -> bytes | None:
        """libp2p's kad-dht on a stream of its own: answered from the same table, whoever asks. A client refuses; a
        server answers also before it has met a peer of the model."""
        if not self._can_serve():
            return None
        try:
            message = DhtMessage.decode(question)
        except DecodeError:
            return None
        link = self.links.to(asker)
        contact = None if link is None else link.contact
        own = self._own_contact() if message.key == self._own else None
        answer = self._answerer.answer_on_stream(asker, contact, own, message, now)
        if answer is not None:
            return answer.encode()
        return b"" if message.type is DhtType.ADD_PROVIDER else None

    # --- shown ---

    def about(self, peers: tuple[PeerView, ...], now: Micros) -> OverlayState:
        figures = [(f"bucket {index}", size) for index, size in self.table.sizes()]
        figures += [("contacts", len(self.table)), ("providers", len(self._providers))]
        figures += [("lookups", self._searches.ended), ("casts", self._tree.casts), ("pulls", self._pulls.rounds)]
        return OverlayState(self._setup.role, tuple(map(self._neighbour, peers)), tuple(figures))

    def _neighbour(self, peer: PeerView) -> Neighbour:
        link = self.links.get(peer.conn)
        if link is None:
            return Neighbour(peer.conn)
        return Neighbour(peer.conn, f"bucket {link.bucket}" if link.is_server else "client")

    def snapshot(self, now: Micros) -> object:
        return KademliaSnapshot(
            self.table.sizes(),
            len(self.links),
            len(self.links.servers()),
            len(self._questions),
            len(self._searches),
            len(self._providers),
            self._pulls.rounds,
        )
