"""A transaction's way: from a peer, the wallet or RPC into the mempool, and from there to the other peers.

What the wallet still has to write down is withheld: in the mempool, so that the next payment can build on it, but told
to nobody, peers and whoever handed it in alike, before `release`. `withdraw` makes it as if it had never been.

Who is told, and when:
- The peers that are there when it is accepted, and not its sender. One that comes later hears of it only where nobody
  has shown to have it (core/mempool/unbroadcast), or from its payer's wallet, hours later.
- Where members sign, a block that leaves a payment waiting for ten seconds has it announced to the peers that were not
  told yet. Such a network is a handful of nodes: a payment that all of them but one lost when they were started anew
  would wait for hours, and those who pay there have nothing to hide from those who sign.

Nobody is blamed for an invalid transaction. What is invalid here may be valid for a sender with other rules: after a
soft fork that this node does not know yet, or that the sender does not know, blame would part honest nodes. What it
costs is bounded instead: a refused transaction is remembered, few are verified at a time, and a sender waits its turn.
"""

from collections.abc import Iterable
from itertools import islice

from minicoin.core.alarm import Alarm
from minicoin.core.answers import Reason, Sent
from minicoin.core.effects import Effect
from minicoin.core.faults import PeerFault
from minicoin.core.inventory.ports import InventoryNode, Spreader
from minicoin.core.limits import TX_TOLD_AGAIN_PER_BLOCK_MAX, TX_WAITERS_MAX
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.offers import PackageOffers
from minicoin.core.mempool.outcomes import Accepted, Again, MempoolChange, Orphaned, Rejected
from minicoin.core.netsync.serving import Serving
from minicoin.core.notices import RemovalReason, TransactionAdded, TransactionRefused, TransactionRemoved
from minicoin.core.overlay.contract import Item, ItemKind, SpreadBy
from minicoin.core.part import Part, PeerView, Route, route
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.transaction import Transaction, Txid, Wtxid
from minicoin.core.primitives.verdicts import ChainUpdate, TxReason, TxRejected, TxVerdict
from minicoin.core.relay.transactions import Announcement
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId
from minicoin.core.wire.messages import Tx

_TOLD_AGAIN_AFTER_US = 10 * SECOND_US
# Before Python 3.12, looking up a member of an enum is slow.
_PUSH = SpreadBy.PUSH


class TxFlow(Part):
    """Admission, announcement and the people who wait for a verdict."""

    def __init__(self, node: InventoryNode, overlay: Spreader, serving: Serving) -> None:
        self._node = node
        self._overlay = overlay
        self._serving = serving
        self._waiting: dict[Wtxid, list[RequestId]] = {}
        self._waiting_count = 0
        self._withheld = node.withheld
        self.packages = PackageOffers(node, self.is_withheld)
        self.alarm = Alarm()

    def routes(self) -> tuple[Route, ...]:
        return (route(Tx, self.take_tx),)

    def on_ready(self, peer: PeerView, now: Micros) -> Iterable[Effect]:
        """A peer that may be the first to hear of what was handed in here. One that lacks blocks hears with the next
        attempt: to it the transactions would not be final, or spend coins that it does not know."""
        if peer.start_height >= self._node.tree.tip.height:
            for entry in self._node.mempool.unbroadcast():
                if entry.txid not in self._withheld:
                    self._announce(entry, now, peers=(peer,))
        return ()

    def take_tx(self, peer: PeerView, message: Tx, now: Micros) -> Iterable[Effect]:
        """From a peer; one that may force relay has announced anew what we had."""
        if not peer.gives_transactions:
            raise PeerFault("sent a transaction where none were asked for", score=0)
        if self._node.sync.is_initial(now):
            return ()
        transaction = message.transaction
        self.note_announced(peer.conn, transaction.wtxid, now)
        self._node.relay.on_transaction(peer.conn, transaction.txid, transaction.wtxid)
        try:
            return self._node.mempool.submit(transaction, peer.conn, now)
        except TxRejected as rejected:
            if peer.permissions & Permission.FORCERELAY and rejected.reason is TxReason.ALREADY_KNOWN:
                self.say_again(transaction.txid, now)
            else:
                self._node.emit(TransactionRefused(transaction.txid, rejected.reason))
        return ()

    def note_announced(self, conn: ConnId, wtxid: Wtxid, now: Micros) -> None:
        """The peer has this one. Where it waits for its parents here, the peer may have those, too."""
        self._node.relay.want_parents(conn, self._node.mempool.announce_orphan(wtxid, conn), now)

    def submit(self, transaction: Transaction, request: RequestId | None, now: Micros) -> TxReason | None:
        """Of our own, from the wallet or RPC; the reply follows the verdict. Gives the reason of an early refusal."""
        node = self._node
        try:
            effects = node.mempool.submit(transaction, None, now)
        except TxRejected as rejected:
            if rejected.reason is TxReason.ALREADY_KNOWN:
                # Sent once more: spread once more, as Bitcoin Core does.
                entry = node.mempool.get(transaction.txid)
                if entry is not None and entry.txid in self._withheld:
                    self._wait(request, entry.wtxid)
                    return None
                if entry is not None:
                    self._announce(entry, now)
                    node.reply(request, Sent(transaction.txid))
                    return None
            self._fail(request, rejected.reason, rejected.detail)
            return rejected.reason
        node.emit(*effects)
        self._wait(request, transaction.wtxid)
        return None

    def offer(self, transaction: Transaction, now: Micros, *, is_own: bool) -> TxReason | None:
        """What the wallet holds already and the mempool does not. Gives the reason of an early refusal."""
        try:
            self._node.emit(*self._node.mempool.submit(transaction, None, now, is_own=is_own))
        except TxRejected as rejected:
            return rejected.reason
        return None

    def _wait(self, request: RequestId | None, wtxid: Wtxid) -> None:
        if request is None:
            return
        if self._waiting_count >= TX_WAITERS_MAX:
            self._node.refuse(request, Reason.CROWDED, "too many transactions wait for verification")
            return
        self._waiting.setdefault(wtxid, []).append(request)
        self._waiting_count += 1

    # --- told or not ---

    def is_withheld(self, txid: Txid) -> bool:
        """Whether it stands in the mempool and nobody may hear of it yet."""
        return txid in self._withheld

    def withhold(self, txid: Txid) -> None:
        """Tell nobody for now."""
        self._withheld[txid] = None

    def release(self, transaction: Transaction, now: Micros, *, origin: ConnId | None = None) -> None:
        """Tell the peers, and whoever handed it in. `origin` is the peer it came from."""
        self._withheld.pop(transaction.txid, None)
        for request in self._take_waiting(transaction.wtxid):
            self._node.reply(request, Sent(transaction.txid))
        entry = self._node.mempool.get(transaction.txid)
        if entry is not None:
            self._announce(entry, now, origin)
        self.packages.on_told()

    def withdraw(self, transaction: Transaction, reason: Reason, why: str) -> list[Entry]:
        """Out of the mempool, with what spends it; whoever handed it in hears why. Gives what left."""
        gone = self.let_go(transaction.txid)
        for left in (transaction, *(entry.transaction for entry in gone)):
            self._withheld.pop(left.txid, None)
            for request in self._take_waiting(left.wtxid):
                self._node.refuse(request, reason, why)
            self.packages.on_withdrawn(left, why)
        self.packages.on_told()
        return gone

    def let_go(self, txid: Txid) -> list[Entry]:
        """Out of the mempool what nobody was told of, with what spends it. Gives what left."""
        gone = self._node.mempool.remove(txid)
        self._tell_removed(gone, RemovalReason.WITHDRAWN)
        return gone

    def on_failure(self, failure: str) -> None:
        """No verdict will come any more."""
        self.packages.on_failure(failure)
        for wtxid in list(self._waiting):
            for request in self._take_waiting(wtxid):
                self._node.refuse(request, Reason.STOPPED, failure)

    def _take_waiting(self, wtxid: Wtxid) -> list[RequestId]:
        requests = self._waiting.pop(wtxid, [])
        self._waiting_count -= len(requests)
        return requests

    def on_verified(self, verdict: TxVerdict, now: Micros, cost_us: int) -> Accepted | Rejected | None:
        """A verdict came back. What became of the transaction; None where nothing yet. What was accepted waits for its
        release."""
        node = self._node
        outcome, effects = node.mempool.on_verified(verdict, node.tree.tip.hash, now, cost_us)
        node.emit(*effects)
        if not isinstance(outcome, Accepted):
            self.packages.on_outcome(outcome, now)
        match outcome:
            case Accepted():
                self._tell_removed(outcome.replaced, RemovalReason.REPLACED, outcome.entry.txid)
                for one in outcome.in_order():
                    self._on_accepted(one)
                self._tell_removed(outcome.evicted, RemovalReason.EVICTED)
                return outcome
            case Rejected():
                self._tell_removed(outcome.replaced, RemovalReason.REPLACED, outcome.txid)
                self._tell_removed(outcome.evicted, RemovalReason.EVICTED)
                for request in self._take_waiting(outcome.wtxid):
                    self._fail(request, outcome.reason, outcome.detail)
                node.emit(TransactionRefused(outcome.txid, outcome.reason))
                return outcome
            case Orphaned(transaction, missing, source):
                # A peer's, which somebody submitted here as well while it was being verified.
                for request in self._take_waiting(transaction.wtxid):
                    self._fail(request, TxReason.MISSING_OR_SPENT, "")
                if source in node.sessions:
                    node.relay.want_parents(source, missing, now)
                else:
                    # It left while this one was being verified.
                    node.mempool.forget_source(source)
                return None
            case Again():
                return None

    def on_recorded(self, outcome: Accepted, now: Micros) -> None:
        """The wallet took note of what was accepted."""
        self.packages.on_outcome(outcome, now)

    def on_chain_update(self, update: ChainUpdate, now: Micros) -> MempoolChange:
        """Follow the chain."""
        change = self._node.mempool.on_chain_update(update, now, is_initial=self._node.sync.is_initial(now))
        if change.confirmed:
            self._tell_confirmed(update, change.confirmed)
        self._tell_removed(change.conflicted, RemovalReason.CONFLICT)
        self._tell_removed((*change.groundless, *change.lifted), RemovalReason.REORG)
        self._node.emit(*change.effects)
        if self._node.relay.is_asking:
            for summary in update.connected:
                for txid in summary.txids[1:]:
                    # Announced by txid or wtxid: either way nobody need send it any more.
                    self._node.relay.forget(txid, Wtxid(txid))
        if update.connected and self._node.tree.signers is not None:
            self._tell_of_waiting(now)
        return change

    def _tell_of_waiting(self, now: Micros) -> None:
        waiting = self._node.mempool.waiting_since(Micros(now - _TOLD_AGAIN_AFTER_US))
        for entry in islice(waiting, TX_TOLD_AGAIN_PER_BLOCK_MAX):
            if entry.txid not in self._withheld:
                self._announce(entry, now)

    def expire(self, now: Micros) -> MempoolChange:
        """Let go of what waited too long."""
        change = self._node.mempool.expire(now)
        self._tell_removed(change.expired, RemovalReason.EXPIRED)
        return change

    def retry_broadcast(self, now: Micros) -> None:
        """Once more to the peers that were not told of what nobody has shown to have."""
        for txid in self._node.mempool.due_unbroadcast(now):
            entry = self._node.mempool.get(txid)
            if entry is not None and txid not in self._withheld:
                self._announce(entry, now)

    def say_again(self, txid: Txid, now: Micros) -> None:
        """To all peers, also to those that were told."""
        entry = self._node.mempool.get(txid)
        if entry is not None and txid not in self._withheld:
            self._node.relay.forget_known(announcement_of(entry))
            self._announce(entry, now)

    def _on_accepted(self, outcome: Accepted) -> None:
        entry = outcome.entry
        node = self._node
        node.emit(TransactionAdded(entry.txid, entry.fee_sat, entry.vsize))
        if outcome.source is not None:
            node.relay.on_transaction(outcome.source, entry.txid, entry.wtxid)
        else:
            node.relay.forget(entry.txid, entry.wtxid)

    def _tell_confirmed(self, update: ChainUpdate, confirmed: tuple[Entry, ...]) -> None:
        names = {entry.txid for entry in confirmed}
        for summary in update.connected:
            for txid in summary.txids:
                if txid in names:
                    self._node.emit(TransactionRemoved(txid, RemovalReason.CONFIRMED, block=summary.hash))

    def _tell_removed(self, entries: Iterable[Entry], reason: RemovalReason, replaced_by: Txid | None = None) -> None:
        for entry in entries:
            self._node.emit(TransactionRemoved(entry.txid, reason, replaced_by))

    def _announce(
        self, entry: Entry, now: Micros, origin: ConnId | None = None, peers: tuple[PeerView, ...] | None = None
    ) -> None:
        spread = self._overlay.spread(Item(ItemKind.TRANSACTION, entry.txid, origin), now, peers)
        relay, item = self._node.relay, announcement_of(entry)
        relay.announce(item, [peer.conn for peer in spread if peer.by is not _PUSH], now)
        for conn, with_witness in relay.push(item, [peer.conn for peer in spread if peer.by is _PUSH]):
            self._node.emit(self._serving.send_transaction(conn, entry.transaction, with_witness=with_witness))

    def _fail(self, request: RequestId | None, reason: TxReason, detail: str) -> None:
        match reason:
            case TxReason.ALREADY_CONFIRMED:
                refused = Reason.ALREADY_CONFIRMED
            case TxReason.MISSING_OR_SPENT:
                refused = Reason.COINS_MISSING
            case _:
                refused = Reason.TRANSACTION_REFUSED
        self._node.refuse(request, refused, f"{reason}{', ' + detail if detail else ''}")


def announcement_of(entry: Entry) -> Announcement:
    """As relay tells of it."""
    return Announcement(entry.txid, entry.wtxid, entry.fee_sat * 1_000 // entry.vsize)
