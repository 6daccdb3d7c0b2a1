"""Announces transactions in Poisson trickles and fetches announced ones, one peer at a time.

Owns per-peer relay state; mempool owns what is valid and kept, node looks things up for us. BIP37 (relay flag),
BIP133 (feefilter), BIP339 (wtxid relay). The trickle hides who saw a transaction first, and makes one inv carry many.

What the trickle hides a getdata must not tell: a peer may have what stood in the pool when it was last told of
something, or when it came, by the pool's order of admission, and what the last block took out of the pool. Anything
younger is not found, whether it is here or not. So does Bitcoin Core.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from minicoin.core.alarm import Alarm
from minicoin.core.effects import Effect, Send
from minicoin.core.limits import INVENTORY_PER_MESSAGE_MAX, KNOWN_INVENTORY_PER_PEER_MAX, TX_INV_PER_TRICKLE_MAX
from minicoin.core.primitives.transaction import Transaction, Txid, Wtxid
from minicoin.core.relay.feefilter import FEEFILTER_NOTHING, round_feerate
from minicoin.core.relay.inventory import KnownInventory
from minicoin.core.relay.requests import TxRequests
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.messages import FeeFilter, GetData, Inv, InventoryVector, InvType

_FEEFILTER_EVERY_US = 600_000_000


@dataclass(frozen=True, slots=True)
class RelayPolicy:
    """Mean trickle intervals. Outbound peers hear sooner: they are harder for an observer to be."""

    inbound_trickle_us: int
    outbound_trickle_us: int
    feerate_floor: int
    """What every transaction must pay that is relayed, in satoshi per 1,000 virtual bytes."""


@dataclass(frozen=True, slots=True)
class RelayFeatures:
    """What a handshake settled about transactions."""

    inbound: bool
    uses_wtxid: bool
    has_witness: bool
    """It serves witnesses; others are asked for transactions without (BIP144)."""
    wants_transactions: bool
    takes_feefilter: bool
    """It may announce transactions to us, and knows what a feefilter is."""
    is_trusted: bool = False
    """The operator takes any number of transactions from it."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What relay needs to know of a transaction."""

    txid: Txid
    wtxid: Wtxid
    feerate_sat_per_kvb: int


@dataclass(frozen=True, slots=True)
class RelayPeerView:
    """Transactions between us and one peer, at one moment."""

    wants_transactions: bool
    queued_count: int
    """Announcements that wait for its next trickle."""
    last_inv_sequence: int
    """It may ask for what the mempool took up to here."""


@dataclass(slots=True)
class _RelayPeer:
    conn: ConnId
    inbound: bool
    uses_wtxid: bool
    has_witness: bool
    wants_transactions: bool
    takes_feefilter: bool
    trickle_at: Micros
    last_inv_sequence: int
    known: KnownInventory | None = None
    """Made with the first transaction: a quiet network has none."""
    feefilter_sat_per_kvb: int = 0
    sent_feefilter: int = -1
    """As it went out; `feefilter_for` is the feerate it was rounded from."""
    feefilter_for: int = -1
    feefilter_at: Micros = Micros(0)
    is_favoured: bool = False
    """It hears of transactions at once, without waiting for a trickle."""
    queue: dict[Txid, Announcement] | None = None
    """What the next trickle tells; None while that is nothing."""

    def key(self, item: Announcement) -> bytes:
        return item.wtxid if self.uses_wtxid else item.txid

    @property
    def txid_kind(self) -> InvType:
        """How it is asked for a transaction by txid."""
        return InvType.WITNESS_TX if self.has_witness else InvType.TX

    def name(self, item: Announcement) -> InventoryVector | None:
        """How it is told of this transaction, which it knows from now on; None where it does or wants none so cheap."""
        key = self.key(item)
        if self.knows(key) or item.feerate_sat_per_kvb < self.feefilter_sat_per_kvb:
            return None
        self.learn(key)
        return InventoryVector(InvType.WTX if self.uses_wtxid else InvType.TX, key)

    def learn(self, key: bytes) -> None:
        """It has this transaction."""
        if self.known is None:
            self.known = KnownInventory(KNOWN_INVENTORY_PER_PEER_MAX)
        self.known.add(key)

    def knows(self, key: bytes) -> bool:
        """Whether it has this transaction, as far as we remember."""
        return self.known is not None and key in self.known


class TxRelay:
    """Relay of transactions with all ready peers."""

    def __init__(self, policy: RelayPolicy, rng: Rng) -> None:
        self._policy = policy
        self.alarm = Alarm()
        self._rng = rng
        self._peers: dict[ConnId, _RelayPeer] = {}
        self._requests = TxRequests()
        self._inbound_trickle_at = Micros(0)
        self._feerate = 0
        self._last_block: Mapping[bytes, Transaction] = {}

    # --- peers ---

    def on_ready(self, conn: ConnId, features: RelayFeatures, mempool_sequence: int, now: Micros) -> None:
        """A handshake ended. `mempool_sequence` is the last the mempool gave: it may ask for what is there."""
        self._peers[conn] = _RelayPeer(
            conn,
            features.inbound,
            features.uses_wtxid,
            features.has_witness,
            features.wants_transactions,
            features.takes_feefilter,
            self._next(features.inbound, now),
            mempool_sequence,
        )
        self._requests.add_peer(
            conn, preferred=not features.inbound, uses_wtxid=features.uses_wtxid, is_trusted=features.is_trusted
        )
        if features.takes_feefilter:
            # The first feefilter is due at once.
            self.alarm.by(now)

    def favour(self, conn: ConnId, now: Micros) -> None:
        """A peer that the operator trusts: it hears of transactions at once, and is asked for them first."""
        peer = self._peers.get(conn)
        if peer is not None:
            peer.is_favoured = True
            peer.trickle_at = now
            self._requests.prefer(conn)

    def on_closed(self, conn: ConnId) -> None:
        """Forget the peer; what it was asked for is asked of the next."""
        if self._peers.pop(conn, None) is not None:
            self._requests.remove_peer(conn)
            self.alarm.by(self._requests.next_deadline())

    def on_feefilter(self, conn: ConnId, sat_per_kvb: int) -> None:
        """The peer wants nothing below this feerate (BIP133)."""
        peer = self._peers.get(conn)
        if peer is not None:
            peer.feefilter_sat_per_kvb = sat_per_kvb

    def on_told(self, conn: ConnId, mempool_sequence: int) -> None:
        """The peer was told of all that the mempool holds."""
        peer = self._peers.get(conn)
        if peer is not None:
            peer.last_inv_sequence = max(peer.last_inv_sequence, mempool_sequence)

    def tell(self, conn: ConnId, items: Iterable[Announcement], mempool_sequence: int) -> list[InventoryVector]:
        """The peer asked what it missed: those of `items` that it wants and lacks. It is told at once, and may ask for
        what the mempool took up to there."""
        peer = self._peers.get(conn)
        if peer is None or not peer.wants_transactions:
            return []
        self.on_told(conn, mempool_sequence)
        return [vector for item in items if (vector := peer.name(item)) is not None]

    def relaying_peers(self) -> list[ConnId]:
        """Peers that take transactions."""
        return [peer.conn for peer in self._peers.values() if peer.wants_transactions]

    def view(self, conn: ConnId) -> RelayPeerView | None:
        """The peer as getpeerinfo shows it; None before its handshake ended."""
        peer = self._peers.get(conn)
        if peer is None:
            return None
        return RelayPeerView(peer.wants_transactions, len(peer.queue or ()), peer.last_inv_sequence)

    # --- fetching ---

    def on_inv(self, conn: ConnId, vectors: Iterable[InventoryVector], now: Micros) -> None:
        """Announced transactions that node does not have; requests come out of on_deadline."""
        peer = self._peers.get(conn)
        if peer is None:
            return
        for vector in vectors:
            # A peer that negotiated wtxidrelay announces by wtxid; anything else from it is left alone (BIP339).
            if (vector.type == InvType.WTX) == peer.uses_wtxid:
                self._requests.announced(conn, vector.hash, now, by_txid=not peer.uses_wtxid)
        self.alarm.by(self._requests.next_deadline())

    def on_known(self, conn: ConnId, key: bytes) -> None:
        """The peer has this transaction: never announce it back."""
        peer = self._peers.get(conn)
        if peer is not None:
            peer.learn(key)

    def on_transaction(self, conn: ConnId, txid: Txid, wtxid: Wtxid) -> None:
        """A transaction arrived."""
        peer = self._peers.get(conn)
        if peer is not None:
            peer.learn(peer.key(Announcement(txid, wtxid, 0)))
        self.forget(txid, wtxid)

    def forget(self, txid: Txid, wtxid: Wtxid) -> None:
        """Nobody need be asked for it any more."""
        self._requests.forget(txid)
        self._requests.forget(wtxid)
        self.alarm.by(self._requests.next_deadline())

    @property
    def requested_count(self) -> int:
        """How many announcements of transactions that are not here are kept, over all peers."""
        return len(self._requests)

    @property
    def is_asking(self) -> bool:
        """Whether any transaction is announced to us that is not here."""
        return len(self._requests) > 0

    def on_notfound(self, conn: ConnId, key: bytes) -> None:
        """The peer does not have it any more."""
        self._requests.failed(conn, key)
        self.alarm.by(self._requests.next_deadline())

    def on_unserved(self, conn: ConnId, key: bytes) -> None:
        """The peer asked for one that is not here any more: it does not have it, should it come back in a reorg."""
        peer = self._peers.get(conn)
        if peer is not None and peer.known is not None:
            peer.known.discard(key)

    def want_parents(self, conn: ConnId, parents: Iterable[Txid], now: Micros) -> None:
        """The unknown parents of an orphan: a peer that has the orphan counts as having announced them by txid. Asked
        at once, they would show it whether we have heard of them meanwhile."""
        for txid in parents:
            self._requests.announced(conn, txid, now, by_txid=True)
        self.alarm.by(self._requests.next_deadline())

    # --- serving ---

    def may_ask_for(self, conn: ConnId, sequence: int) -> bool:
        """Whether the peer may know that an entry of this place in the mempool's order is here."""
        peer = self._peers.get(conn)
        return peer is not None and peer.wants_transactions and sequence <= peer.last_inv_sequence

    def on_block(self, transactions: Iterable[Transaction]) -> None:
        """A block took these out of the pool: who was told of one just before may still ask for it."""
        kept: dict[bytes, Transaction] = {}
        for transaction in transactions:
            kept[transaction.txid] = kept[transaction.wtxid] = transaction
        self._last_block = kept

    def in_last_block(self, conn: ConnId, key: bytes, *, by_wtxid: bool) -> Transaction | None:
        """A transaction of the last block that stood in the pool."""
        peer = self._peers.get(conn)
        found = self._last_block.get(key) if peer is not None and peer.wants_transactions else None
        return found if found is None or key == (found.wtxid if by_wtxid else found.txid) else None

    # --- announcing ---

    def announce(self, item: Announcement, peers: Iterable[ConnId], now: Micros) -> None:
        """Queue for the next trickle of each of `peers`."""
        for conn in peers:
            peer = self._peers.get(conn)
            if peer is None or not peer.wants_transactions or peer.knows(peer.key(item)):
                continue
            if not peer.queue and peer.trickle_at <= now:
                # Trickles of an empty queue are not woken for; the wait from here on is as random as it was.
                peer.trickle_at = self._next_trickle(peer, now)
            if peer.queue is None:
                peer.queue = {}
            if len(peer.queue) < INVENTORY_PER_MESSAGE_MAX:
                peer.queue[item.txid] = item
                self.alarm.by(peer.trickle_at)

    def push(self, item: Announcement, peers: Iterable[ConnId]) -> list[tuple[ConnId, bool]]:
        """Those of `peers` that it is sent to unasked, since they want it and lack it; and whether with its witness."""
        chosen: list[tuple[ConnId, bool]] = []
        for conn in peers:
            peer = self._peers.get(conn)
            if peer is None or not peer.wants_transactions or peer.knows(peer.key(item)):
                continue
            if item.feerate_sat_per_kvb >= peer.feefilter_sat_per_kvb:
                peer.learn(peer.key(item))
                chosen.append((conn, peer.has_witness))
        return chosen

    def forget_known(self, item: Announcement) -> None:
        """Announce `item` again to everybody: a rebroadcast."""
        for peer in self._peers.values():
            if peer.known is not None:
                peer.known.discard(peer.key(item))

    def on_deadline(self, now: Micros, min_feerate_sat_per_kvb: int, mempool_sequence: int) -> list[Effect]:
        """Due trickles, due requests, due feefilters."""
        effects: list[Effect] = []
        self.on_feerate(min_feerate_sat_per_kvb, now)
        if now >= self._inbound_trickle_at:
            self._inbound_trickle_at = Micros(now + self._rng.exponential_us(self._policy.inbound_trickle_us))
        for peer in self._peers.values():
            if peer.queue and now >= peer.trickle_at:
                effects += self._trickle(peer)
                peer.last_inv_sequence = mempool_sequence
                peer.trickle_at = self._next_trickle(peer, now)
            if now >= peer.feefilter_at and self._needs_feefilter(peer):
                effects += self._feefilter(peer, now)
        for conn, keys in self._requests.due(now).items():
            peer = self._peers[conn]
            by_txid = self._requests.is_by_txid
            kinds = (peer.txid_kind if by_txid(conn, key) else InvType.WTX for key in keys)
            effects.append(Send(conn, GetData(tuple(map(InventoryVector, kinds, keys)))))
        return effects

    def next_deadline(self) -> Micros | None:
        """The earliest thing on_deadline has to do; a peer with an empty queue needs no trickle, one that knows our
        feerate no feefilter."""
        times = [peer.trickle_at for peer in self._peers.values() if peer.queue]
        times += [peer.feefilter_at for peer in self._peers.values() if self._needs_feefilter(peer)]
        requests = self._requests.next_deadline()
        if requests is not None:
            times.append(requests)
        return min(times) if times else None

    def on_feerate(self, min_sat_per_kvb: int, now: Micros) -> None:
        """What a transaction must pay by now. Each peer hears of a change at a random time of its own, and at once when
        we take transactions at all from now on."""
        if min_sat_per_kvb == self._feerate:
            return
        was_closed = self._feerate >= FEEFILTER_NOTHING
        self._feerate = min_sat_per_kvb
        for peer in self._peers.values():
            if self._needs_feefilter(peer):
                if was_closed:
                    peer.feefilter_at = now
                elif peer.sent_feefilter >= 0 and peer.feefilter_at <= now:
                    # It was not woken for; the wait from here on is as random as it was.
                    peer.feefilter_at = self._next_feefilter(now)
                self.alarm.by(peer.feefilter_at)

    def _needs_feefilter(self, peer: _RelayPeer) -> bool:
        return peer.takes_feefilter and peer.feefilter_for != self._feerate

    def _trickle(self, peer: _RelayPeer) -> list[Effect]:
        assert peer.queue is not None
        # Best feerate first, so that a bounded inv carries what matters.
        queued = sorted(peer.queue.values(), key=lambda item: (-item.feerate_sat_per_kvb, item.txid))
        vectors: list[InventoryVector] = []
        for item in queued:
            if len(vectors) >= TX_INV_PER_TRICKLE_MAX:
                break
            del peer.queue[item.txid]
            vector = peer.name(item)
            if vector is not None:
                vectors.append(vector)
        peer.queue = peer.queue or None
        return [Send(peer.conn, Inv(tuple(vectors)))] if vectors else []

    def set_feerate_floor(self, feerate: int) -> None:
        """What every transaction must pay from now on."""
        self._policy = replace(self._policy, feerate_floor=feerate)

    def _feefilter(self, peer: _RelayPeer, now: Micros) -> list[Effect]:
        peer.feefilter_at = self._next_feefilter(now)
        peer.feefilter_for = self._feerate
        rounded = round_feerate(self._feerate, self._policy.feerate_floor, self._rng)
        if rounded == peer.sent_feefilter:
            return []
        peer.sent_feefilter = rounded
        return [Send(peer.conn, FeeFilter(rounded))]

    def _next_feefilter(self, now: Micros) -> Micros:
        return Micros(now + self._rng.exponential_us(_FEEFILTER_EVERY_US) + 1)

    def _next_trickle(self, peer: _RelayPeer, now: Micros) -> Micros:
        return now if peer.is_favoured else self._next(peer.inbound, now)

    def _next(self, inbound: bool, now: Micros) -> Micros:
        if inbound:
            # All inbound peers share one trickle: a spy that connects many times learns no more from it.
            if self._inbound_trickle_at <= now:
                wait = self._rng.exponential_us(self._policy.inbound_trickle_us)
                self._inbound_trickle_at = Micros(now + wait)
            return self._inbound_trickle_at
        return Micros(now + self._rng.exponential_us(self._policy.outbound_trickle_us))
