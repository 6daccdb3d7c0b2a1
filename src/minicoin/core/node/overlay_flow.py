"""The network model as a part of the node: connections follow what it wants, items go where it sends them.

What it wants is asked whenever that may have changed: a peer became ready or left, addresses were learned, a deadline
of its own came, or it took a message. The connection manager keeps it and dials in its own time.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from minicoin.core.effects import AnswerQuestion, Effect, Send
from minicoin.core.events import QuestionAsked
from minicoin.core.limits import NEEDED_ADDRESSES_PER_PEER_MAX, OVERLAY_ADDRESSES_MAX
from minicoin.core.node.parts import CommonParts
from minicoin.core.overlay.contract import Hops, Item, NetworkView, Overlay, OverlayState, Spread, Wants
from minicoin.core.part import Handler, Part, PeerView, Route
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import ConnId, Micros, RequestId
from minicoin.core.wire.messages import Message
from minicoin.core.wire.messages_extension import ExtensionMessage

_Follow = Callable[[Iterable[Effect], Micros], Iterable[Effect]]
"""Passes effects on, and asks the model afterwards whom it wants."""


class _Followed:
    """A handler of the model, and whom it wants after that. No closure: each node has as many as there are messages."""

    __slots__ = ("_follow", "_handle")

    def __init__(self, follow: _Follow, handle: Handler[Message]) -> None:
        self._follow = follow
        self._handle = handle

    def __call__(self, peer: PeerView, message: Message, now: Micros) -> Iterable[Effect]:
        return self._follow(self._handle(peer, message, now), now)


class OverlayFlow(Part):
    """Around the overlay."""

    def __init__(self, parts: CommonParts, overlay: Overlay) -> None:
        self._parts = parts
        self._overlay = overlay
        self.alarm = overlay.alarm
        self._reached: tuple[NodeAddress, ...] = ()
        self._kept: tuple[bytes, ...] = ()
        self._told: tuple[Wants, tuple[NodeAddress, ...]] | None = None

    def routes(self) -> tuple[Route, ...]:
        follow = self._follow
        return tuple(replace(one, handle=_Followed(follow, one.handle)) for one in self._overlay.routes())

    def on_ready(self, peer: PeerView, now: Micros) -> Iterable[Effect]:
        return self._follow(self._overlay.on_ready(peer, now), now)

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> Iterable[Effect]:
        return self._follow(self._overlay.on_offer(peer, speaks, now), now)

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        return self._follow(self._overlay.on_closed(conn, now), now)

    def on_unreachable(self, address: NodeAddress, now: Micros) -> Iterable[Effect]:
        """A dial failed: the model may want somebody else."""
        return self._follow(self._overlay.on_unreachable(address, now), now)

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        return self._follow(self._overlay.on_deadline(now), now)

    def next_deadline(self) -> Micros | None:
        return self._overlay.next_deadline()

    def snapshot(self, now: Micros) -> object:
        return self._overlay.snapshot(now)

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        return self._overlay.digest(now, is_brief=is_brief)

    # --- whom to be connected to ---

    def _follow(self, effects: Iterable[Effect], now: Micros) -> Iterable[Effect]:
        # The effects first: what makes them may be lazy, and changes what is wanted.
        effects = tuple(effects)
        self.consider(now)
        return effects

    def consider(self, now: Micros) -> None:
        """Something changed: whom does it want now?"""
        wants = self._overlay.wants(self._view(now), now)
        told = (wants, self._reached)
        # Most events change nothing of it. Where those that are kept may be, the address book says anew each time.
        if told == self._told and not (self._kept or wants.unwanted):
            return
        self._told = told
        self._parts.connections.set_wants(
            full_relay=wants.full_relay,
            block_only=wants.block_only,
            addresses=(*self._reached, *wants.addresses),
            needed=tuple(address for peer_id in self._kept for address in self._places_of(peer_id)),
            unwanted=self._let_go(wants.unwanted),
            lets_go=wants.lets_go,
        )

    def keep(self, peer_ids: tuple[bytes, ...], now: Micros) -> None:
        """Members stay connected with these, whatever the model wants: they come before all others."""
        for peer_id in peer_ids:
            if peer_id not in self._kept:
                # It may have failed for long, as one of many.
                self._parts.connections.retry(self._places_of(peer_id))
        self._kept = peer_ids
        self.consider(now)

    def _places_of(self, peer_id: bytes) -> tuple[NodeAddress, ...]:
        """Where a peer may be: first where it answered, since others may name a hundred places."""
        book = self._parts.book
        found = sorted(book.of_peer(peer_id), key=lambda address: not book.has_answered(address))
        return tuple(found[:NEEDED_ADDRESSES_PER_PEER_MAX])

    def _let_go(self, unwanted: tuple[ConnId, ...]) -> tuple[ConnId, ...]:
        """Of those that the model wants no longer, the ones that nobody keeps."""
        if not self._kept:
            return unwanted
        kept = [peer.conn for peer in self._parts.peer_views() if peer.address.peer_id in self._kept]
        return tuple(conn for conn in unwanted if conn not in kept)

    def _view(self, now: Micros) -> NetworkView:
        def known(count: int) -> tuple[NodeAddress, ...]:
            return self._parts.book.known(now, min(count, OVERLAY_ADDRESSES_MAX))

        return NetworkView(self._parts.peer_views(), known, self._parts.book.of_peer)

    # --- how an item travels ---

    def spread(self, item: Item, now: Micros, peers: tuple[PeerView, ...] | None = None) -> tuple[Spread, ...]:
        """Which of these peers the item goes to, and how; of all that are ready where none are named. What the model
        has to say of it is on its way already, ahead of it."""
        spread = self._overlay.spread(item, self._parts.peer_views() if peers is None else peers, now)
        for one in spread:
            if one.ahead is not None:
                self._parts.emit(Send(one.conn, one.ahead))
        return spread

    # --- ways to a peer ---

    def route(self, target: bytes, peers: tuple[PeerView, ...], now: Micros) -> Hops:
        """To whom of these a letter for this peer goes next."""
        return self._overlay.route(target, peers, now)

    def reach(self, addresses: tuple[NodeAddress, ...], now: Micros) -> None:
        """Letters wait for these to be connected, and for no others: they come before whom the model wants."""
        self._reached = addresses
        self.consider(now)

    def find(self, request: RequestId, target: bytes, now: Micros) -> Iterable[Effect]:
        """Where a peer is, answered at once or later."""
        return self._follow(self._overlay.find(request, target, self._view(now), now), now)

    def on_question(self, event: QuestionAsked, now: Micros) -> None:
        """Somebody asks the model beside the wire."""
        answer = self._overlay.answer(event.peer_id, event.question, now)
        self._parts.emit(AnswerQuestion(event.conn, event.stream, answer))

    def about(self, now: Micros) -> OverlayState:
        """What the model shows of itself."""
        return self._overlay.about(self._parts.peer_views(), now)
