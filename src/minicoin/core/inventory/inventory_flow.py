"""What peers announce and ask for by hash: each vector goes to whom it concerns, blocks to netsync, transactions to
relay, and what was asked for is served.

The newest blocks go out at once, older ones when the worker has read them (netsync/serving), a transaction at once, and
only to a peer that may know that it is here (core/relay). What is not had, or of a kind that is not served, is answered
`notfound`: nobody shall wait for it.
"""

import itertools
from collections.abc import Iterable, Mapping

from minicoin.core.alarm import Alarm
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.effects import Effect, Send
from minicoin.core.events import BlockRead
from minicoin.core.faults import PeerFault
from minicoin.core.inventory.ports import InventoryNode, Spreader
from minicoin.core.inventory.tx_flow import TxFlow
from minicoin.core.limits import INVENTORY_PER_MESSAGE_MAX
from minicoin.core.netsync.serve import may_serve
from minicoin.core.netsync.serving import BLOCK_TYPES, Serving
from minicoin.core.netsync.unserved import refuse_bloom, unserved_routes
from minicoin.core.overlay.contract import Item, ItemKind, SpreadBy
from minicoin.core.part import Part, PeerView, Route, route
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.transaction import Transaction, Txid, Wtxid
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.messages import (
    GetBlockTxn,
    GetData,
    Inv,
    InventoryVector,
    InvType,
    MemPool,
    NotFound,
)

_TRANSACTION_TYPES = frozenset({InvType.TX, InvType.WTX, InvType.WITNESS_TX})
# Before Python 3.12, looking up a member of an enum is slow.
_PUSH = SpreadBy.PUSH
_ANNOUNCED_BLOCKS = frozenset({InvType.BLOCK, InvType.WITNESS_BLOCK})


class InventoryFlow(Part):
    """inv, getdata, notfound and what else names things by their hash."""

    def __init__(self, node: InventoryNode, overlay: Spreader, transactions: TxFlow, serving: Serving) -> None:
        self._node = node
        self._overlay = overlay
        self._transactions = transactions
        self._serving = serving
        self.alarm = Alarm()

    def routes(self) -> tuple[Route, ...]:
        return (
            route(Inv, self.take_inv),
            route(GetData, self.take_getdata),
            route(NotFound, self.take_notfound),
            route(GetBlockTxn, self.take_getblocktxn),
            route(MemPool, self.take_mempool),
            *unserved_routes(),
        )

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        self._serving.on_closed(conn)
        return ()

    # --- telling of blocks ---

    def announce(self, connected: list[HeaderNode], now: Micros) -> None:
        """Blocks joined the best chain: the peers that the overlay picks are told, or are sent the newest unasked where
        they were near it. Sending it is serving it as if they had asked."""
        if not connected:
            return
        node, tip = self._node, connected[-1]
        item = Item(ItemKind.BLOCK, tip.hash, node.sync.source_of(tip.hash))
        chosen = {spread.conn: spread.by for spread in self._overlay.spread(item, now)}
        told: dict[ConnId, None] = {}
        for conn, by in chosen.items():
            form = node.headers.push(conn, tip) if by is _PUSH and self._serving.has_room(conn) else None
            if form is None:
                told[conn] = None
                continue
            self._serving.request(conn, InventoryVector(form, tip.hash))
            node.emit(*self._serving.pump(conn))
        node.emit(*node.headers.announce(connected, told))

    def served(self) -> Mapping[ConnId, int]:
        """The peers that were sent something or wait for it, and how many of their requests wait or are being read."""
        return self._serving.served()

    # --- the world's answers ---

    def on_read(self, event: BlockRead) -> None:
        """A block that a peer asked for came from the store, or is not there."""
        self._node.emit(*self._serving.on_read(event.conn, event.hash, event.block))

    def on_send_queue_low(self, conn: ConnId) -> None:
        """The peer took what it was sent: there is room for more."""
        self._node.emit(*self._serving.on_send_queue_low(conn))

    # --- messages ---

    def take_inv(self, peer: PeerView, message: Inv, now: Micros) -> Iterable[Effect]:
        node, conn = self._node, peer.conn
        if not peer.gives_transactions and any(vector.type in _TRANSACTION_TYPES for vector in message.inventory):
            raise PeerFault("announced a transaction where none were asked for", score=0)
        blocks = [BlockHash(vector.hash) for vector in message.inventory if vector.type in _ANNOUNCED_BLOCKS]
        effects = node.sync.on_inv(conn, blocks, now) if blocks else []
        if node.sync.is_initial(now):
            # Transactions make no sense to a node that lacks the coins they spend.
            return effects
        fresh: list[InventoryVector] = []
        for vector in message.inventory:
            if vector.type not in _TRANSACTION_TYPES:
                continue
            node.relay.on_known(conn, vector.hash)
            node.mempool.acknowledge(vector.hash)
            if not node.mempool.is_known(vector.hash):
                fresh.append(vector)
            elif vector.type == InvType.WTX and peer.uses_wtxid:
                self._transactions.note_announced(conn, Wtxid(vector.hash), now)
        if fresh:
            node.relay.on_inv(conn, fresh, now)
        return effects

    def take_getdata(self, peer: PeerView, message: GetData, now: Micros) -> Iterable[Effect]:
        node, conn = self._node, peer.conn
        missing: list[InventoryVector] = []
        for vector in message.inventory:
            if vector.type in BLOCK_TYPES:
                header = node.tree.get(BlockHash(vector.hash))
                if header is None or not may_serve(node.tree, header):
                    missing.append(vector)
                else:
                    self._serving.request(conn, vector)
            elif vector.type in _TRANSACTION_TYPES:
                transaction = self._find_transaction(conn, vector)
                if transaction is None:
                    missing.append(vector)
                    node.relay.on_unserved(conn, vector.hash)
                else:
                    node.mempool.acknowledge(vector.hash)
                    with_witness = vector.type != InvType.TX
                    # At once, for what follows may be a fault.
                    node.emit(self._serving.send_transaction(conn, transaction, with_witness=with_witness))
            else:
                # Compact, filtered or of a kind to come: not had here, and whoever asked shall not wait for it.
                missing.append(vector)
        if missing:
            node.emit(Send(conn, NotFound(tuple(missing))))
        return self._serving.pump(conn)

    def take_getblocktxn(self, peer: PeerView, message: GetBlockTxn, now: Micros) -> Iterable[Effect]:
        """Compact blocks are not offered, but BIP152 lets a whole block answer for its parts, as Bitcoin Core does
        where the block is an old one."""
        return self.take_getdata(peer, GetData((InventoryVector(InvType.WITNESS_BLOCK, message.blockhash),)), now)

    def take_notfound(self, peer: PeerView, message: NotFound, now: Micros) -> Iterable[Effect]:
        effects: list[Effect] = []
        for vector in message.inventory:
            if vector.type in BLOCK_TYPES:
                effects += self._node.sync.on_notfound(peer.conn, BlockHash(vector.hash), now)
            elif vector.type in _TRANSACTION_TYPES:
                self._node.relay.on_notfound(peer.conn, vector.hash)
        return effects

    def take_mempool(self, peer: PeerView, message: MemPool, now: Micros) -> Iterable[Effect]:
        """What the mempool holds, for a peer that the operator lets ask; anybody else breaks BIP35."""
        if not peer.permissions & Permission.MEMPOOL:
            return refuse_bloom(peer, message, now)
        mempool = self._node.mempool
        kind = InvType.WTX if peer.uses_wtxid else InvType.TX
        entries = itertools.islice(mempool.by_feerate(), INVENTORY_PER_MESSAGE_MAX)
        names = [entry.wtxid if peer.uses_wtxid else entry.txid for entry in entries]
        if not names:
            return ()
        # What it was told of it may ask for.
        self._node.relay.on_told(peer.conn, mempool.sequence)
        return (Send(peer.conn, Inv(tuple(InventoryVector(kind, name) for name in names))),)

    def _find_transaction(self, conn: ConnId, vector: InventoryVector) -> Transaction | None:
        """One that this peer may have: what entered the pool since its last inv shows where it came from. What comes
        back out of a block shows nothing: everybody had that."""
        mempool, relay = self._node.mempool, self._node.relay
        by_wtxid = vector.type == InvType.WTX
        entry = mempool.get_by_wtxid(Wtxid(vector.hash)) if by_wtxid else mempool.get(Txid(vector.hash))
        if entry is not None and self._transactions.is_withheld(entry.txid):
            return None
        if entry is not None and relay.may_ask_for(conn, 0 if entry.was_confirmed else entry.sequence):
            return entry.transaction
        return relay.in_last_block(conn, vector.hash, by_wtxid=by_wtxid)
