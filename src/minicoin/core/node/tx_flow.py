"""A transaction's way: from a peer, the wallet or RPC into the mempool, and from there to the other peers."""

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import PeerFault
from minicoin.core.limits import TX_WAITERS_MAX
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.outcomes import Accepted, Again, MempoolChange, Orphaned, Rejected
from minicoin.core.node.commands import ALREADY_IN_CHAIN, MISC_ERROR, VERIFY_ERROR, VERIFY_REJECTED
from minicoin.core.node.package_flow import PackageFlow
from minicoin.core.node.parts import Parts
from minicoin.core.overlay import Item, ItemKind
from minicoin.core.primitives.transaction import Transaction, Wtxid
from minicoin.core.primitives.verdicts import ChainUpdate, TxReason, TxRejected, TxVerdict
from minicoin.core.relay.transactions import Announcement
from minicoin.core.units import ConnId, Micros, RequestId

# Broken beyond what policy or a race can explain: the sender did not check what it relays.
_PUNISHED = {
    TxReason.MALFORMED: 100,
    TxReason.NO_INPUTS: 100,
    TxReason.NO_OUTPUTS: 100,
    TxReason.OVERSIZE: 100,
    TxReason.NEGATIVE_VALUE: 100,
    TxReason.VALUE_TOO_LARGE: 100,
    TxReason.TOTAL_TOO_LARGE: 100,
    TxReason.DUPLICATE_INPUTS: 100,
    TxReason.NULL_PREVOUT: 100,
    TxReason.COINBASE: 100,
    TxReason.IN_BELOW_OUT: 100,
    TxReason.SCRIPT_FAILED: 100,
}
_MISSING = frozenset({TxReason.MISSING_OR_SPENT})


class TxFlow:
    """Admission, announcement and the people who wait for a verdict."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._waiting: dict[Wtxid, list[RequestId]] = {}
        self._waiting_count = 0
        self.packages = PackageFlow(parts)

    def on_transaction(self, conn: ConnId, transaction: Transaction, now: Micros) -> None:
        """From a peer. Raises PeerFault where it is broken beyond excuse."""
        self._parts.relay.on_transaction(conn, transaction.txid, transaction.wtxid)
        try:
            self._parts.emit(*self._parts.mempool.submit(transaction, conn, now))
        except TxRejected as rejected:
            score = _PUNISHED.get(rejected.reason, 0)
            if score:
                raise PeerFault(f"invalid transaction: {rejected}", score) from rejected

    def submit(self, transaction: Transaction, request: RequestId | None, now: Micros) -> TxReason | None:
        """Of our own, from the wallet or RPC; the reply follows the verdict. Gives the reason of an early refusal."""
        parts = self._parts
        try:
            effects = parts.mempool.submit(transaction, None, now)
        except TxRejected as rejected:
            if rejected.reason is TxReason.ALREADY_KNOWN:
                # Sent once more: spread once more, as Bitcoin Core does.
                entry = parts.mempool.get(transaction.txid)
                if entry is not None:
                    self._announce(entry, now)
                    parts.reply(request, hash_to_hex(transaction.txid))
                    return None
            self._fail(request, rejected.reason, rejected.detail)
            return rejected.reason
        parts.emit(*effects)
        if request is not None:
            if self._waiting_count >= TX_WAITERS_MAX:
                parts.fail(request, VERIFY_ERROR, "too many transactions wait for verification")
            else:
                self._waiting.setdefault(transaction.wtxid, []).append(request)
                self._waiting_count += 1
        return None

    def on_failure(self, failure: str) -> None:
        """No verdict will come any more."""
        self.packages.on_failure(failure)
        for wtxid in list(self._waiting):
            for request in self._take_waiting(wtxid):
                self._parts.fail(request, MISC_ERROR, failure)

    def _take_waiting(self, wtxid: Wtxid) -> list[RequestId]:
        requests = self._waiting.pop(wtxid, [])
        self._waiting_count -= len(requests)
        return requests

    def on_verified(
        self, verdict: TxVerdict, now: Micros, cost_us: int
    ) -> tuple[Accepted | Rejected | None, PeerFault | None]:
        """A verdict came back. What became of the transaction, and the fault of who sent it."""
        parts = self._parts
        outcome, effects = parts.mempool.on_verified(verdict, parts.tree.tip.hash, now, cost_us)
        parts.emit(*effects)
        self.packages.on_outcome(outcome, now)
        match outcome:
            case Accepted():
                for one in outcome.in_order():
                    self._on_accepted(one, now)
                return outcome, None
            case Rejected():
                for request in self._take_waiting(outcome.wtxid):
                    self._fail(request, outcome.reason, outcome.detail)
                parts.trace("tx-refused", txid=hash_to_hex(outcome.txid), reason=str(outcome.reason))
                score = _PUNISHED.get(outcome.reason, 0)
                fault = PeerFault(f"invalid transaction: {outcome.reason} {outcome.detail}".rstrip(), score)
                return outcome, fault if score and outcome.source is not None else None
            case Orphaned(transaction, missing, source):
                # A peer's, which somebody submitted here as well while it was being verified.
                for request in self._take_waiting(transaction.wtxid):
                    self._fail(request, TxReason.MISSING_OR_SPENT, "")
                parts.emit(*parts.relay.ask_parents(source, missing, now))
                return None, None
            case Again():
                return None, None

    def on_chain_update(self, update: ChainUpdate, now: Micros) -> MempoolChange:
        """Follow the chain."""
        change = self._parts.mempool.on_chain_update(update, now)
        self._parts.emit(*change.effects)
        if self._parts.relay.is_asking:
            for summary in update.connected:
                for txid in summary.txids[1:]:
                    # Announced by txid or wtxid: either way nobody need send it any more.
                    self._parts.relay.forget(txid, Wtxid(txid))
        return change

    def rebroadcast(self, now: Micros) -> None:
        """Own transactions whose time has come again."""
        for txid in self._parts.mempool.due_rebroadcast(now):
            entry = self._parts.mempool.get(txid)
            if entry is not None:
                self._announce(entry, now, is_again=True)

    def _on_accepted(self, outcome: Accepted, now: Micros) -> None:
        entry = outcome.entry
        parts = self._parts
        parts.trace("tx-accepted", txid=hash_to_hex(entry.txid), fee=entry.fee_sat, vsize=entry.vsize)
        if outcome.source is not None:
            parts.relay.on_transaction(outcome.source, entry.txid, entry.wtxid)
        else:
            parts.relay.forget(entry.txid, entry.wtxid)
        for request in self._take_waiting(entry.wtxid):
            parts.reply(request, hash_to_hex(entry.txid))
        self._announce(entry, now)

    def _announce(self, entry: Entry, now: Micros, *, is_again: bool = False) -> None:
        relay = self._parts.relay
        item = Announcement(entry.txid, entry.wtxid, entry.fee_sat * 1_000 // entry.vsize)
        if is_again:
            relay.forget_known(item)
        spread = self._parts.overlay.spread(Item(ItemKind.TRANSACTION, entry.txid), self._parts.peer_views())
        relay.announce(item, [peer.conn for peer in spread], now)

    def _fail(self, request: RequestId | None, reason: TxReason, detail: str) -> None:
        code = ALREADY_IN_CHAIN if reason is TxReason.ALREADY_CONFIRMED else VERIFY_REJECTED
        if reason in _MISSING:
            code = VERIFY_ERROR
        self._parts.fail(request, code, f"{reason}{': ' + detail if detail else ''}")
