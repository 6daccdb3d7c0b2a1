"""What the exchange of inventory needs of the node around it: chain, mempool, relay, and where items go."""

from collections.abc import Container
from typing import Protocol

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.mempool.pool import Mempool
from minicoin.core.netsync.following import HeaderFollower
from minicoin.core.netsync.sync import BlockSync
from minicoin.core.overlay.contract import Item, Spread
from minicoin.core.part import Outbox, PeerView
from minicoin.core.primitives.transaction import Txid
from minicoin.core.relay.transactions import TxRelay
from minicoin.core.units import ConnId, Micros


class Spreader(Protocol):
    """Says how an item travels: the network model as a part of the node."""

    def spread(self, item: Item, now: Micros, peers: tuple[PeerView, ...] | None = None) -> tuple[Spread, ...]:
        """Which of these peers the item goes to, and how; of all that are ready where none are named."""


class InventoryNode(Outbox, Protocol):
    """The node around it."""

    @property
    def tree(self) -> HeaderTree: ...
    @property
    def headers(self) -> HeaderFollower: ...
    @property
    def sync(self) -> BlockSync: ...
    @property
    def mempool(self) -> Mempool: ...
    @property
    def relay(self) -> TxRelay: ...
    @property
    def withheld(self) -> dict[Txid, None]:
        """What stands in the mempool and nobody may hear of yet."""

    @property
    def sessions(self) -> Container[ConnId]:
        """The connections that are open."""
