"""The network model, chosen per network: whom to be connected to, and how an item travels.

1. An overlay is a part of the node: it hears of peers and of time, may have messages, deadlines and chance of its own,
   and what it wants beside connections is what it returns, effects.
2. Whom to be connected to it says when asked, whenever that may have changed: a deadline of its own came, it took a
   message, a peer became ready or left, addresses were learned. connmgr executes it, within what the operator allows.
3. How an item travels it says for each item: to which peers, and whether they are told of it or sent it unasked. relay
   and netsync know the mechanics, and leave out whoever has the item. By which model a peer speaks to us is its choice.
4. It decides on what it is shown, a bounded part of the address book, and keeps its own state bounded.
5. The model is no rule of the network: nodes of two models stay connected and exchange Bitcoin's messages.

This package head holds the interface; each model is one module, and models do not know each other; `table` names them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from minicoin.core.part import Part, PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros


class ItemKind(StrEnum):
    """What spreads through the network."""

    BLOCK = "block"
    TRANSACTION = "transaction"


@dataclass(frozen=True, slots=True)
class Item:
    """Something to spread. `origin` is the connection it came by, None for our own."""

    kind: ItemKind
    hash: bytes
    origin: ConnId | None = None


class SpreadBy(StrEnum):
    """How an item goes to one peer: told of, so that it asks (inv, headers), or sent whole unasked."""

    ANNOUNCE = "announce"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class Spread:
    """One peer an item goes to, and how."""

    conn: ConnId
    by: SpreadBy


def _nobody(count: int) -> tuple[NodeAddress, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class NetworkView:
    """What an overlay decides on."""

    peers: tuple[PeerView, ...] = ()
    """Those that are ready, in order of connection."""
    known: Callable[[int], tuple[NodeAddress, ...]] = _nobody
    """At most so many addresses of the book, and OVERLAY_ADDRESSES_MAX; a call, since few models want any."""


@dataclass(frozen=True, slots=True)
class Wants:
    """Whom to be connected to: so many peers from the address book, these addresses in overlay slots, and these
    connections no longer."""

    full_relay: int = 0
    block_only: int = 0
    addresses: tuple[NodeAddress, ...] = ()
    unwanted: tuple[ConnId, ...] = ()


@dataclass(frozen=True, slots=True)
class OverlaySetup:
    """What a model is made with."""

    rng: Rng
    full_relay: int
    block_only: int
    """As many peers from the address book as the operator gives slots."""


class Overlay(Part, Protocol):
    """A network model."""

    def wants(self, view: NetworkView, now: Micros) -> Wants:
        """Whom to be connected to, given who is."""
        ...

    def spread(self, item: Item, peers: tuple[PeerView, ...], now: Micros) -> tuple[Spread, ...]:
        """Which peers an item goes to, and how; never back to where it came from."""
        ...


MakeOverlay = Callable[[OverlaySetup], Overlay]


# Before Python 3.12, looking up a member of an enum costs more than making the value around it.
_ANNOUNCE: Final = SpreadBy.ANNOUNCE
_TRANSACTION: Final = ItemKind.TRANSACTION


def announce_to_all(item: Item, peers: tuple[PeerView, ...]) -> tuple[Spread, ...]:
    """Everybody but the origin is told; of transactions, whoever wants to hear of them."""
    is_transaction = item.kind is _TRANSACTION
    return tuple(
        [
            Spread(peer.conn, _ANNOUNCE)
            for peer in peers
            if peer.conn != item.origin and (peer.takes_transactions or not is_transaction)
        ]
    )
