"""What each routed message does: hands it to its owner and emits what the owner answers.

Nothing is decided here beyond who is asked; a PeerFault travels to the peer flow, which penalises.
"""

import itertools

from minicoin.core.effects import Send, StoreBlock
from minicoin.core.limits import INVENTORY_PER_MESSAGE_MAX
from minicoin.core.netsync.serve import answer_getblocks, answer_getheaders
from minicoin.core.node.address_flow import AddressFlow
from minicoin.core.node.parts import Parts
from minicoin.core.node.serving import BLOCK_TYPES, Serving
from minicoin.core.node.tx_flow import TxFlow
from minicoin.core.peer.session import Session
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Txid, Wtxid
from minicoin.core.units import Micros
from minicoin.core.wire.messages import (
    Addr,
    AddrV2,
    BlockMessage,
    FeeFilter,
    GetAddr,
    GetBlocks,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InventoryVector,
    InvType,
    MemPool,
    NotFound,
    SendHeaders,
    Tx,
)

_TRANSACTION_TYPES = frozenset({InvType.TX, InvType.WTX, InvType.WITNESS_TX})
_ANNOUNCED_BLOCKS = frozenset({InvType.BLOCK, InvType.WITNESS_BLOCK})


class MessageHandlers:
    """One method per routed message."""

    def __init__(self, parts: Parts, transactions: TxFlow, addresses: AddressFlow, serving: Serving) -> None:
        self._parts = parts
        self._addresses = addresses
        self._transactions = transactions
        self._serving = serving

    def on_relaying(self, session: Session, now: Micros) -> None:
        """From now on the peer may be told of transactions."""
        self._transactions.on_ready(session.conn, now)

    # --- headers and blocks ---

    def on_headers(self, session: Session, message: Headers, now: Micros) -> None:
        self._parts.emit(*self._parts.sync.on_headers(session.conn, message.headers, now))

    def on_getheaders(self, session: Session, message: GetHeaders, now: Micros) -> None:
        peer = self._parts.sync.peer(session.conn)
        if peer is not None:
            answer = answer_getheaders(self._parts.tree, peer, message)
            if answer is not None:
                self._parts.emit(Send(session.conn, answer))

    def on_getblocks(self, session: Session, message: GetBlocks, now: Micros) -> None:
        peer = self._parts.sync.peer(session.conn)
        if peer is not None:
            answer = answer_getblocks(self._parts.tree, peer, message)
            if answer is not None:
                self._parts.emit(Send(session.conn, answer))

    def on_block(self, session: Session, message: BlockMessage, now: Micros) -> None:
        effects = self._parts.sync.on_block(session.conn, message.block, now)
        if any(isinstance(effect, StoreBlock) for effect in effects):
            session.last_block_at = now
        self._parts.emit(*effects)

    def on_sendheaders(self, session: Session, message: SendHeaders, now: Micros) -> None:
        peer = self._parts.sync.peer(session.conn)
        if peer is not None:
            peer.prefers_headers = True

    # --- inventory ---

    def on_inv(self, session: Session, message: Inv, now: Micros) -> None:
        blocks = [BlockHash(vector.hash) for vector in message.inventory if vector.type in _ANNOUNCED_BLOCKS]
        if blocks:
            self._parts.emit(*self._parts.sync.on_inv(session.conn, blocks, now))
        if self._parts.sync.is_initial(now):
            # Transactions make no sense to a node that lacks the coins they spend.
            return
        fresh: list[InventoryVector] = []
        for vector in message.inventory:
            if vector.type not in _TRANSACTION_TYPES:
                continue
            self._parts.relay.on_known(session.conn, vector.hash)
            self._parts.mempool.acknowledge(vector.hash)
            if not self._parts.mempool.is_known(vector.hash):
                fresh.append(vector)
        if fresh:
            self._parts.relay.on_inv(session.conn, fresh, now)

    def on_getdata(self, session: Session, message: GetData, now: Micros) -> None:
        missing: list[InventoryVector] = []
        conn = session.conn
        for vector in message.inventory:
            if vector.type in BLOCK_TYPES:
                self._serving.request(conn, vector)
            elif vector.type in _TRANSACTION_TYPES:
                mempool = self._parts.mempool
                by_wtxid = vector.type == InvType.WTX
                entry = mempool.get_by_wtxid(Wtxid(vector.hash)) if by_wtxid else mempool.get(Txid(vector.hash))
                if entry is None or self._transactions.is_withheld(entry.txid):
                    missing.append(vector)
                    self._parts.relay.on_unserved(conn, vector.hash)
                else:
                    self._parts.relay.on_known(conn, vector.hash)
                    mempool.acknowledge(vector.hash)
                    self._parts.emit(self._serving.send_transaction(conn, entry.transaction))
        if missing:
            self._parts.emit(Send(conn, NotFound(tuple(missing))))
        self._parts.emit(*self._serving.pump(conn))

    def on_notfound(self, session: Session, message: NotFound, now: Micros) -> None:
        for vector in message.inventory:
            if vector.type in BLOCK_TYPES:
                self._parts.emit(*self._parts.sync.on_notfound(session.conn, BlockHash(vector.hash), now))
            elif vector.type in _TRANSACTION_TYPES:
                self._parts.relay.on_notfound(session.conn, vector.hash)

    # --- transactions ---

    def on_tx(self, session: Session, message: Tx, now: Micros) -> None:
        if not self._parts.sync.is_initial(now):
            self._transactions.on_transaction(session.conn, message.transaction, now)

    def on_mempool(self, session: Session, message: MemPool, now: Micros) -> None:
        kind = InvType.WTX if session.wtxid_relay else InvType.TX
        vectors = [
            InventoryVector(kind, entry.wtxid if session.wtxid_relay else entry.txid)
            for entry in itertools.islice(self._parts.mempool.by_fee_rate(), INVENTORY_PER_MESSAGE_MAX)
            if not self._transactions.is_withheld(entry.txid)
        ]
        if vectors:
            self._parts.emit(Send(session.conn, Inv(tuple(vectors))))

    def on_feefilter(self, session: Session, message: FeeFilter, now: Micros) -> None:
        self._parts.relay.on_feefilter(session.conn, message.feerate)

    # --- addresses ---

    def on_getaddr(self, session: Session, message: GetAddr, now: Micros) -> None:
        self._parts.emit(*self._addresses.on_getaddr(session.conn, now))

    def on_addr(self, session: Session, message: Addr | AddrV2, now: Micros) -> None:
        self._addresses.on_addresses(session, message.addresses, now)
