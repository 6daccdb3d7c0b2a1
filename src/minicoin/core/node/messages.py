"""What each routed message does: hands it to its owner and emits what the owner answers.

Nothing is decided here beyond who is asked; a PeerFault travels to the peer flow, which penalises.
"""

import itertools

from minicoin.core.effects import Send, StoreBlock
from minicoin.core.faults import PeerFault
from minicoin.core.limits import INVENTORY_PER_MESSAGE_MAX
from minicoin.core.netsync.serve import answer_getblocks, answer_getheaders, may_serve
from minicoin.core.node.address_flow import AddressFlow
from minicoin.core.node.parts import Parts
from minicoin.core.node.serving import BLOCK_TYPES, Serving
from minicoin.core.node.tx_flow import TxFlow
from minicoin.core.peer.session import Session
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.transaction import Transaction, Txid, Wtxid
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.codec import command_of
from minicoin.core.wire.messages import (
    Addr,
    AddrV2,
    BlockMessage,
    FeeFilter,
    FilterAdd,
    FilterClear,
    FilterLoad,
    GetAddr,
    GetBlocks,
    GetBlockTxn,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
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
        """From now on the peer may be told of transactions. One that lacks blocks hears with the next attempt: to it
        they would not be final, or spend coins that it does not know."""
        if session.version is not None and session.version.start_height >= self._parts.tree.tip.height:
            self._transactions.on_ready(session.conn, now)

    # --- headers and blocks ---

    def on_headers(self, session: Session, message: Headers, now: Micros) -> None:
        self._parts.emit(*self._parts.sync.on_headers(session.conn, message.headers, now))

    def on_getheaders(self, session: Session, message: GetHeaders, now: Micros) -> None:
        peer = self._parts.sync.peer(session.conn)
        if peer is not None:
            is_trusted = bool(session.permissions & Permission.DOWNLOAD)
            answer = answer_getheaders(self._parts.tree, peer, message, is_trusted=is_trusted)
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

    def on_getblocktxn(self, session: Session, message: GetBlockTxn, now: Micros) -> None:
        """Compact blocks are not offered, but BIP152 lets a whole block answer for its parts, as Bitcoin Core does
        where the block is an old one."""
        self.on_getdata(session, GetData((InventoryVector(InvType.WITNESS_BLOCK, message.blockhash),)), now)

    def on_sendheaders(self, session: Session, message: SendHeaders, now: Micros) -> None:
        peer = self._parts.sync.peer(session.conn)
        if peer is not None:
            peer.prefers_headers = True

    # --- inventory ---

    def on_inv(self, session: Session, message: Inv, now: Micros) -> None:
        if not session.takes_transactions and any(vector.type in _TRANSACTION_TYPES for vector in message.inventory):
            raise PeerFault("announced a transaction where none were asked for", score=0)
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
                node = self._parts.tree.get(BlockHash(vector.hash))
                if node is None or not may_serve(self._parts.tree, node):
                    missing.append(vector)
                else:
                    self._serving.request(conn, vector)
            elif vector.type in _TRANSACTION_TYPES:
                transaction = self._find_transaction(conn, vector)
                if transaction is None:
                    missing.append(vector)
                    self._parts.relay.on_unserved(conn, vector.hash)
                else:
                    self._parts.relay.on_known(conn, vector.hash)
                    self._parts.mempool.acknowledge(vector.hash)
                    with_witness = vector.type != InvType.TX
                    self._parts.emit(self._serving.send_transaction(conn, transaction, with_witness=with_witness))
            else:
                # Compact, filtered or of a kind to come: not had here, and whoever asked shall not wait for it.
                missing.append(vector)
        if missing:
            self._parts.emit(Send(conn, NotFound(tuple(missing))))
        self._parts.emit(*self._serving.pump(conn))

    def _find_transaction(self, conn: ConnId, vector: InventoryVector) -> Transaction | None:
        """One that this peer may have: what entered the pool since its last inv shows where it came from. What comes
        back out of a block shows nothing: everybody had that."""
        mempool, relay = self._parts.mempool, self._parts.relay
        by_wtxid = vector.type == InvType.WTX
        entry = mempool.get_by_wtxid(Wtxid(vector.hash)) if by_wtxid else mempool.get(Txid(vector.hash))
        if entry is not None and self._transactions.is_withheld(entry.txid):
            return None
        if entry is not None and relay.may_ask_for(conn, 0 if entry.was_confirmed else entry.sequence):
            return entry.transaction
        return relay.in_last_block(conn, vector.hash, by_wtxid=by_wtxid)

    def on_notfound(self, session: Session, message: NotFound, now: Micros) -> None:
        for vector in message.inventory:
            if vector.type in BLOCK_TYPES:
                self._parts.emit(*self._parts.sync.on_notfound(session.conn, BlockHash(vector.hash), now))
            elif vector.type in _TRANSACTION_TYPES:
                self._parts.relay.on_notfound(session.conn, vector.hash)

    # --- transactions ---

    def on_tx(self, session: Session, message: Tx, now: Micros) -> None:
        if not session.takes_transactions:
            raise PeerFault("sent a transaction where none were asked for", score=0)
        if not self._parts.sync.is_initial(now):
            forces_relay = bool(session.permissions & Permission.FORCERELAY)
            self._transactions.on_transaction(session.conn, message.transaction, now, forces_relay=forces_relay)

    def on_bloom_service(
        self, session: Session, message: MemPool | FilterLoad | FilterAdd | FilterClear, now: Micros
    ) -> None:
        """Only nodes that offer NODE_BLOOM serve these, and a peer that asks others is left (BIP111), but for one that
        the operator lets ask for the mempool."""
        if isinstance(message, MemPool) and session.permissions & Permission.MEMPOOL:
            self._tell_mempool(session)
            return
        raise PeerFault(f"{command_of(message)} without NODE_BLOOM", score=0)

    def _tell_mempool(self, session: Session) -> None:
        mempool = self._parts.mempool
        kind = InvType.WTX if session.wtxid_relay else InvType.TX
        entries = itertools.islice(mempool.by_fee_rate(), INVENTORY_PER_MESSAGE_MAX)
        names = [entry.wtxid if session.wtxid_relay else entry.txid for entry in entries]
        if names:
            # What it was told of it may ask for.
            self._parts.relay.on_told(session.conn, mempool.sequence)
            self._parts.emit(Send(session.conn, Inv(tuple(InventoryVector(kind, name) for name in names))))

    def on_filter_service(
        self, session: Session, message: GetCFilters | GetCFHeaders | GetCFCheckpt, now: Micros
    ) -> None:
        """The same of block filters (BIP157)."""
        raise PeerFault(f"{command_of(message)} without NODE_COMPACT_FILTERS", score=0)

    def on_feefilter(self, session: Session, message: FeeFilter, now: Micros) -> None:
        self._parts.relay.on_feefilter(session.conn, message.feerate)

    # --- addresses ---

    def on_getaddr(self, session: Session, message: GetAddr, now: Micros) -> None:
        self._parts.emit(*self._addresses.on_getaddr(session.conn, now))

    def on_addr(self, session: Session, message: Addr | AddrV2, now: Micros) -> None:
        self._addresses.on_addresses(session, message.addresses, now)
