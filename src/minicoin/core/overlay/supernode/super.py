"""A super node: has places for leaves, links to other super nodes, and the directory of who sits where.

Decides whom it links to, and what of others it believes. The package's head tells the rules.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.answers import FoundBy, PeerFound
from minicoin.core.effects import Effect, Reply, Send
from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.limits import SIGNED_RECORD_AHEAD_MAX_US, SUPER_LINKS_MAX, SUPER_RECORDS_PER_MESSAGE_MAX
from minicoin.core.overlay.contract import (
    Hops,
    Item,
    ItemKind,
    Neighbour,
    NetworkView,
    Overlay,
    OverlaySetup,
    OverlayState,
    Spread,
    SpreadBy,
    Wants,
    found_in,
)
from minicoin.core.overlay.supernode.circle import Brought, Circle, Near
from minicoin.core.overlay.supernode.directory import Directory, Entered
from minicoin.core.overlay.supernode.election import SupersSeen
from minicoin.core.overlay.supernode.entries import LEAF_KEY, LIFE_US, STATUS_KEY, Signer, SuperStatus
from minicoin.core.overlay.supernode.finds import places_in
from minicoin.core.overlay.supernode.lacks import Lacks
from minicoin.core.overlay.supernode.learning import Learning
from minicoin.core.overlay.supernode.messages import (
    SuperAsk,
    SuperAttach,
    SuperFind,
    SuperFound,
    SuperGet,
    SuperHave,
    SuperNews,
    SuperPage,
    SuperPlace,
    Verdict,
    Wanted,
)
from minicoin.core.overlay.supernode.news import News
from minicoin.core.overlay.supernode.own_status import OwnStatus
from minicoin.core.overlay.supernode.places import LeafPlaces
from minicoin.core.overlay.supernode.search import FAILED_REST_US, Search
from minicoin.core.overlay.supernode.settings import LEAF, SUPER, SupernodeSettings
from minicoin.core.overlay.supernode.supers import SuperBook, choose_super
from minicoin.core.part import PeerView, Route, route
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.records.record import SignedRecord, holds_key
from minicoin.core.units import MINUTE_US, SECOND_US, ConnId, Micros, RequestId
from minicoin.core.wire.messages_extension import ExtensionMessage

_DRAWN_PEERS: Final = 2
"""From the address book, always: two halves that know only themselves find each other by such peers."""
_SEEK_US: Final = SECOND_US
_KEEP_US: Final = LIFE_US // 4
"""So often a super node may be one of those whose statuses are records for everybody."""
_KEPT: Final = 8
"""So many of them, by chance: a record goes to each node there is, and a few lead to all the others."""


@dataclass(frozen=True, slots=True)
class SuperSnapshot:
    """What is equal in equal super nodes."""

    links: tuple[ConnId, ...]
    leaves: tuple[ConnId, ...]
    supers: tuple[tuple[bytes, int], ...]
    directory: tuple[tuple[bytes, int], ...]
    """Signers and versions."""
    wakes_at: Micros | None
    drawn: int


class SuperOverlay(Overlay):
    """The model of a node that is a super node."""

    def __init__(self, setup: OverlaySetup) -> None:
        """Raises MisuseError for a node that cannot sign."""
        if setup.identity is None or not holds_key(setup.peer_id):
            raise MisuseError("a super node signs its status: it needs an Ed25519 or secp256k1 identity, unrecorded")
        self.alarm = Alarm()
        self._setup = setup
        self._settings = SupernodeSettings.of(setup.settings)
        self._rng = setup.rng
        self._circle = Circle(setup)
        self._search = Search(self._circle, self.alarm, setup.rng)
        self._directory = Directory(2 * self._settings.places, self._is_super)
        self._leaves = LeafPlaces(self._settings.places, self._settings.admissions, self._on_places)
        self._signer = Signer(setup.identity, setup.network_id)
        self._own = OwnStatus(self._status, self._signer, self.alarm, setup.rng)
        self._news = News(self.alarm)
        self._lacks = {of: Lacks(of, self.alarm, self._circle.near) for of in (Wanted.ALL_SUPERS, Wanted.DIRECTORY)}
        self._learning = Learning()
        self._unwanted: list[ConnId] = []
        self._check_at = Micros(0)
        self._keep_at: Micros | None = Micros(0)

    def _is_super(self, peer_id: bytes) -> bool:
        return peer_id == self._setup.peer_id or peer_id in self._circle.book

    def _status(self) -> SuperStatus:
        ledger = self._setup.ledger
        return SuperStatus(
            self._setup.own_address(),
            len(self._leaves),
            self._settings.places,
            len(self._links()),
            self._circle.median_delay_ms(),
            ledger.tip_height(),
            ledger.recent_blocks(1)[0],
        )

    def _on_places(self, now: Micros) -> None:
        self._own.on_places(self._leaves.free, self._settings.places, now)

    def routes(self) -> tuple[Route, ...]:
        return (
            route(SuperNews, self.take_news),
            route(SuperHave, self.take_have),
            route(SuperGet, self.take_get),
            route(SuperAsk, self.take_ask),
            route(SuperPage, self.take_page),
            route(SuperAttach, self.take_attach),
            route(SuperPlace, self.take_place),
            route(SuperFind, self.take_find),
            route(SuperFound, self.take_found),
        )

    # --- peers ---

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> Iterable[Effect]:
        """A peer of the model hears at once that we are a super node, and is asked whom it knows while we look for
        some."""
        if SuperAsk not in speaks:
            return ()
        near = self._circle.meet(peer, now)
        effects: list[Effect] = [Send(peer.conn, SuperNews((self._own.record(now),)))]
        if not peer.is_inbound or self._missing() > 0:
            effects.append(self._circle.ask(near, now))
        return effects

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        near = self._circle.near.pop(conn, None)
        if near is None:
            return ()
        self._leaves.on_closed(conn, now)
        self._learning.on_closed(conn)
        asked = [effect for lacks in self._lacks.values() for effect in lacks.on_closed(conn, now)]
        if self._search.dials.end(near.peer_id) is not None or near.status is not None:
            self._search.rest(near.peer_id, FAILED_REST_US, now)
            self._search.within(_SEEK_US, now)
        return asked + self._learn(now)

    def on_unreachable(self, address: NodeAddress, now: Micros) -> Iterable[Effect]:
        self._search.unreachable(address, now)
        return ()

    def _links(self) -> dict[ConnId, Near]:
        return self._circle.supers()

    # --- links to other super nodes ---

    def _missing(self) -> int:
        return self._settings.links - len(self._links()) - len(self._search.dials)

    def _seek(self, now: Micros) -> list[Effect]:
        """Be connected to more super nodes, or hear of some."""
        circle, dials = self._circle, self._search.dials
        links = self._links().values()
        taken = [near.peer_id for near in links] + [dial.peer_id for dial in dials] + [self._setup.peer_id]
        groups = [circle.group(near.address or near.peer.address) for near in links] + [dial.group for dial in dials]

        def is_free(address: NodeAddress) -> bool:
            return (
                address.peer_id not in taken
                and not circle.rests.is_resting(address.peer_id, now)
                and circle.group(address) not in groups
            )

        while self._missing() > 0:
            eligible = [status for status in circle.book if status.address is not None and is_free(status.address)]
            chosen = choose_super(eligible, self._rng)
            if chosen is None or chosen.address is None:
                return self._search.ask_around(now)
            taken.append(chosen.address.peer_id)
            groups.append(self._search.reach(chosen.address, now).group)
        return []

    def _on_link(self, near: Near, now: Micros) -> list[Effect]:
        """A peer turned out to be a super node."""
        self._search.found(near.peer_id)
        self._leaves.end(near.peer.conn, now)
        if self._missing() > 0:
            self._search.within(_SEEK_US, now)
        return self._learn(now)

    def _learn(self, now: Micros) -> list[Effect]:
        effects = self._learning.begin(self._links(), now)
        self.alarm.by(self._learning.next_deadline())
        return effects

    # --- what others say ---

    def take_news(self, peer: PeerView, message: SuperNews, now: Micros) -> Iterable[Effect]:
        """Statuses from anybody, where leaves sit from super nodes, and from a leaf where it sits itself."""
        near = self._circle.near.get(peer.conn)
        if near is None:
            return ()
        was_super, known = near.status is not None, len(self._circle.book)
        for record in message.records:
            if record.key == STATUS_KEY:
                if self._take_status(near, record, now) is Brought.NEWS:
                    self._news.pass_on(Wanted.ALL_SUPERS, record, now)
            elif record.key == LEAF_KEY:
                self._take_leaf(near, record, now)
        near.asked_at = None
        if near.status is not None and not was_super:
            return self._on_link(near, now)
        if len(self._circle.book) != known and self._missing() > 0:
            self._search.within(_SEEK_US, now)
        return ()

    def _take_status(self, near: Near, record: SignedRecord, now: Micros) -> Brought:
        brought = self._circle.take_status(near, record, now)
        self._end_lack(Wanted.ALL_SUPERS, record, has_room=brought is not Brought.NO_ROOM)
        return brought

    def _take_leaf(self, near: Near, record: SignedRecord, now: Micros) -> None:
        """Where a leaf sits, by a link's word or its own."""
        conn, is_super = near.peer.conn, near.status is not None
        if not is_super and record.owner != near.peer_id:
            raise PeerFault("tells where another leaf sits, and is no super node")
        if not is_super and conn not in self._leaves:
            return
        entered = self._enter(near, record, now)
        if entered is None:
            return
        if not is_super:
            self._leaves.on_word(conn, self._directory.supers_of(near.peer_id, now), self._setup.peer_id, now)
        if entered is not Entered.REFUSED:
            self._news.pass_on(Wanted.DIRECTORY, record, now, is_renewal=entered is Entered.RENEWED)

    def _enter(self, near: Near, record: SignedRecord, now: Micros) -> Entered | None:
        """Into the directory; None for nothing new, and for what is too much to be looked at now."""
        is_taken = self._directory.is_news(record, now) and self._circle.verify(near, record, now)
        entered = self._directory.take(record) if is_taken else None
        self._end_lack(Wanted.DIRECTORY, record, has_room=entered is not Entered.REFUSED)
        return entered

    def _end_lack(self, of: Wanted, record: SignedRecord, *, has_room: bool) -> None:
        """Once it, or a newer one, is held; without room another link would bring the same in vain."""
        if not has_room or not self._table(of).is_newer(record.owner, record.version):
            self._lacks[of].on_settled(record.owner, record.version)

    def take_have(self, peer: PeerView, message: SuperHave, now: Micros) -> Iterable[Effect]:
        """Names of records, which are asked for where they are newer than ours; of super nodes only."""
        near = self._circle.near.get(peer.conn)
        if near is None or near.status is None:
            return ()
        table, latest = self._table(message.of), now + SIGNED_RECORD_AHEAD_MAX_US
        newer = [name for name in message.names if table.is_newer(*name) and name[1] <= latest]
        others = [name for name in newer if name[0] != self._setup.peer_id]
        return self._lacks[message.of].on_named(peer.conn, others, now)

    def take_get(self, peer: PeerView, message: SuperGet, now: Micros) -> Iterable[Effect]:
        near = self._circle.near.get(peer.conn)
        if near is None or near.status is None or not near.pages.take(now):
            return ()
        if message.of is Wanted.DIRECTORY:
            found = [self._directory.record(leaf) for leaf in message.signers]
        else:
            found = [self._status_of(peer_id, now) for peer_id in message.signers]
        return (Send(peer.conn, SuperNews(tuple(record for record in found if record is not None))),)

    def _table(self, of: Wanted) -> SuperBook | Directory:
        return self._directory if of is Wanted.DIRECTORY else self._circle.book

    def take_page(self, peer: PeerView, message: SuperPage, now: Micros) -> Iterable[Effect]:
        """A page of what we asked for; then the next one."""
        near, wanted = self._circle.near.get(peer.conn), self._learning.is_taught_by(peer.conn)
        if near is None or wanted is None:
            return ()
        for record in message.records:
            if record.key == STATUS_KEY:
                self._take_status(near, record, now)
            else:
                self._enter(near, record, now)
        effects = self._learning.on_page(message, now)
        if wanted is Wanted.ALL_SUPERS and self._missing() > 0:
            self._search.within(_SEEK_US, now)
        return effects

    # --- questions ---

    def take_ask(self, peer: PeerView, message: SuperAsk, now: Micros) -> Iterable[Effect]:
        near = self._circle.near.get(peer.conn)
        if near is None:
            return ()
        if message.wanted is Wanted.SUPERS:
            return (self._circle.tell(near, self._own.record(now)),) if self._circle.may_answer(near, now) else ()
        if near.status is None or not near.pages.take(now):
            # Pages are long, and of use to super nodes only.
            return ()
        page = self._table(message.wanted).page(message.after, SUPER_RECORDS_PER_MESSAGE_MAX)
        return (Send(peer.conn, SuperPage(*page)),)

    def take_find(self, peer: PeerView, message: SuperFind, now: Micros) -> Iterable[Effect]:
        near = self._circle.near.get(peer.conn)
        if near is None or not near.questions.take(now):
            return ()
        return (Send(peer.conn, SuperFound(message.number, self._records_of(message.target, now))),)

    def take_found(self, peer: PeerView, message: SuperFound, now: Micros) -> Iterable[Effect]:
        """A super node asks nobody."""
        return ()

    def _records_of(self, target: bytes, now: Micros) -> tuple[SignedRecord, ...]:
        """What the target signed of where it is, and the statuses of the super nodes it names."""
        status = self._status_of(target, now)
        entry = self._directory.record(target)
        if status is not None:
            return (status,)
        if entry is None:
            return ()
        statuses = (self._status_of(peer_id, now) for peer_id in self._directory.supers_of(target, now))
        return (entry, *(status for status in statuses if status is not None))

    def _status_of(self, peer_id: bytes, now: Micros) -> SignedRecord | None:
        return self._own.record(now) if peer_id == self._setup.peer_id else self._circle.book.record(peer_id)

    # --- leaves ---

    def take_attach(self, peer: PeerView, message: SuperAttach, now: Micros) -> Iterable[Effect]:
        """A leaf asks for a place; one that is refused hears whom else to ask."""
        near = self._circle.near.get(peer.conn)
        if near is None:
            return ()
        effects, is_refused = self._leaves.ask(near, message.parents, now)
        return [*effects, self._circle.tell(near, self._own.record(now))] if is_refused else effects

    def take_place(self, peer: PeerView, message: SuperPlace, now: Micros) -> Iterable[Effect]:
        """A leaf gives its place up; another verdict is no super node's to hear."""
        if message.verdict is Verdict.ENDED:
            self._leaves.end(peer.conn, now)
        return ()

    # --- time ---

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        effects: list[Effect] = []
        self._search.overdue(now)
        if self._check_at <= now:
            effects += self._check(now)
        if self._learning.give_up(now):
            effects += self._learn(now)
        if self._search.is_due(now):
            effects += self._seek(now)
        if self._own.publish_at <= now:
            record = self._own.publish(now)
            if record is not None:
                self._news.pass_on(Wanted.ALL_SUPERS, record, now)
        for lacks in self._lacks.values():
            effects += lacks.on_deadline(now)
        if self._keep_at is not None and self._keep_at <= now:
            self._keep(now)
        return effects + self._news.flush(self._links(), now)

    def _keep(self, now: Micros) -> None:
        """By chance as a record for everybody, by which a node that knows no super node may hear of us."""
        store, is_first = self._setup.records, not self._keep_at
        # After a minute it knows how many others there are.
        self._keep_at = Micros(now + (MINUTE_US if is_first else _KEEP_US) - self._rng.below(MINUTE_US // 2))
        if store is None:
            self._keep_at = None
            return
        if is_first or self._setup.own_address() is None or self._rng.below(1 + len(self._circle.book)) >= _KEPT:
            return
        try:
            store.keep(self._own.record(now))
        except MisuseError:
            # It is there already, or has no room: those who ask us hear it all the same.
            return

    def _check(self, now: Micros) -> list[Effect]:
        """Ask the links, so that we know how quick they are; forget what has expired; let go the links beyond need."""
        self._circle.book.expire(now)
        self._directory.expire(now)
        period_us = self._settings.check * SECOND_US
        self._check_at = Micros(now + period_us - self._rng.below(period_us // 4))
        links = self._links()
        # Two are connected if either of them needs the other, and letters bring more. One that is let go cannot be had
        # back for some seconds, which a letter may not have: so only where there are too many.
        surplus = len(links) - SUPER_LINKS_MAX
        spare = [conn for conn, near in links.items() if near.peer.kind is SlotKind.OVERLAY and near.delay_us]
        self._unwanted += spare[: max(0, surplus)]
        return [self._circle.ask(near, now) for near in links.values()]

    def next_deadline(self) -> Micros | None:
        times = (
            self._check_at,
            self._own.publish_at,
            self._keep_at,
            self._search.next_deadline(),
            self._news.next_deadline(),
            self._learning.next_deadline(),
            *(lacks.next_deadline() for lacks in self._lacks.values()),
        )
        return min((at for at in times if at is not None), default=None)

    # --- what it wants ---

    def wants(self, view: NetworkView, now: Micros) -> Wants:
        """The super nodes it links to, and a few peers of the address book; more of those while it has no link."""
        unwanted, self._unwanted = tuple(self._unwanted), []
        links = self._links()
        own = [near.peer.address for near in links.values() if near.peer.kind is SlotKind.OVERLAY]
        drawn = self._setup.full_relay if not links else min(_DRAWN_PEERS, self._setup.full_relay)
        dialled = [dial.address for dial in self._search.dials]
        return Wants(full_relay=drawn, addresses=(*own, *dialled), unwanted=unwanted, lets_go=True)

    def spread(self, item: Item, peers: tuple[PeerView, ...], now: Micros) -> tuple[Spread, ...]:
        """Announced to super nodes first, since the others hear it from theirs; then to leaves and everybody else."""
        is_transaction = item.kind is ItemKind.TRANSACTION
        takers = [
            peer.conn for peer in peers if peer.conn != item.origin and (peer.takes_transactions or not is_transaction)
        ]
        links = self._links()
        takers.sort(key=lambda conn: conn not in links)
        return tuple(Spread(conn, SpreadBy.ANNOUNCE) for conn in takers)

    # --- where somebody is ---

    def route(self, target: bytes, peers: tuple[PeerView, ...], now: Micros) -> Hops:
        """The addressee where we are connected to it, else a super node that it sits at; else nobody."""
        conns = {peer.address.peer_id: peer.conn for peer in peers}
        if target in conns:
            return Hops((conns[target],))
        supers = [one for one in self._directory.supers_of(target, now) if one != self._setup.peer_id]
        nearer = [target] if target in self._circle.book else [one for one in supers if one not in conns]
        known = (self._circle.book.get(one) for one in nearer)
        reach = tuple(status.address for status in known if status is not None and status.address is not None)
        return Hops(tuple(conns[one] for one in supers if one in conns), reach)

    def find(self, request: RequestId, target: bytes, view: NetworkView, now: Micros) -> Iterable[Effect]:
        found = found_in(target, view)
        places = None if found.is_certain else places_in(target, list(self._records_of(target, now)))
        if places is not None:
            found = PeerFound(places, FoundBy.RECORD, is_certain=True)
        return (Reply(request, found),)

    # --- an election ---

    def supers_seen(self, now: Micros) -> SupersSeen:
        """How full it is itself, and those it is linked to: one of each network group, the fullest."""
        of_group: dict[bytes, SuperStatus] = {}
        for near in self._links().values():
            status, group = near.status, self._circle.group(near.address or near.peer.address)
            if status is not None and (group not in of_group or status.load_permille > of_group[group].load_permille):
                of_group[group] = status
        return SupersSeen(
            loads=tuple(status.load_permille for status in of_group.values()),
            leaves=len(self._leaves),
            is_short=False,
            is_reachable=any(near.peer.is_inbound for near in self._circle.near.values()),
            delay_ms=self._circle.median_delay_ms(),
            own_load=1_000 * len(self._leaves) // self._settings.places,
        )

    def statuses(self) -> dict[ConnId, SignedRecord]:
        return self._circle.statuses()

    def linked(self) -> tuple[NodeAddress, ...]:
        """Where other super nodes are that it is linked to."""
        addresses = (near.address for near in self._links().values())
        return tuple(address for address in addresses if address is not None)

    def farewell(self, now: Micros) -> tuple[list[Effect], tuple[ConnId, ...]]:
        """It is a super node no longer: its leaves go elsewhere, the others hear that it has no places, and none of its
        connections is of use to a leaf."""
        leaves, links = self._leaves.conns(), tuple(self._links())
        status = replace(self._status(), leaves=0, places=0)
        last = self._signer.sign(STATUS_KEY, status.encode(), now)
        effects: list[Effect] = [Send(conn, SuperPlace(Verdict.ENDED)) for conn in leaves]
        effects += [Send(conn, SuperNews((last,))) for conn in links]
        return effects, (*leaves, *links)

    # --- what it shows ---

    def snapshot(self, now: Micros) -> SuperSnapshot:
        return SuperSnapshot(
            links=tuple(self._links()),
            leaves=self._leaves.conns(),
            supers=tuple(sorted(self._circle.book.versions())),
            directory=tuple(sorted(self._directory.versions())),
            wakes_at=self.next_deadline(),
            drawn=self._rng.position,
        )

    def about(self, peers: tuple[PeerView, ...], now: Micros) -> OverlayState:
        links = self._links()
        figures = {
            "leaves": len(self._leaves),
            "places": self._settings.places,
            "links": len(links),
            "supers known": len(self._circle.book),
            "directory": len(self._directory),
            "admitted": self._leaves.admission.admitted,
            "refused": self._leaves.admission.refused,
            "sent on": self._leaves.sent_on,
        }
        roles = dict.fromkeys(links, SUPER) | dict.fromkeys(self._leaves.conns(), LEAF)
        neighbours = tuple(Neighbour(peer.conn, roles.get(peer.conn, "")) for peer in peers)
        return OverlayState(SUPER, neighbours, tuple(figures.items()), self._says())

    def _says(self) -> str:
        if self._setup.own_address() is None:
            return "nobody else hears of this super node: it is not known where it can be reached"
        return "" if self._links() else "no other super node is known: its peers are asked for some"
