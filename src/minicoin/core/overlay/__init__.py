"""The network model, chosen per network: whom to be connected to, how an item travels, how to reach a node.

An overlay only decides. connmgr executes its wants, relay the mechanics per peer, node its routes; discovery fills the
address book. This package head holds the interface; each model is one module, and models do not know each other.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import ConnId


class ItemKind(StrEnum):
    """What spreads through the network."""

    BLOCK = "block"
    TRANSACTION = "transaction"
    RECORD = "record"


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
class NetworkView:
    """What an overlay decides on: the peers in order of connection, and how many addresses the book holds."""

    peers: tuple[PeerView, ...] = ()
    book_size: int = 0
    own_peer_id: bytes = b""


@dataclass(frozen=True, slots=True)
class Wants:
    """Whom to be connected to: so many peers from the address book, these addresses in overlay slots, and these
    connections no longer."""

    full_relay: int = 0
    block_only: int = 0
    addresses: tuple[NodeAddress, ...] = ()
    unwanted: tuple[ConnId, ...] = ()


@dataclass(frozen=True, slots=True)
class Spread:
    """One peer an item goes to, and how."""

    conn: ConnId
    by: SpreadBy


class Overlay(Protocol):
    """A network model."""

    @property
    def name(self) -> str:
        """As network files name it."""
        ...

    def wanted(self, view: NetworkView) -> Wants:
        """Whom to be connected to, given who is."""
        ...

    def spread(self, item: Item, peers: tuple[PeerView, ...]) -> tuple[Spread, ...]:
        """Which peers an item goes to, and how; never back to where it came from."""
        ...

    def route(self, peer_id: bytes, view: NetworkView) -> tuple[ConnId, ...]:
        """Next hops towards a node, best first; empty where the model cannot tell."""
        ...
