"""The interface between a node and its network model; the package head tells the rules."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from minicoin.core.answers import Answer, FoundBy, PeerFound, Reason
from minicoin.core.effects import Effect, Reply
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import OVERLAY_FLOOD_FANOUT
from minicoin.core.params.models import ANY_ROLE, SettingValue
from minicoin.core.part import Outbox, Part, PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash
from minicoin.core.records.store import RecordStore
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros, RequestId
from minicoin.core.wire.messages import InventoryVector
from minicoin.core.wire.messages_extension import ExtensionMessage

OVERLAY_KEY: Final = "overlay"
"""The SaveState key of what a model keeps over a stop."""


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
    ahead: ExtensionMessage | None = None
    """What the model has to say of the item; sent before it, to a peer that offered to hear it."""


def _nobody(count: int) -> tuple[NodeAddress, ...]:
    return ()


def _nowhere(peer_id: bytes) -> tuple[NodeAddress, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class NetworkView:
    """What an overlay decides on."""

    peers: tuple[PeerView, ...] = ()
    """Those that are ready, in order of connection."""
    known: Callable[[int], tuple[NodeAddress, ...]] = _nobody
    """At most so many addresses of the book, and OVERLAY_ADDRESSES_MAX; a call, since few models want any."""
    of_peer: Callable[[bytes], tuple[NodeAddress, ...]] = _nowhere
    """Those of one peer id in the whole book."""


@dataclass(frozen=True, slots=True)
class Wants:
    """Whom to be connected to: so many peers from the address book, these addresses in overlay slots, and these
    connections no longer."""

    full_relay: int = 0
    block_only: int = 0
    addresses: tuple[NodeAddress, ...] = ()
    unwanted: tuple[ConnId, ...] = ()
    lets_go: bool = False
    """Whom it wants no longer has not failed: when it is dialled again is the model's to say."""


@dataclass(frozen=True, slots=True)
class Hops:
    """Where a letter for a peer goes next."""

    conns: tuple[ConnId, ...] = ()
    """To be tried in this order."""
    reach: tuple[NodeAddress, ...] = ()
    """To be connected to for it: the addressee, or who is nearer to it."""
    is_flood: bool = False
    """The model knows no way: it goes to all of `conns`, and nobody can say whether it arrives."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What a ready peer is to the model: "parent", "leaf", "bucket 12"; empty where it is one like others."""

    conn: ConnId
    role: str = ""


@dataclass(frozen=True, slots=True)
class OverlayState:
    """What a model shows of itself, for people."""

    role: str
    neighbours: tuple[Neighbour, ...] = ()
    figures: tuple[tuple[str, int], ...] = ()
    """Counts by name: the size of its view, rounds, the size of each bucket."""
    says: str = ""
    """What a person should know: what it waits for and why, or what it doubts; empty where all is well."""


@dataclass(frozen=True, slots=True)
class PoolPage:
    """Some of what a mempool took, in the form that one peer asks for transactions."""

    inventory: tuple[InventoryVector, ...] = ()
    until: int = 0
    """The place in the order of admission that this went to; the next page begins behind it."""
    has_more: bool = False


def _no_pool(peer: PeerView, since: int, count: int) -> PoolPage:
    return PoolPage()


@dataclass(frozen=True, slots=True)
class LedgerView:
    """What a model may ask of the chain and the mempool, to name what a peer may lack."""

    tip_height: Callable[[], int]
    recent_blocks: Callable[[int], tuple[BlockHash, ...]]
    """At most so many of the active chain, the newest first."""
    pool_page: Callable[[PeerView, int, int], PoolPage] = _no_pool
    """What the mempool took since that place, at most so many and POOL_PAGE_WINDOW_MAX of the last, oldest first. The
    peer is to be told: it may ask for them from now on."""


def _no_ids(count: int) -> tuple[()]:
    return ()


def _no_address() -> None:
    return None


def _no_group(address: NodeAddress) -> bytes:
    return b""


class _Nowhere:
    """Where a model speaks that is told of no way out."""

    def emit(self, *effects: Effect) -> None:
        """Dropped."""

    def reply(self, request: RequestId | None, answer: Answer) -> None:
        """Dropped."""

    def refuse(self, request: RequestId | None, reason: Reason, text: str) -> None:
        """Dropped."""


@dataclass(frozen=True, slots=True)
class OverlaySetup:
    """What a model is made with."""

    rng: Rng
    full_relay: int
    block_only: int
    """As many peers from the address book as the operator gives slots."""
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    """All of the model's, those not chosen at their defaults; checked."""
    role: str = ""
    """One of the model's."""
    is_private_network: bool = False
    """Whole labs may live on one address."""
    own_address: Callable[[], NodeAddress | None] = _no_address
    """Where others reach us, with our peer id; None while that is unknown, and where we take no connections."""
    identity: Identity | None = None
    """Signs as us; None on plain TCP, and where the node is recorded."""
    peer_id: bytes = b""
    ledger: LedgerView = LedgerView(lambda: 0, _no_ids)
    group: Callable[[NodeAddress], bytes] = _no_group
    """The source group of an address, as the address book has it."""
    network_id: bytes = b""
    """What is signed is bound to."""
    outbox: Outbox = _Nowhere()
    records: RecordStore | None = None
    """What nodes say of themselves and of the network, signed; None where nodes have no messages of their own."""
    saved: bytes | None = None
    """What the last run saved under OVERLAY_KEY."""


class Overlay(Part, Protocol):
    """A network model. What it leaves out of the second half has the answers of a model that knows no ways."""

    def wants(self, view: NetworkView, now: Micros) -> Wants:
        """Whom to be connected to, given who is."""
        ...

    def spread(self, item: Item, peers: tuple[PeerView, ...], now: Micros) -> tuple[Spread, ...]:
        """Which peers an item goes to, and how; never back to where it came from."""
        ...

    def on_unreachable(self, address: NodeAddress, now: Micros) -> Iterable[Effect]:
        """A dial to this address ended without a connection, whoever wanted it: nobody is there, or our own line is
        down."""
        return ()

    def route(self, target: bytes, peers: tuple[PeerView, ...], now: Micros) -> Hops:
        """Where a letter for the peer of this id goes next."""
        return flood_unless_met(target, peers)

    def find(self, request: RequestId, target: bytes, view: NetworkView, now: Micros) -> Iterable[Effect]:
        """Where that peer is: answered with PeerFound, at once or later."""
        return (Reply(request, found_in(target, view)),)

    def answer(self, asker: bytes, question: bytes, now: Micros) -> bytes | None:
        """What this peer, which need be no peer of ours, is told when it asks in the model's `questions` protocol: None
        where that is refused, empty where it needs no answer."""
        return None

    def about(self, peers: tuple[PeerView, ...], now: Micros) -> OverlayState:
        """What it shows of itself."""
        return OverlayState(ANY_ROLE, tuple(Neighbour(peer.conn) for peer in peers))


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


def flood_unless_met(target: bytes, peers: tuple[PeerView, ...]) -> Hops:
    """The addressee, where we are connected to it; otherwise some of the neighbours, each of whom does the same."""
    met = tuple(peer.conn for peer in peers if peer.address.peer_id == target)
    if met:
        return Hops(met)
    return Hops(tuple(peer.conn for peer in peers[:OVERLAY_FLOOD_FANOUT]), is_flood=True)


def found_in(target: bytes, view: NetworkView) -> PeerFound:
    """Where a peer is, as far as our connections and the address book know."""
    met = [peer for peer in view.peers if peer.address.peer_id == target]
    known = view.of_peer(target)
    if met:
        # Who dialled us did so from a port where nobody listens.
        dialled = [peer.address for peer in met if not peer.is_inbound]
        return PeerFound(tuple(dict.fromkeys((*dialled, *known))), FoundBy.CONNECTED, is_certain=True)
    return PeerFound(known, FoundBy.BOOK if known else None)
