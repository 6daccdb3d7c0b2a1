"""A node whose role is `auto`: a leaf until super nodes are needed, and one of them until there are too many.

Owns the change from one role to the other; `election` says when. The old role says goodbye, its places and parents end,
and the new one meets the peers that are there as if they had just come.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.effects import Effect
from minicoin.core.faults import MisuseError
from minicoin.core.limits import SUPER_PARENTS_MAX
from minicoin.core.overlay.contract import (
    Hops,
    Item,
    NetworkView,
    Overlay,
    OverlaySetup,
    OverlayState,
    Spread,
    Wants,
)
from minicoin.core.overlay.supernode.election import CHANGE_OVER_ONE_IN, Election
from minicoin.core.overlay.supernode.leaf import LeafOverlay, LeafSnapshot
from minicoin.core.overlay.supernode.memory import write_memory
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
)
from minicoin.core.overlay.supernode.settings import SupernodeSettings
from minicoin.core.overlay.supernode.super import SuperOverlay, SuperSnapshot
from minicoin.core.part import PeerView, Route, route
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.record import holds_key
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId
from minicoin.core.wire.messages import Message
from minicoin.core.wire.messages_extension import ExtensionMessage

_MESSAGES: Final = (SuperNews, SuperHave, SuperGet, SuperAsk, SuperPage, SuperAttach, SuperPlace, SuperFind, SuperFound)


@dataclass(frozen=True, slots=True)
class AutoSnapshot:
    """What is equal in equal nodes."""

    now: LeafSnapshot | SuperSnapshot
    election: tuple[int, ...]
    looks_at: Micros | None
    changes: int


class AutoOverlay(Overlay):
    """The model of a node in whichever of the two roles it is."""

    def __init__(self, setup: OverlaySetup) -> None:
        """Raises DecodeError for a damaged document, MisuseError for a node that could not sign as a super node."""
        if setup.identity is None or not holds_key(setup.peer_id):
            raise MisuseError("a node that may become a super node needs an Ed25519 or secp256k1 identity, unrecorded")
        self.alarm = Alarm()
        self._setup = setup
        settings = SupernodeSettings.of(setup.settings)
        self._rng = setup.rng.stream("election")
        self._election = Election(settings.parents, self._rng)
        self._period_us = settings.check * SECOND_US
        self._look_at: Micros | None = None
        self._met: dict[ConnId, tuple[PeerView, tuple[type[ExtensionMessage], ...]]] = {}
        self._ended: tuple[ConnId, ...] = ()
        """Connections of the role before, which nobody needs any more."""
        self._changes = 0
        self._role: LeafOverlay | SuperOverlay = self._take_up(LeafOverlay(setup))

    def _take_up(self, role: LeafOverlay | SuperOverlay) -> LeafOverlay | SuperOverlay:
        role.alarm.join(self.alarm)
        self._takers = {one.message: one.handle for one in role.routes()}
        return role

    def routes(self) -> tuple[Route, ...]:
        return tuple(route(kind, self.take) for kind in _MESSAGES)

    def take(self, peer: PeerView, message: Message, now: Micros) -> Iterable[Effect]:
        """To the role that the node has; what that does not take is for nobody."""
        taker = self._takers.get(type(message))
        return () if taker is None else taker(peer, message, now)

    # --- peers ---

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> Iterable[Effect]:
        self._met[peer.conn] = peer, speaks
        return self._role.on_offer(peer, speaks, now)

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        self._met.pop(conn, None)
        return self._role.on_closed(conn, now)

    def on_unreachable(self, address: NodeAddress, now: Micros) -> Iterable[Effect]:
        return self._role.on_unreachable(address, now)

    # --- time ---

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        effects = list(self._role.on_deadline(now))
        if self._look_at is None:
            self._look_later(now)
        elif self._look_at <= now:
            self._look_later(now)
            effects += self._look(now)
        self._role.alarm.set(self._role.next_deadline())
        return effects

    def next_deadline(self) -> Micros | None:
        times = (self._role.next_deadline(), self._look_at)
        return min((at for at in times if at is not None), default=None)

    def _look_later(self, now: Micros) -> None:
        self._look_at = Micros(now + self._period_us * 3 // 4 + self._rng.below(self._period_us // 2))
        self.alarm.by(self._look_at)

    def _look(self, now: Micros) -> list[Effect]:
        role = self._role
        seen = role.supers_seen(now)
        if isinstance(role, LeafOverlay):
            if self._election.leaf_stands(seen):
                return self._change(SuperOverlay(self._setup), now)
            return [] if self._rng.below(CHANGE_OVER_ONE_IN) else role.change_over(now)
        if not self._election.super_steps_back(seen):
            return []
        # It goes on where it was linked: whoever it links to is a super node that it knows.
        known = write_memory(role.linked()[:SUPER_PARENTS_MAX])
        return self._change(LeafOverlay(replace(self._setup, saved=known)), now)

    def _change(self, role: LeafOverlay | SuperOverlay, now: Micros) -> list[Effect]:
        effects, self._ended = self._role.farewell(now)
        statuses = self._role.statuses()
        self._role = self._take_up(role)
        self._changes += 1
        for peer, speaks in self._met.values():
            if peer.conn not in self._ended:
                effects += role.on_offer(peer, speaks, now)
            # Who is a super node has said so to the role before, and need not say it again for a while.
            if peer.conn in statuses and peer.conn not in self._ended:
                effects += role.take_news(peer, SuperNews((statuses[peer.conn],)), now)
        return effects

    # --- what it wants ---

    def wants(self, view: NetworkView, now: Micros) -> Wants:
        wants = self._role.wants(view, now)
        ended, self._ended = self._ended, ()
        return replace(wants, unwanted=(*wants.unwanted, *ended)) if ended else wants

    def spread(self, item: Item, peers: tuple[PeerView, ...], now: Micros) -> tuple[Spread, ...]:
        return self._role.spread(item, peers, now)

    def route(self, target: bytes, peers: tuple[PeerView, ...], now: Micros) -> Hops:
        return self._role.route(target, peers, now)

    def find(self, request: RequestId, target: bytes, view: NetworkView, now: Micros) -> Iterable[Effect]:
        return self._role.find(request, target, view, now)

    # --- what it shows ---

    def snapshot(self, now: Micros) -> AutoSnapshot:
        return AutoSnapshot(self._role.snapshot(now), self._election.state, self._look_at, self._changes)

    def about(self, peers: tuple[PeerView, ...], now: Micros) -> OverlayState:
        state = self._role.about(peers, now)
        return replace(state, figures=(*state.figures, ("changes of role", self._changes)))
