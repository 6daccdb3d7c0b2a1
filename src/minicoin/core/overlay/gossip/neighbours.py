"""Whom to be connected to: neighbours drawn from the view, the address book's draw where they are too few, and now and
then another one in the place of one.

A neighbour is a peer that this node dialled for its model or from the address book. A draw takes groups of addresses
that no neighbour is of. Who does not become ready in time is not drawn again for a while, and stays in the view: that
it cannot be reached from here says little about whether it lives.
"""

from collections.abc import Callable, Iterable
from typing import Final

from minicoin.core.limits import GOSSIP_NEIGHBOUR_AGAIN_US, GOSSIP_NEIGHBOUR_PATIENCE_US, GOSSIP_VIEW_MAX
from minicoin.core.overlay.contract import Wants
from minicoin.core.overlay.gossip.settings import GossipSettings
from minicoin.core.overlay.gossip.view import Member
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros

_Endpoint = tuple[str, int]
_OURS: Final = (SlotKind.FULL_RELAY, SlotKind.OVERLAY)


def is_neighbour(peer: PeerView) -> bool:
    """Whether a ready peer is one."""
    return peer.kind in _OURS


def _endpoint(address: NodeAddress) -> _Endpoint:
    return address.host, address.port


class Neighbours:
    """Of one node. `full_relay` and `block_only` are as many peers of the address book as the operator allows."""

    def __init__(
        self,
        settings: GossipSettings,
        full_relay: int,
        block_only: int,
        group_of: Callable[[NodeAddress], bytes],
        rng: Rng,
    ) -> None:
        self._settings = settings
        self._group_of = group_of
        self._full_relay = full_relay
        self._block_only = block_only
        self._rng = rng
        self._dialling: dict[NodeAddress, Micros] = {}
        self._tried: dict[_Endpoint, Micros] = {}
        self._leaving: ConnId | None = None
        self._is_swapping = False
        self._peers: tuple[PeerView, ...] | None = None
        self._wants = Wants()

    @property
    def tried_count(self) -> int:
        """How many are remembered that did not become ready."""
        return len(self._tried)

    def next_deadline(self) -> Micros | None:
        """When the patience with one that was drawn ends."""
        return min(self._dialling.values(), default=None)

    def swap(self) -> None:
        """One more is wanted, and when it is ready another one leaves."""
        self._is_swapping = True
        self.look_again()

    def look_again(self) -> None:
        """There may be others to choose from. Until then it is the peers that decide."""
        self._peers = None

    def wants(self, peers: tuple[PeerView, ...], members: Iterable[Member], now: Micros) -> Wants:
        """`peers` are ready, `members` may be drawn. Asked after every message, and as a rule nothing has changed."""
        is_patient = all(until > now for until in self._dialling.values())
        if peers is not self._peers or not is_patient:
            self._peers = peers
            self._wants = self._choose(peers, members, now)
        return self._wants

    def _choose(self, peers: tuple[PeerView, ...], members: Iterable[Member], now: Micros) -> Wants:
        if not self._full_relay:
            # The operator wants nobody to be dialled.
            return Wants(block_only=self._block_only)
        held = [peer for peer in peers if is_neighbour(peer)]
        self._look_after_dials(peers, now)
        if self._is_swapping and len(held) < self._settings.neighbours:
            # Somebody left by himself: that is change enough.
            self._is_swapping = False
        lacking = self._settings.neighbours + self._is_swapping - len(held) - len(self._dialling)
        if lacking > 0:
            self._draw(lacking, peers, members, now)
        if self._is_swapping and not self._dialling and len(held) <= self._settings.neighbours:
            # Nobody to take anybody's place.
            self._is_swapping = False
        self._choose_leaving(held)
        of_view = [peer.address for peer in held if peer.kind is SlotKind.OVERLAY]
        from_book = max(0, self._settings.neighbours_min - len(of_view))
        return Wants(
            full_relay=min(from_book, self._full_relay),
            block_only=self._block_only,
            addresses=(*of_view, *self._dialling),
            unwanted=() if self._leaving is None else (self._leaving,),
        )

    def _look_after_dials(self, peers: tuple[PeerView, ...], now: Micros) -> None:
        if not self._dialling:
            return
        endpoints = {_endpoint(peer.address) for peer in peers if not peer.is_inbound}
        ids = {peer.address.peer_id for peer in peers if peer.address.peer_id}
        for address, until in list(self._dialling.items()):
            if _endpoint(address) in endpoints or address.peer_id in ids:
                del self._dialling[address]
            elif until <= now:
                del self._dialling[address]
                self._note_tried(address, now)

    def _note_tried(self, address: NodeAddress, now: Micros) -> None:
        self._tried[_endpoint(address)] = Micros(now + GOSSIP_NEIGHBOUR_AGAIN_US)
        if len(self._tried) > GOSSIP_VIEW_MAX:
            del self._tried[next(iter(self._tried))]

    def _draw(self, count: int, peers: tuple[PeerView, ...], members: Iterable[Member], now: Micros) -> None:
        met = {_endpoint(peer.address) for peer in peers}
        met.update(map(_endpoint, self._dialling))
        ids = {peer.address.peer_id for peer in peers if peer.address.peer_id}
        eligible: list[Member] = []
        for member in members:
            endpoint = _endpoint(member.alive.address)
            is_met = endpoint in met or member.alive.address.peer_id in ids
            if not is_met and self._tried.get(endpoint, now) <= now:
                eligible.append(member)
        if not eligible:
            return
        near = [peer.address for peer in peers if is_neighbour(peer)]
        groups = [self._group_of(address) for address in (*near, *self._dialling)]
        self._rng.shuffle(eligible)
        for member in eligible:
            if not count:
                return
            if member.group not in groups:
                self._dialling[member.alive.address] = Micros(now + GOSSIP_NEIGHBOUR_PATIENCE_US)
                groups.append(member.group)
                count -= 1

    def _choose_leaving(self, held: list[PeerView]) -> None:
        """One at a time, where there are more than wanted; never the last that came."""
        if self._leaving is not None and any(peer.conn == self._leaving for peer in held):
            return
        self._leaving = None
        if len(held) > self._settings.neighbours:
            self._is_swapping = False
            self._leaving = self._rng.choice(held[:-1]).conn
