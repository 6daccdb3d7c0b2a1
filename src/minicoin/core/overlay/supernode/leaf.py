"""A leaf: attached to a few super nodes, which bring it everything and take everything from it.

Decides whom to attach to, and what to do when a parent goes. The package's head tells the rules.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.effects import Effect, SaveState, Send
from minicoin.core.limits import SUPERS_TOLD_MAX
from minicoin.core.overlay.contract import (
    OVERLAY_KEY,
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
    flood_unless_met,
    found_in,
)
from minicoin.core.overlay.supernode.circle import Circle, Near
from minicoin.core.overlay.supernode.election import AIM_PERMILLE, FULL_PERMILLE, SupersSeen
from minicoin.core.overlay.supernode.entries import LEAF_KEY, LIFE_US, STATUS_KEY, Attachment, Signer
from minicoin.core.overlay.supernode.finds import LeafFinds
from minicoin.core.overlay.supernode.memory import read_memory, write_memory
from minicoin.core.overlay.supernode.messages import (
    SuperAsk,
    SuperAttach,
    SuperFind,
    SuperFound,
    SuperNews,
    SuperPlace,
    Verdict,
    Wanted,
)
from minicoin.core.overlay.supernode.parents import Parent, Parents
from minicoin.core.overlay.supernode.search import FAILED_REST_US, Search
from minicoin.core.overlay.supernode.settings import LEAF, SUPER, SupernodeSettings
from minicoin.core.overlay.supernode.supers import BEST_OF, choose_super
from minicoin.core.overlay.supernode.tips import WINDOW
from minicoin.core.part import PeerView, Route, route
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import AUTOMATIC, SlotKind
from minicoin.core.records.record import SignedRecord
from minicoin.core.units import MINUTE_US, SECOND_US, ConnId, Micros, RequestId
from minicoin.core.wire.messages_extension import ExtensionMessage

_ORPHANED_US: Final = 2 * SECOND_US
"""Within this time, at random, a leaf without parents looks for one."""
_LOST_ONE_US: Final = 10 * SECOND_US
"""And one that still has another."""
_LOST_REST_US: Final = 10 * SECOND_US
"""To the connection manager, too, one that went has failed, and it waits some seconds."""
_DOUBTED_REST_US: Final = 10 * MINUTE_US
_SIGN_AFTER_US: Final = 2 * SECOND_US
"""Parents found one after the other stand in one signed record."""
_DIALS_PER_PARENT: Final = 2
"""A leaf without parents tries so many super nodes at a time for each that it wants, while the first are slow."""
_FIRST_PEERS: Final = 3
"""So many peers of the address book a leaf that begins asks for super nodes: who is one knows all the others."""
_FEW_SEARCHES: Final = 4
"""After so many in vain it asks as many as Bitcoin's nodes have, and with each one more it lets one of those go."""
_SAFE_PARENTS: Final = 2
"""With so many a leaf needs nobody from the address book any more."""


@dataclass(frozen=True, slots=True)
class LeafSnapshot:
    """What is equal in equal leaves."""

    parents: tuple[tuple[ConnId, int], ...]
    """And at how many looks in a row each was doubted."""
    reaching: tuple[bytes, ...]
    supers: tuple[tuple[bytes, int], ...]
    wakes_at: Micros | None
    drawn: int


class LeafOverlay(Overlay):
    """The model of a node that is a leaf."""

    def __init__(self, setup: OverlaySetup) -> None:
        """Raises DecodeError for a damaged document."""
        self.alarm = Alarm()
        self._setup = setup
        self._settings = SupernodeSettings.of(setup.settings)
        self._rng = setup.rng
        self._circle = Circle(setup)
        self._search = Search(self._circle, self.alarm, setup.rng)
        self._finds = LeafFinds()
        # A node that is recorded has no identity: it sits where it sits, and no directory knows.
        self._signer = None if setup.identity is None else Signer(setup.identity, setup.network_id)
        self._remembered = read_memory(setup.saved)
        self._saved = self._remembered
        self._parents = Parents()
        self._left: list[ConnId] = []
        """Connections of super nodes that are of no use to us any more."""
        self._sign_at: Micros | None = None
        self._check_at: Micros | None = None
        self._changes_peers = False
        """Those that the address book drew know no super node: one of them makes room for another."""
        self._sat = False
        """It had a parent."""
        self._lost = 0
        """Parents that went and were not replaced yet."""
        self._reattached = 0
        self._refused = 0
        self._given_up = 0

    def routes(self) -> tuple[Route, ...]:
        return (
            route(SuperNews, self.take_news),
            route(SuperAsk, self.take_ask),
            route(SuperAttach, self.take_attach),
            route(SuperPlace, self.take_place),
            route(SuperFind, self.take_find),
            route(SuperFound, self.take_found),
        )

    # --- peers ---

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> Iterable[Effect]:
        """A peer of the model: whoever it is, it may know super nodes."""
        if SuperAsk not in speaks:
            return ()
        near = self._circle.meet(peer, now)
        # A super node tells its status by itself, and others as soon as we sit there.
        if near.peer_id in self._search.dials:
            return ()
        if self._missing(now) <= 0:
            # Sought no more, if we sought it.
            self._left += [peer.conn] if peer.kind is SlotKind.OVERLAY else []
            return ()
        return (self._circle.ask(near, now),)

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        near = self._circle.near.pop(conn, None)
        if near is None:
            return ()
        if conn in self._parents:
            self._lose(conn, now)
        elif self._search.dials.end(near.peer_id) is not None:
            self._search.rest(near.peer_id, FAILED_REST_US, now)
            self._search.within(_ORPHANED_US, now)
        return self._finds.on_closed(conn, self._parents.in_turn(), now)

    def on_unreachable(self, address: NodeAddress, now: Micros) -> Iterable[Effect]:
        self._search.unreachable(address, now)
        return ()

    def _lose(self, conn: ConnId, now: Micros) -> None:
        """A parent is gone, or sent us away. Others lost it as well: not all of us come back at once."""
        parent = self._parents.pop(conn)
        assert parent is not None
        self._lost += 1
        # It may be down, or our line was: where others are known they are asked first.
        has_others = len(self._circle.book) > 1
        self._search.rest(parent.near.peer_id, _LOST_REST_US if has_others else _ORPHANED_US, now)
        self._search.within(_LOST_ONE_US if len(self._parents) else _ORPHANED_US, now)
        self._sign_soon(now)

    # --- looking for parents ---

    def _missing(self, now: Micros) -> int:
        """How many more are to be tried. Without parents others are tried beside those that are slow."""
        dials, wanted = self._search.dials, self._settings.parents - self._parents.trusted_count
        if len(self._parents):
            return wanted - len(dials)
        return min(wanted - len(dials.prompt(now)), _DIALS_PER_PARENT * wanted - len(dials))

    def _seek(self, now: Micros) -> list[Effect]:
        """Find whom to ask for a place, or whom to ask for super nodes."""
        effects: list[Effect] = []
        while self._missing(now) > 0:
            found = self._choose(now)
            if found is None:
                self._changes_peers = not len(self._circle.book) and self._search.fruitless >= _FEW_SEARCHES
                effects += self._search.ask_around(now)
                break
            self._search.reach(found, now)
            conn = self._circle.conn_of(found.peer_id)
            effects += [] if conn is None else self._request(self._circle.near[conn], now)
        prompt = self._search.dials.prompt(now)
        if prompt and not len(self._parents):
            self._search.by(min(dial.slow_at for dial in prompt))
        return effects

    def _choose(self, now: Micros) -> NodeAddress | None:
        """The next super node to ask: one that we remember, where no parent is of those; else by its status."""
        circle, dials = self._circle, self._search.dials
        groups = [parent.group for parent in self._parents] + [dial.group for dial in dials]
        taken = [parent.near.peer_id for parent in self._parents] + [dial.peer_id for dial in dials]

        def is_free(address: NodeAddress | None) -> bool:
            return (
                address is not None
                and address.peer_id not in taken
                and address.peer_id != self._setup.peer_id
                and not circle.rests.is_resting(address.peer_id, now)
                and circle.group(address) not in groups
            )

        if not any(address.peer_id in taken for address in self._remembered):
            known = next(filter(is_free, self._remembered), None)
            if known is not None:
                return known
        near = (near.status for near in circle.near.values() if near.status is not None)
        unique = {one.address: one for one in (*circle.book, *near) if is_free(one.address)}
        # Statuses tell how it was before a rush: the less loaded of a few would be the same few for everybody in it.
        chosen = choose_super(unique.values(), self._rng, BEST_OF if len(self._parents) else 1)
        return None if chosen is None else chosen.address

    def _request(self, near: Near, now: Micros) -> list[Effect]:
        """Ask for a place, as soon as it said that it is a super node."""
        dial = self._search.dials.get(near.peer_id)
        if dial is None or dial.conn is not None or near.status is None:
            return []
        if len(self._parents) and near.status.height + WINDOW < self._setup.ledger.tip_height():
            # It has not caught up itself; without any parent even that is better than nobody.
            self._give_up(near, FAILED_REST_US, now)
            return []
        dial.conn = near.peer.conn
        return [Send(near.peer.conn, SuperAttach(len(self._parents)))]

    def _give_up(self, near: Near, rest_us: int, now: Micros) -> None:
        self._search.dials.end(near.peer_id)
        self._search.rest(near.peer_id, rest_us, now)
        self._search.within(_ORPHANED_US, now)
        self._left.append(near.peer.conn)

    # --- messages ---

    def take_news(self, peer: PeerView, message: SuperNews, now: Micros) -> Iterable[Effect]:
        """Super nodes; the peer's own status among them, where it is one."""
        near = self._circle.near.get(peer.conn)
        if near is None:
            return ()
        before = len(self._circle.book), near.status is None
        # A leaf has no use for more, nor for where others sit.
        for record in message.records[: SUPERS_TOLD_MAX + 1]:
            if record.key == STATUS_KEY:
                self._circle.take_status(near, record, now)
        near.asked_at = None
        effects = self._request(near, now)
        if (len(self._circle.book), near.status is None) != before and self._missing(now) > 0:
            effects += self._seek(now)
        return effects

    def take_ask(self, peer: PeerView, message: SuperAsk, now: Micros) -> Iterable[Effect]:
        """Anybody may ask for super nodes; a leaf has no pages."""
        near = self._circle.near.get(peer.conn)
        if near is None or message.wanted is not Wanted.SUPERS or not self._circle.may_answer(near, now):
            return ()
        return (self._circle.tell(near, None),)

    def take_attach(self, peer: PeerView, message: SuperAttach, now: Micros) -> Iterable[Effect]:
        """Somebody takes us for a super node."""
        near = self._circle.near.get(peer.conn)
        if near is None or not near.questions.take(now):
            return ()
        return (Send(peer.conn, SuperPlace(Verdict.NO_SUPER)),)

    def take_place(self, peer: PeerView, message: SuperPlace, now: Micros) -> Iterable[Effect]:
        """What came of our wish, or that our place has ended."""
        conn, near = peer.conn, self._circle.near.get(peer.conn)
        if near is None:
            return ()
        if message.verdict is Verdict.ENDED and conn in self._parents:
            self._lose(conn, now)
            self._left.append(conn)
            return ()
        dial = self._search.dials.get(near.peer_id)
        if dial is None or dial.conn != conn:
            if message.verdict is not Verdict.PLACED or conn in self._parents:
                return ()
            # We have stopped waiting for it, and it must not keep a place for us.
            return (Send(conn, SuperPlace(Verdict.ENDED)),)
        if message.verdict is Verdict.PLACED:
            return self._settle(near, dial.group, now)
        self._refused += 1
        if message.verdict is Verdict.LATER and self._search.stay(dial, max(1, message.retry_s), now):
            return ()
        self._give_up(near, max(1, message.retry_s) * SECOND_US, now)
        return ()

    def _settle(self, near: Near, group: bytes, now: Micros) -> list[Effect]:
        """We have a place there."""
        self._search.found(near.peer_id)
        self._parents.add(Parent(near, group, now))
        self._sat = True
        if self._lost:
            self._lost -= 1
            self._reattached += 1
        effects = self._leave_doubted(now)
        self._sign_soon(now)
        if self._check_at is None:
            self._check_later(now)
        missing = self._missing(now)
        self._left += self._search.drop(-missing)
        if missing > 0:
            # From the first we learn of the others.
            effects.append(self._circle.ask(near, now))
        else:
            self._search.at = None
        return effects

    def _leave_doubted(self, now: Micros) -> list[Effect]:
        doubted = self._parents.part_with_doubted()
        for parent in doubted:
            self._search.rest(parent.near.peer_id, _DOUBTED_REST_US, now)
            self._given_up += 1
            self._lost += 1
            self._left.append(parent.conn)
            self._sign_soon(now)
        return [Send(parent.conn, SuperPlace(Verdict.ENDED)) for parent in doubted]

    # --- what we sign ---

    def _sign_soon(self, now: Micros) -> None:
        self._sign_at = Micros(now + _SIGN_AFTER_US)
        self.alarm.by(self._sign_at)

    def _sign(self, now: Micros) -> list[Effect]:
        """Tell our parents where we sit, who tell each other, and remember it ourselves."""
        parents = [parent.near for parent in self._parents]
        if not parents:
            self._sign_at = None
            return []
        self._sign_at = Micros(now + LIFE_US // 2 - self._rng.below(LIFE_US // 8))
        effects: list[Effect] = []
        if self._signer is not None:
            where = Attachment(self._setup.own_address(), tuple(near.peer_id for near in parents))
            record = self._signer.sign(LEAF_KEY, where.encode(), now)
            effects += [Send(near.peer.conn, SuperNews((record,))) for near in parents]
        if len(self._circle.book) <= len(parents):
            # Who came when the network began has nobody to turn to if they go: they had met nobody either.
            effects += [self._circle.ask(near, now) for near in parents]
        reached = tuple(near.address for near in parents if near.address is not None)
        if reached != self._saved:
            self._saved = reached
            effects.append(SaveState(OVERLAY_KEY, write_memory(reached)))
        return effects

    # --- looking at the parents ---

    def _check_later(self, now: Micros) -> None:
        period_us = self._settings.check * SECOND_US
        self._check_at = Micros(now + period_us - self._rng.below(period_us // 4))
        self.alarm.by(self._check_at)

    def _check(self, now: Micros) -> list[Effect]:
        """What they said since the last look, and ask them again."""
        self._circle.book.expire(now)
        self._check_later(now)
        ledger = self._setup.ledger
        self._parents.look(ledger.tip_height(), ledger.recent_blocks(WINDOW))
        effects = self._leave_doubted(now)
        if self._missing(now) > 0:
            self._search.within(_ORPHANED_US, now)
        return effects + [self._circle.ask(parent.near, now) for parent in self._parents]

    # --- time ---

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        effects: list[Effect] = []
        self._left += self._search.overdue(now)
        if self._check_at is not None and self._check_at <= now:
            effects += self._check(now)
        waited = [dial.conn for dial in self._search.waited(now) if dial.conn is not None]
        effects += [Send(conn, SuperAttach(len(self._parents))) for conn in waited]
        if self._search.is_due(now):
            effects += self._seek(now)
        if self._sign_at is not None and self._sign_at <= now:
            effects += self._sign(now)
        return effects + self._finds.on_deadline(self._parents.in_turn(), now)

    def next_deadline(self) -> Micros | None:
        times = (self._search.next_deadline(), self._sign_at, self._check_at, self._finds.next_deadline())
        return min((at for at in times if at is not None), default=None)

    # --- what it wants ---

    def wants(self, view: NetworkView, now: Micros) -> Wants:
        """Its parents and those it is about to ask; the address book's draw while it has none and nobody to ask."""
        left, self._left = self._left, []
        dials = self._search.dials
        is_safe = len(self._parents) >= min(_SAFE_PARENTS, self._settings.parents)
        unwanted = [
            peer.conn
            for peer in view.peers
            if (peer.conn in left if peer.kind is SlotKind.OVERLAY else is_safe and peer.kind in AUTOMATIC)
            and peer.conn not in self._parents
            and peer.address.peer_id not in dials
        ]
        own = [parent.near.peer.address for parent in self._parents if not parent.near.peer.is_inbound]
        # Not before its time to look has come: all that lost the same super nodes would dial at one moment.
        is_in_vain = self._search.fruitless > 0 or self._search.unreached >= self._settings.parents
        is_lost = not len(self._parents) and is_in_vain
        # Where parents are gone all super nodes that are known may be, and it needs peers to live with at once.
        begins = not self._sat and self._search.fruitless < _FEW_SEARCHES
        drawn = min(_FIRST_PEERS if begins else self._setup.full_relay, self._setup.full_relay)
        if self._changes_peers:
            self._changes_peers = False
            taken = [peer.conn for peer in view.peers if peer.kind is SlotKind.FULL_RELAY]
            unwanted += taken[:1] if len(taken) >= drawn else []
        return Wants(
            full_relay=drawn if is_lost else 0,
            addresses=(*own, *(dial.address for dial in dials)),
            unwanted=tuple(unwanted),
            lets_go=True,
        )

    def spread(self, item: Item, peers: tuple[PeerView, ...], now: Micros) -> tuple[Spread, ...]:
        """Our own is pushed to one parent and announced to the others, so that none alone can keep it back; what we
        heard is announced."""
        is_transaction = item.kind is ItemKind.TRANSACTION
        takers = [
            peer.conn for peer in peers if peer.conn != item.origin and (peer.takes_transactions or not is_transaction)
        ]
        pushed = None if item.origin is not None else next((conn for conn in takers if conn in self._parents), None)
        return tuple(Spread(conn, SpreadBy.PUSH if conn == pushed else SpreadBy.ANNOUNCE) for conn in takers)

    # --- where somebody is ---

    def route(self, target: bytes, peers: tuple[PeerView, ...], now: Micros) -> Hops:
        """The addressee where we are connected to it, else our parents in turn."""
        there = {peer.conn: None for peer in peers}
        parents = tuple(near.peer.conn for near in self._parents.in_turn() if near.peer.conn in there)
        is_met = any(peer.address.peer_id == target for peer in peers)
        return Hops(parents) if parents and not is_met else flood_unless_met(target, peers)

    def find(self, request: RequestId, target: bytes, view: NetworkView, now: Micros) -> Iterable[Effect]:
        effects = self._finds.begin(request, target, found_in(target, view), self._parents.in_turn(), now)
        self.alarm.by(self._finds.next_deadline())
        return effects

    def take_find(self, peer: PeerView, message: SuperFind, now: Micros) -> Iterable[Effect]:
        """A leaf keeps no directory."""
        near = self._circle.near.get(peer.conn)
        if near is None or not near.questions.take(now):
            return ()
        return (Send(peer.conn, SuperFound(message.number, ())),)

    def take_found(self, peer: PeerView, message: SuperFound, now: Micros) -> Iterable[Effect]:
        near = self._circle.near.get(peer.conn)
        if near is None:
            return ()

        def is_believed(record: SignedRecord) -> bool:
            return self._circle.verify(near, record, now)

        effects = self._finds.take(near, message, is_believed, self._parents.in_turn(), now)
        self.alarm.by(self._finds.next_deadline())
        return effects

    # --- an election ---

    def supers_seen(self, now: Micros) -> SupersSeen:
        """What it sees of those it sits at, and whether they are enough."""
        statuses = [parent.near.status for parent in self._parents if parent.near.status is not None]
        # Of many that vanished together one is always being tried: all of them, and none was there, is to find none.
        is_orphaned = not len(self._parents) and self._search.unreached >= max(1, len(self._circle.book))
        return SupersSeen(
            loads=tuple(status.load_permille for status in statuses),
            leaves=sum(status.leaves for status in statuses) // max(1, len(statuses)),
            is_short=is_orphaned or (self._missing(now) > 0 and self._search.fruitless > 0),
            is_reachable=self._setup.own_address() is not None,
            delay_ms=self._circle.median_delay_ms(),
        )

    def farewell(self, now: Micros) -> tuple[list[Effect], tuple[ConnId, ...]]:
        """It is a leaf no longer: its places are free, its connections of use to a super node."""
        ended: list[Effect] = [Send(parent.conn, SuperPlace(Verdict.ENDED)) for parent in self._parents]
        return ended + self._finds.end_all(now), ()

    def statuses(self) -> dict[ConnId, SignedRecord]:
        return self._circle.statuses()

    def change_over(self, now: Micros) -> list[Effect]:
        """Leave the fullest parent, if it is full and another super node is known that is half empty: one that has
        just become one gets its leaves so, and the others have room again."""
        loads = [(parent.near.status.load_permille, parent) for parent in self._parents if parent.near.status]
        load, fullest = max(loads, key=lambda one: one[0], default=(0, None))
        if fullest is None or load < FULL_PERMILLE or len(self._parents) < 2:
            return []
        near = [parent.near.peer_id for parent in self._parents]
        groups = [parent.group for parent in self._parents if parent is not fullest]
        if not any(
            status.places
            and status.load_permille < AIM_PERMILLE
            and status.address is not None
            and status.address.peer_id not in near
            and self._circle.group(status.address) not in groups
            and not self._circle.rests.is_resting(status.address.peer_id, now)
            for status in self._circle.book
        ):
            return []
        self._lose(fullest.conn, now)
        self._search.rest(fullest.near.peer_id, _DOUBTED_REST_US, now)
        self._left.append(fullest.conn)
        return [Send(fullest.conn, SuperPlace(Verdict.ENDED))]

    # --- what it shows ---

    def snapshot(self, now: Micros) -> LeafSnapshot:
        return LeafSnapshot(
            parents=tuple((parent.conn, parent.looks) for parent in self._parents),
            reaching=tuple(dial.peer_id for dial in self._search.dials),
            supers=tuple(sorted(self._circle.book.versions())),
            wakes_at=self.next_deadline(),
            drawn=self._rng.position,
        )

    def about(self, peers: tuple[PeerView, ...], now: Micros) -> OverlayState:
        figures = {
            "parents": len(self._parents),
            "parents wanted": self._settings.parents,
            "supers known": len(self._circle.book),
            "re-attachments": self._reattached,
            "refusals": self._refused,
            "parents given up": self._given_up,
        }
        return OverlayState(LEAF, tuple(self._neighbour(peer) for peer in peers), tuple(figures.items()), self._says())

    def _neighbour(self, peer: PeerView) -> Neighbour:
        near = self._circle.near.get(peer.conn)
        if peer.conn in self._parents:
            return Neighbour(peer.conn, "parent")
        return Neighbour(peer.conn, SUPER if near is not None and near.status is not None else "")

    def _says(self) -> str:
        if len(self._parents):
            return "; ".join(f"a parent is doubted: {parent.doubt}" for parent in self._parents if parent.doubt)
        if len(self._circle.book):
            return "no super node has taken it yet: asking one after the other"
        if self._circle.near:
            return "no super node is known: its peers were asked, and named none yet"
        return "no super node is known, and no peer that could name one: waiting for peers from the address book"
