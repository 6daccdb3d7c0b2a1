"""The model put together: membership, neighbours, pushes, pulls and searches, on one clock with jitter.

What each of them decides is in its own module; here is who hears what and when. Rules and reasons: the package's head.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.answers import FoundBy
from minicoin.core.effects import Effect, Reply
from minicoin.core.overlay.contract import (
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
from minicoin.core.overlay.gossip.alive import Version
from minicoin.core.overlay.gossip.membership import Membership
from minicoin.core.overlay.gossip.messages import MESSAGES, Seek, Shuffle, Shuffled, Sought
from minicoin.core.overlay.gossip.neighbours import Neighbours, is_neighbour
from minicoin.core.overlay.gossip.searches import Searches
from minicoin.core.overlay.gossip.settings import read_settings
from minicoin.core.overlay.repair.chance import choose
from minicoin.core.overlay.repair.messages import Pull, Pulled
from minicoin.core.overlay.repair.pulls import Pulls
from minicoin.core.params.models import ANY_ROLE
from minicoin.core.part import PeerView, Route, route
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import ConnId, Micros, RequestId
from minicoin.core.wire.messages_extension import ExtensionMessage

# Those that nobody shall hear of, and those that end as soon as they have begun.
_RESERVED: Final = (SlotKind.BLOCK_ONLY, SlotKind.FEELER, SlotKind.SEED)
# Before Python 3.12, looking up a member of an enum costs more than making the value around it.
_PUSH: Final = SpreadBy.PUSH
_ANNOUNCE: Final = SpreadBy.ANNOUNCE
_TRANSACTION: Final = ItemKind.TRANSACTION
# Periods are drawn from these parts of what was chosen, so that no two nodes stay in step.
_STEADY: Final = (0.9, 1.1)
_WIDE: Final = (0.5, 1.5)


@dataclass(frozen=True, slots=True)
class GossipSnapshot:
    """What must be equal in equal nodes."""

    view: tuple[tuple[bytes, Version, Micros, bytes], ...]
    dead: int
    partners: tuple[ConnId, ...]
    open_searches: int
    rounds: tuple[int, int, int]
    """Of shuffles, of pulls, and pulls that were answered."""


class GossipOverlay(Overlay):
    """Rounds to random partners."""

    def __init__(self, setup: OverlaySetup) -> None:
        self.alarm = Alarm()
        self._settings = settings = read_settings(setup.settings)
        self._membership = Membership(setup, settings)
        self._neighbours = Neighbours(
            settings, setup.full_relay, setup.block_only, setup.group, setup.rng.stream("neighbours")
        )
        self._pulls = Pulls(setup.ledger, setup.rng.stream("pulls"), setup.group)
        self._searches = Searches(self._membership, settings, setup.rng.stream("searches"))
        self._pushes = setup.rng.stream("pushes")
        self._times = setup.rng.stream("times")
        if setup.records is not None:
            setup.records.exchange_by(settings.exchange)
        self._is_started = False
        self._alive_at = self._pull_at = self._reshuffle_at = Micros(0)
        self.alarm.by(Micros(0))

    # --- peers ---

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> Iterable[Effect]:
        """A partner, if it speaks all there is."""
        if not all(kind in speaks for kind in MESSAGES):
            return ()
        if peer.kind in _RESERVED:
            self._membership.serve(peer.conn)
            return ()
        return self._membership.greet(peer, now)

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        self._membership.forget(conn)
        self._pulls.forget(conn)
        self._searches.forget(conn)
        return ()

    def wants(self, view: NetworkView, now: Micros) -> Wants:
        wants = self._neighbours.wants(view.peers, self._membership.view, now)
        self.alarm.by(self._neighbours.next_deadline())
        return wants

    # --- time ---

    def next_deadline(self) -> Micros | None:
        own = (self._alive_at, self._pull_at, self._reshuffle_at)
        others = (self._neighbours.next_deadline(), self._searches.next_deadline())
        return min(*own, *(at for at in others if at is not None))

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        """What is due. Neighbours that did not become ready in time are wants()'s, which is asked after this."""
        if not self._is_started:
            return self._start(now)
        settings = self._settings
        effects: list[Effect] = self._searches.expire(now)
        if self._alive_at <= now:
            self._alive_at = self._later(now, settings.alive_period_us, _STEADY)
            effects += self._membership.begin_round(now)
            # There may be somebody new to be a neighbour.
            self._neighbours.look_again()
        if self._pull_at <= now:
            self._pull_at = self._later(now, settings.pull_period_us, _STEADY)
            effects += self._pulls.begin_round(list(self._membership.partners), settings.pull_peers, now)
        if self._reshuffle_at <= now:
            self._reshuffle_at = self._later(now, settings.reshuffle_period_us, _WIDE)
            self._neighbours.swap()
        return effects

    def _start(self, now: Micros) -> Iterable[Effect]:
        self._is_started = True
        settings = self._settings
        self._alive_at = self._later(now, settings.alive_period_us, (0.0, 1.0))
        self._pull_at = self._later(now, settings.pull_period_us, (0.0, 1.0))
        self._reshuffle_at = self._later(now, settings.reshuffle_period_us, _WIDE)
        return (self._membership.start(now),)

    def _later(self, now: Micros, period_us: int, parts: tuple[float, float]) -> Micros:
        low, high = parts
        return Micros(now + 1 + round(period_us * (low + (high - low) * self._times.uniform())))

    # --- messages ---

    def routes(self) -> tuple[Route, ...]:
        return (
            route(Shuffle, self._membership.take_shuffle),
            route(Shuffled, self._membership.take_shuffled),
            route(Pull, self._take_pull),
            route(Pulled, self._take_pulled),
            route(Seek, self._take_seek),
            route(Sought, self._searches.take_sought),
        )

    def _take_pull(self, peer: PeerView, message: Pull, now: Micros) -> Iterable[Effect]:
        return self._pulls.take_pull(peer, message, now) if self._membership.serves(peer.conn) else ()

    def _take_pulled(self, peer: PeerView, message: Pulled, now: Micros) -> Iterable[Effect]:
        self._pulls.take_pulled(peer, message, now)
        return ()

    def _take_seek(self, peer: PeerView, message: Seek, now: Micros) -> Iterable[Effect]:
        effects = self._searches.take_seek(peer, message, now)
        self.alarm.by(self._searches.next_deadline())
        return effects

    # --- how an item travels ---

    def spread(self, item: Item, peers: tuple[PeerView, ...], now: Micros) -> tuple[Spread, ...]:
        """Some partners are sent it, whoever is none is told of it."""
        partners = self._membership.partners
        is_transaction = item.kind is _TRANSACTION
        others: list[ConnId] = []
        told: list[Spread] = []
        for peer in peers:
            if peer.conn == item.origin or (is_transaction and not peer.takes_transactions):
                continue
            if peer.conn in partners:
                others.append(peer.conn)
            else:
                told.append(Spread(peer.conn, _ANNOUNCE))
        chosen = choose(self._pushes, others, self._settings.fanout)
        return (*[Spread(conn, _PUSH) for conn in chosen], *told)

    # --- where a peer is ---

    def find(self, request: RequestId, target: bytes, view: NetworkView, now: Micros) -> Iterable[Effect]:
        """A search, where neither connections nor the view say."""
        known = found_in(target, view)
        if known.by is FoundBy.CONNECTED:
            # Who dialled us is reached where it says that it listens.
            said = self._membership.know(target, now)
            addresses = known.addresses if said is None else (*known.addresses, said.alive.address)
            return (Reply(request, replace(known, addresses=tuple(dict.fromkeys(addresses)))),)
        effects = self._searches.begin(request, target, known, now)
        self.alarm.by(self._searches.next_deadline())
        return effects

    # --- for people and replays ---

    def about(self, peers: tuple[PeerView, ...], now: Micros) -> OverlayState:
        partners = self._membership.partners
        neighbours = tuple(
            Neighbour(peer.conn, "neighbour" if is_neighbour(peer) else "partner" if peer.conn in partners else "")
            for peer in peers
        )
        figures = (
            ("view", len(self._membership.view)),
            ("dead", self._membership.view.dead_count),
            ("partners", len(partners)),
            ("shuffles", self._membership.rounds),
            ("pulls", self._pulls.rounds),
            ("searches", len(self._searches)),
        )
        return OverlayState(ANY_ROLE, neighbours, figures)

    def snapshot(self, now: Micros) -> GossipSnapshot:
        view = self._membership.view
        return GossipSnapshot(
            view=tuple((one.alive.peer_id, one.alive.version, one.spoke_at, one.source) for one in view),
            dead=view.dead_count,
            partners=tuple(self._membership.partners),
            open_searches=len(self._searches),
            rounds=(self._membership.rounds, self._pulls.rounds, self._pulls.answers),
        )
