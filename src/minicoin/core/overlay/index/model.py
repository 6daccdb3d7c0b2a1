"""A node's share of the model of a central index, as a part: whom it is connected to, and what goes where. The
package's head tells the rules."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.answers import FoundBy, PeerFound
from minicoin.core.effects import Effect, Reply, SaveState, Send
from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.limits import (
    INDEX_LOOK_EVERY_US,
    INDEX_PAGE_RECORDS_MAX,
    INDEX_SAVE_EVERY_US,
    INDEXES_FOLLOWED_MAX,
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
    announce_to_all,
)
from minicoin.core.overlay.index.confirmation import Doubts, Judgement, Standing
from minicoin.core.overlay.index.entry import MemberEntry, is_genuine, sign_entry
from minicoin.core.overlay.index.finds import Finds, found_at
from minicoin.core.overlay.index.known import KnownMembers
from minicoin.core.overlay.index.member import IndexMembership
from minicoin.core.overlay.index.messages import (
    IdxAsk,
    IdxDelta,
    IdxFind,
    IdxHello,
    IdxJoin,
    IdxKnown,
    IdxNext,
    IdxPage,
    IdxRefuse,
)
from minicoin.core.overlay.index.registrar import Registrar
from minicoin.core.overlay.index.repair import IndexRepair
from minicoin.core.overlay.index.settings import INDEX, IndexSettings
from minicoin.core.overlay.index.witnesses import Witnesses
from minicoin.core.overlay.repair.messages import Pull, Pulled
from minicoin.core.part import PeerView, Route, route
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import CHOSEN_BY_OPERATOR, SlotKind
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId
from minicoin.core.wire.messages_extension import ExtensionMessage

_LIFE_PER_RENEWAL: Final = 3
_PATIENCE_US: Final = 10 * SECOND_US
"""So long a member that begins waits for the indexes that the network names, before it looks for others elsewhere."""
_CHOSEN_ELSEWHERE: Final = (SlotKind.FULL_RELAY, SlotKind.SEED, *CHOSEN_BY_OPERATOR)


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """What replay compares."""

    is_index: bool
    members: int
    at: int
    known: int
    followed: tuple[ConnId, ...]
    chosen: tuple[bytes, ...]
    pulls: int


class IndexOverlay(Overlay):
    """Both roles: an index is a member of the other indexes too."""

    def __init__(self, setup: OverlaySetup) -> None:
        """Raises DecodeError where what was saved cannot be read, MisuseError where our key signs no records."""
        self.alarm = Alarm()
        self._setup = setup
        self._settings = settings = IndexSettings.of(setup.settings)
        self._rng = setup.rng
        self._known = KnownMembers(setup.network_id, setup.peer_id)
        if setup.saved is not None:
            self._known.restore(setup.saved)
        self._registrar: Registrar | None = None
        if setup.role == INDEX:
            self._registrar = Registrar(setup.network_id, settings.delta_us, counts_groups=not setup.is_private_network)
        self._membership = IndexMembership(self._known, setup.rng.stream("membership"), settings.renew_us)
        self._witnesses = Witnesses(setup.rng.stream("witnesses"))
        self._doubts = Doubts()
        self._finds = Finds(setup.outbox, setup.rng.stream("finds"))
        self._repair = IndexRepair(setup)
        self._speakers: dict[ConnId, PeerView] = {}
        """Ready peers that speak this model."""
        self._indexes_met: dict[ConnId, bytes] = {}
        """Those of them that say they are indexes, followed or not: no neighbours, for they tell a few only."""
        self._chosen: dict[bytes, NodeAddress] = {}
        """Members we want to be connected to."""
        self._indexes_heard: dict[bytes, NodeAddress] = {}
        """Indexes that witnesses follow."""
        self._asked_of_us: dict[ConnId, Micros] = {}
        self._version = 0
        self._own: MemberEntry | None = None
        self._waits_until: Micros | None = None
        self._is_patient = bool(settings.index)
        self._look_at: Micros | None = None
        self._save_at: Micros | None = None
        self._saved_changes = 0
        self._judgements: tuple[Judgement, ...] = ()

    def routes(self) -> tuple[Route, ...]:
        return (
            route(IdxHello, self.take_hello),
            route(IdxJoin, self.take_join),
            route(IdxRefuse, self.take_refusal),
            route(IdxNext, self.take_next),
            route(IdxPage, self.take_page),
            route(IdxDelta, self.take_delta),
            route(IdxFind, self.take_find),
            route(IdxAsk, self.take_ask),
            route(IdxKnown, self.take_known),
            route(Pull, self._repair.take_pull),
            route(Pulled, self._repair.take_pulled),
        )

    # --- peers ---

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> Iterable[Effect]:
        """It speaks this model: say what we are."""
        if IdxHello not in speaks:
            return ()
        self._speakers[peer.conn] = peer
        self._repair.on_offer(peer.conn, speaks)
        is_index = self._registrar is not None
        return (Send(peer.conn, IdxHello(is_index, self._own_entry(now))),)

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        self._speakers.pop(conn, None)
        self._indexes_met.pop(conn, None)
        self._repair.on_closed(conn)
        self._asked_of_us.pop(conn, None)
        self._membership.on_closed(conn)
        self._witnesses.on_closed(conn)
        if self._registrar is not None:
            self._registrar.on_closed(conn, now)
        self._ring(now)
        return ()

    def take_hello(self, peer: PeerView, message: IdxHello, now: Micros) -> Iterable[Effect]:
        """A peer says what it is; whether it is an index for us, the network file says where it names any."""
        if message.entry is not None:
            if message.entry.peer_id != peer.address.peer_id:
                raise PeerFault("introduces itself with another's record")
            # An index is no member, so it is not learnt as one.
            if message.is_index and not is_genuine(message.entry, self._setup.network_id):
                raise PeerFault("introduces itself with a forged record")
            if not message.is_index:
                self._learn(message.entry)
        if message.is_index:
            self._indexes_met[peer.conn] = peer.address.peer_id
            self._chosen.pop(peer.address.peer_id, None)
        if message.is_index and self._is_believed(peer):
            self._membership.meet(peer, message.entry, now)
            self._repair.start(now)
        self._witnesses.start(now)
        self._ring(now)
        return ()

    def _is_believed(self, peer: PeerView) -> bool:
        named = self._settings.index
        if not named:
            return True
        return any(
            (peer.address.host, peer.address.port) == (one.host, one.port)
            if not one.peer_id
            else peer.address.peer_id == one.peer_id
            for one in named
        )

    # --- the index's side ---

    def take_join(self, peer: PeerView, message: IdxJoin, now: Micros) -> Iterable[Effect]:
        registrar = self._as_index()
        answer = registrar.join(peer, message, self._setup.group(peer.address), now)
        self._ring(now)
        return () if answer is None else (Send(peer.conn, answer),)

    def take_next(self, peer: PeerView, message: IdxNext, now: Micros) -> Iterable[Effect]:
        page = self._as_index().read_on(peer.conn, message.cursor, now)
        return () if page is None else (Send(peer.conn, page),)

    def take_find(self, peer: PeerView, message: IdxFind, now: Micros) -> Iterable[Effect]:
        found = self._as_index().get(message.peer_id)
        return (Send(peer.conn, IdxKnown(message.nonce, () if found is None else (found,))),)

    def _as_index(self) -> Registrar:
        if self._registrar is None:
            raise PeerFault("asks a member for what indexes do", score=10)
        return self._registrar

    # --- a member's side ---

    def take_refusal(self, peer: PeerView, message: IdxRefuse, now: Micros) -> Iterable[Effect]:
        self._membership.take_refusal(peer, message, now)
        self._judge(now)
        self._ring(now)
        return ()

    def take_page(self, peer: PeerView, message: IdxPage, now: Micros) -> Iterable[Effect]:
        self._membership.take_page(peer, message, now)
        self._on_learned(now)
        return ()

    def take_delta(self, peer: PeerView, message: IdxDelta, now: Micros) -> Iterable[Effect]:
        self._membership.take_delta(peer, message, now)
        self._on_learned(now)
        return ()

    def take_ask(self, peer: PeerView, message: IdxAsk, now: Micros) -> Iterable[Effect]:
        """A node wants to hear for whom we stand: for those we are connected to. What we heard of others may be what it
        doubts."""
        if self._asked_of_us.get(peer.conn, Micros(0)) > now:
            raise PeerFault("asks again at once whom we know", score=10)
        self._asked_of_us[peer.conn] = Micros(now + INDEX_LOOK_EVERY_US // 2)
        if self._registrar is not None:
            return (Send(peer.conn, IdxKnown(message.nonce, self._registrar.some(INDEX_PAGE_RECORDS_MAX))),)
        met = (self._known.get(one.address.peer_id) for one in self._speakers.values())
        entries = tuple(known.entry for known in met if known is not None and not known.entry.is_expired(now))
        indexes = tuple(one.entry for one in self._membership.followed if one.entry is not None)
        return (Send(peer.conn, IdxKnown(message.nonce, entries[:INDEX_PAGE_RECORDS_MAX], indexes)),)

    def take_known(self, peer: PeerView, message: IdxKnown, now: Micros) -> Iterable[Effect]:
        """The answer of an index to a search, or of a witness."""
        if self._finds.is_for(message.nonce):
            found = self._finds.take(peer, message, now)
            if found is not None:
                self._learn(found)
        else:
            for entry in self._witnesses.take(peer.conn, message, now):
                self._learn(entry)
            self._hear_of_indexes(message.indexes, now)
            self._judge(now)
        self._ring(now)
        return ()

    def _hear_of_indexes(self, entries: tuple[MemberEntry, ...], now: Micros) -> None:
        """Where no index is named, those that others follow are worth comparing with ours."""
        if self._settings.index:
            return
        for entry in entries:
            if not is_genuine(entry, self._setup.network_id):
                raise PeerFault("names an index with a forged record")
            if len(self._indexes_heard) < INDEXES_FOLLOWED_MAX and not entry.is_expired(now):
                self._indexes_heard.setdefault(entry.peer_id, entry.address)

    def _learn(self, entry: MemberEntry) -> None:
        if not self._known.learn(entry):
            raise PeerFault("names a member with a forged record")

    def _on_learned(self, now: Micros) -> None:
        if self._membership.joined_count:
            self._witnesses.start(now)
        self._judge(now)
        self._ring(now)

    def _judge(self, now: Micros) -> None:
        """Weigh what the indexes say."""
        met = {peer.address.peer_id for peer in self._speakers.values()}
        views = self._membership.views({peer_id for peer_id in self._chosen if peer_id in met})
        vouched = frozenset(self._witnesses.vouched) | frozenset(peer_id for peer_id in met if peer_id in self._known)
        vouched -= {one.peer.address.peer_id for one in self._membership.followed} | {self._setup.peer_id}
        self._judgements = tuple(
            self._doubts.judge(
                view,
                tuple(other for other in views if other is not view),
                vouched,
                heard=bool(self._witnesses.heard_count),
                now=now,
            )
            for view in views
        )

    # --- time ---

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        effects: list[Effect] = []
        if self._registrar is not None:
            for deltas, readers in self._registrar.on_deadline(now):
                # One message for all, which a world that passes objects makes once.
                effects += (Send(conn, delta) for delta in deltas for conn in readers)
        effects += (Send(conn, ask) for conn, ask in self._membership.pages_due(now))
        for conn, wants_view in self._membership.due(now):
            effects.append(Send(conn, IdxJoin(self._own_entry(now), wants_view)))
        if self._witnesses.check_at is not None and self._witnesses.check_at <= now:
            asked = self._witnesses.ask(self._witnesses_met(), now)
            effects += (Send(conn, ask) for conn, ask in asked)
            self._judge(now)
        self._finds.on_deadline(now)
        followed = [one.peer.conn for one in self._membership.followed]
        members = len(self._speakers) - len(self._indexes_met)
        effects += self._repair.on_deadline(followed, members, now)
        if self._waits_until is not None and self._waits_until <= now:
            self._waits_until, self._is_patient = None, False
        if self._look_at is not None and self._look_at <= now:
            self._look_at = None
        if self._save_at is not None and self._save_at <= now:
            self._save_at, self._saved_changes = None, self._known.changes
            effects.append(SaveState(OVERLAY_KEY, self._known.to_bytes()))
        self._ring(now)
        return effects

    def _witnesses_met(self) -> tuple[PeerView, ...]:
        """Members that no index led us to: whom the operator or the address book named, and whom an earlier run knew.
        Who dials us may have been sent; what indexes say of each other's views is seen in their own."""
        followed = {one.peer.conn for one in self._membership.followed}
        return tuple(
            peer
            for conn, peer in self._speakers.items()
            if conn not in followed and (peer.kind in _CHOSEN_ELSEWHERE or self._is_remembered(peer))
        )

    def _is_remembered(self, peer: PeerView) -> bool:
        known = self._known.get(peer.address.peer_id)
        return known is not None and known.is_remembered

    def _own_entry(self, now: Micros) -> MemberEntry | None:
        """Our record, signed anew where it is no longer fresh or we have moved: each peer keeps what it heard, so that
        all hear the same. None where nobody can dial us, or we sign nothing."""
        address, identity = self._setup.own_address(), self._setup.identity
        if address is None or identity is None:
            return None
        own = self._own
        # An index is joined anew after three quarters of a renewal at the earliest.
        is_fresh = own is not None and now < own.record.version + self._settings.renew_us // 2
        if own is not None and is_fresh and own.address == NodeAddress(address.host, address.port, own.peer_id):
            return own
        self._version = max(self._version + 1, now)
        life_us = _LIFE_PER_RENEWAL * self._settings.renew_us
        try:
            self._own = sign_entry(address, identity, self._setup.network_id, version=self._version, life_us=life_us)
        except MisuseError:
            # A name where an IP belongs: nobody could dial it.
            return None
        return self._own

    def _ring(self, now: Micros) -> None:
        if self._save_at is None and self._known.changes != self._saved_changes:
            self._save_at = Micros(now + INDEX_SAVE_EVERY_US)
        self.alarm.by(self.next_deadline())

    def next_deadline(self) -> Micros | None:
        times = [
            self._membership.next_deadline(),
            self._witnesses.check_at,
            self._finds.next_deadline(),
            self._repair.next_at,
            self._waits_until,
            self._look_at,
            self._save_at,
        ]
        if self._registrar is not None:
            times.append(self._registrar.next_deadline())
        return min((at for at in times if at is not None), default=None)

    # --- whom to be connected to ---

    def wants(self, view: NetworkView, now: Micros) -> Wants:
        """The indexes, some members, and one peer of the address book."""
        if self._look_at is None:
            met = {peer.address.peer_id for peer in view.peers}
            # Those that could not be reached by now make room for others.
            self._known.note_tries(self._chosen, met)
            self._chosen = {peer_id: at for peer_id, at in self._chosen.items() if peer_id in met}
            heard, own = self._indexes_heard, self._setup.peer_id
            self._indexes_heard = {peer_id: at for peer_id, at in heard.items() if peer_id in met and peer_id != own}
            self._judge(now)
            self._look_at = Micros(now + INDEX_LOOK_EVERY_US + self._rng.below(INDEX_LOOK_EVERY_US // 2))
            self.alarm.by(self._look_at)
        missing = self._settings.neighbours - len(self._chosen)
        if missing > 0:
            self._choose(missing)
        if self._is_patient and self._waits_until is None:
            self._waits_until = Micros(now + _PATIENCE_US)
            self.alarm.by(self._waits_until)
        # Until an index took it in, it looks for one as Bitcoin's nodes look for peers.
        is_in = self._registrar is not None or bool(self._membership.joined_count)
        from_book = min(1, self._setup.full_relay) if is_in or self._is_patient else self._setup.full_relay
        wanted = (*self._settings.index, *self._indexes_heard.values(), *self._chosen.values())
        return Wants(full_relay=from_book, addresses=wanted)

    def _choose(self, count: int) -> None:
        barred = {*self._indexes_met.values(), self._setup.peer_id}
        there = [known for known in self._known if not known.has_left and known.entry.peer_id not in barred]
        remembered = [known for known in there if known.is_remembered]
        if remembered and not any(known.entry.peer_id in self._chosen for known in remembered):
            # A witness, whatever the indexes say.
            one = self._rng.sample(remembered, 1)[0]
            self._chosen[one.entry.peer_id] = one.entry.address
            count -= 1
        fresh = [known for known in there if known.entry.peer_id not in self._chosen]
        self._rng.shuffle(fresh)
        # Whoever could not be reached comes behind the others, and is tried again where there is nobody else.
        fresh.sort(key=lambda known: known.missed)
        for known in fresh[: max(0, count)]:
            self._chosen[known.entry.peer_id] = known.entry.address

    # --- how items and letters travel ---

    def spread(self, item: Item, peers: tuple[PeerView, ...], now: Micros) -> tuple[Spread, ...]:
        """An index tells as many as a member has neighbours, and those who have just come and may have none yet."""
        if self._registrar is None:
            return announce_to_all(item, peers)
        some = self._rng.sample(peers, self._settings.neighbours)
        told = {peer.conn for peer in some} | self._registrar.newcomers(now)
        return announce_to_all(item, tuple(peer for peer in peers if peer.conn in told))

    def route(self, target: bytes, peers: tuple[PeerView, ...], now: Micros) -> Hops:
        """The addressee itself: connected, or to be connected to, its address being known. By way of the indexes, which
        are connected to their members, where it is not known, or is no longer where it was."""
        met = tuple(peer.conn for peer in peers if peer.address.peer_id == target)
        if met:
            return Hops(met)
        known = self._known.get(target)
        place = None if self._registrar is None else self._registrar.get(target)
        entry = place or (None if known is None else known.entry)
        reach = () if entry is None else (entry.address,)
        if place is not None or (known is not None and not known.has_left and not known.missed):
            return Hops(reach=reach)
        return Hops(tuple(one.peer.conn for one in self._membership.followed), reach)

    def find(self, request: RequestId, target: bytes, view: NetworkView, now: Micros) -> Iterable[Effect]:
        """From what we know, or by asking the indexes."""
        met = tuple(peer.address for peer in view.peers if peer.address.peer_id == target and not peer.is_inbound)
        if met:
            return (Reply(request, PeerFound(met, FoundBy.CONNECTED, is_certain=True)),)
        known = self._known.get(target)
        place = None if self._registrar is None else self._registrar.get(target)
        entry = place or (None if known is None else known.entry)
        if entry is not None and not entry.is_expired(now):
            return (Reply(request, found_at(entry, 0, b"", now)),)
        indexes = [one.peer.conn for one in self._membership.followed]
        question = self._finds.begin(request, target, len(indexes), now) if indexes else None
        if question is None:
            return () if indexes else (Reply(request, PeerFound()),)
        self._ring(now)
        return tuple(Send(conn, question) for conn in indexes)

    # --- what it shows ---

    def about(self, peers: tuple[PeerView, ...], now: Micros) -> OverlayState:
        followed = {one.peer.conn for one in self._membership.followed}
        readers = self._registrar.reader_count if self._registrar is not None else 0
        figures = [("known", len(self._known)), ("indexes", len(followed)), ("witnesses", self._witnesses.heard_count)]
        if self._registrar is not None:
            figures += [("members", len(self._registrar)), ("readers", readers), ("version", self._registrar.at)]
        neighbours = tuple(
            Neighbour(peer.conn, "index" if peer.conn in followed else "member" if peer.conn in self._speakers else "")
            for peer in peers
        )
        return OverlayState(self._setup.role, neighbours, tuple(figures), self._says())

    def _says(self) -> str:
        if self._registrar is not None and not self._membership.followed:
            return ""
        if not self._membership.followed:
            kept = f"; known from before: {len(self._known)}" if len(self._known) else ""
            return f"waits for an index: none is connected, and it is dialled again{kept}"
        contradicted = [one.says for one in self._judgements if one.standing is Standing.CONTRADICTED]
        if contradicted:
            return "contradicted: " + "; ".join(contradicted)
        if any(one.standing is Standing.CONFIRMED for one in self._judgements):
            return ""
        refused = [one.says for one in self._judgements if one.says]
        return "; ".join(refused) or "the view is unconfirmed: no witness besides this index was heard"

    def snapshot(self, now: Micros) -> IndexSnapshot:
        registrar = self._registrar
        return IndexSnapshot(
            is_index=registrar is not None,
            members=0 if registrar is None else len(registrar),
            at=0 if registrar is None else registrar.at,
            known=len(self._known),
            followed=tuple(one.peer.conn for one in self._membership.followed),
            chosen=tuple(self._chosen),
            pulls=self._repair.rounds,
        )
