"""The wallet's payments between command, mempool, disk and peers.

An answer is a promise: once a caller has its txid, the payment survives kill -9, is told to peers, and is given up by
nobody but its owner. The order that keeps it:

1. One payment at a time is built, signed and offered to the mempool; those behind it wait in line, so that each builds
   on the change of the one before. A refusal ends it there: no disk has seen it, no peer has heard of it.
2. What the mempool took is withheld (inventory/tx_flow), written into the wallet, and only when that is on disk
   answered and announced. A disk that refuses takes it back out. The same holds for what RPC hands in and the wallet's
   coins pay for.
3. From there on it is the ledger's (core/wallet/ledger). Whatever of it the mempool does not hold is offered again:
   when the chain has come to rest after a start or a new tip, and every few minutes.
4. Peers that were told once are told again after 12 to 36 hours, as Bitcoin Core does, where a block left it out.
"""

from dataclasses import dataclass, field

from minicoin.core import commands
from minicoin.core.alarm import Alarm
from minicoin.core.answers import Done, Reason, Sent
from minicoin.core.faults import MisuseError
from minicoin.core.limits import WALLET_OFFERS_MAX, WALLET_PAYMENTS_WAITING_MAX
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.outcomes import Accepted, Rejected
from minicoin.core.notices import PaymentAbandoned, WalletChanged
from minicoin.core.payments.ports import Publisher, WalletNode
from minicoin.core.primitives.transaction import Transaction, Txid
from minicoin.core.units import HOUR_US, MINUTE_US, SECOND_US, Micros, RequestId
from minicoin.core.wallet.errors import WALLET_IS_LOCKED, InsufficientFunds, NotAbandonable, WalletLocked
from minicoin.core.wallet.payment import PaymentPlan
from minicoin.core.wallet.records import RecordState
from minicoin.core.wallet.saves import Promise, WalletSaves
from minicoin.core.wallet.views import Payment, WalletChange
from minicoin.core.wallet.wallet import Wallet

_OFFER_EVERY_US = 10 * MINUTE_US
# While blocks come in by the thousand, what they make acceptable need not be known at each.
_OFFER_PAUSE_US = 10 * SECOND_US
_RESEND_AFTER_US = 12 * HOUR_US
_RESEND_SPREAD_US = 24 * HOUR_US
# A block may have been under way when the payment was made.
_RESEND_AGE_S = 5 * 60
_FEE_TARGET_BLOCKS = 6


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A payment that was asked for and is not built yet."""

    request: RequestId
    command: commands.Pay = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Paying:
    """The payment that the mempool is judging."""

    txid: Txid
    request: RequestId


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a payment cannot be built; one that `may_pass` lacks coins that are on their way."""

    reason: Reason
    text: str
    may_pass: bool = False


class Payments:
    """Of at most one wallet, which every call brings along."""

    def __init__(self, node: WalletNode, transactions: Publisher, saves: WalletSaves, alarm: Alarm) -> None:
        self._node = node
        self._transactions = transactions
        self._saves = saves
        self._rng = node.rng.stream("payments")
        self._alarm = alarm
        # A list: hardly anybody waits, and an empty deque takes as much as one of sixty.
        self._line: list[_Waiting] = []
        self._paying: _Paying | None = None
        self._withdrawn: dict[Txid, None] = {}
        self._abandoning: dict[Txid, list[RequestId]] = {}
        self._offer_at: Micros | None = None
        self._offered_up_to = 0
        self._has_offered = False
        self._resend_at: Micros | None = None

    # --- commands ---

    def pay(self, wallet: Wallet, request: RequestId, command: commands.Pay, now: Micros) -> bool:
        """Take a payment into the line; whether to watch anew."""
        if wallet.vault.is_locked:
            self._node.refuse(request, Reason.WALLET_LOCKED, WALLET_IS_LOCKED)
            return False
        if len(self._line) >= WALLET_PAYMENTS_WAITING_MAX:
            self._node.refuse(request, Reason.CROWDED, "too many payments wait to be made: try again later")
            return False
        self._line.append(_Waiting(request, command))
        return self._pay_next(wallet, now)

    def abandon(self, wallet: Wallet, request: RequestId, txid: Txid) -> None:
        """Give a payment up; answered once that is on disk."""
        if wallet.record(txid) is None:
            self._node.refuse(request, Reason.NOT_ABANDONABLE, "Invalid or non-wallet transaction id")
        elif self._node.mempool.is_verifying(txid):
            # It was offered again a moment ago: the verdict says whether the mempool holds it.
            self._abandoning.setdefault(txid, []).append(request)
        else:
            self._abandon(wallet, request, txid)

    def _abandon(self, wallet: Wallet, request: RequestId, txid: Txid) -> None:
        try:
            self.tell(wallet.abandon(txid))
        except NotAbandonable as error:
            self._node.refuse(request, Reason.NOT_ABANDONABLE, str(error))
            return
        self._node.emit(PaymentAbandoned(txid))
        self._saves.note_change()
        self._saves.promise(Promise(request, Done()))

    def _pay_next(self, wallet: Wallet, now: Micros) -> bool:
        """Build what is first in line, until one is with the mempool. After a start none is built before the payments
        of the last run were offered: their change may be all there is."""
        must_watch = False
        while self._has_offered and self._line and self._paying is None:
            payment = self._build(wallet, self._line[0].command, now)
            if isinstance(payment, _Refusal) and payment.may_pass and self._is_offering(wallet):
                break
            request = self._line.pop(0).request
            if isinstance(payment, _Refusal):
                self._node.refuse(request, payment.reason, payment.text)
                continue
            must_watch = must_watch or payment.must_watch
            self._paying = _Paying(payment.transaction.txid, request)
            reason = self._transactions.submit(payment.transaction, None, now)
            if reason is not None:
                self._refuse(wallet, str(reason))
        return must_watch

    def _build(self, wallet: Wallet, command: commands.Pay, now: Micros) -> "Payment | _Refusal":
        feerate = command.feerate_sat_per_kvb or self._node.mempool.estimate_feerate(_FEE_TARGET_BLOCKS, now)
        plan = PaymentPlan(command.outputs, feerate, command.subtract_fee_from, command.empties)
        try:
            return wallet.build_payment(plan)
        except InsufficientFunds as error:
            return _Refusal(Reason.INSUFFICIENT_FUNDS, str(error), may_pass=error.waiting_sat > 0)
        except WalletLocked as error:
            return _Refusal(Reason.WALLET_LOCKED, str(error))
        except MisuseError as error:
            return _Refusal(Reason.WALLET_FAILED, str(error))

    def _is_offering(self, wallet: Wallet) -> bool:
        """Whether the mempool is judging a payment of ours again: with the verdict its change may come."""
        return any(self._node.mempool.is_verifying(record.txid) for record in wallet.unconfirmed())

    def _refuse(self, wallet: Wallet, why: str) -> None:
        """The payment with the mempool is none."""
        assert self._paying is not None
        paying, self._paying = self._paying, None
        # The mempool may have kept it for a child that would pay for both.
        self._transactions.let_go(paying.txid)
        self.tell(wallet.withdraw(paying.txid))
        self._node.refuse(paying.request, Reason.WALLET_FAILED, f"the payment was refused: {why}; nothing was sent")

    # --- what the mempool says ---

    def on_accepted(self, wallet: Wallet, outcome: Accepted, now: Micros) -> bool:
        """The mempool took a transaction. It is told to the peers now, or once the wallet holds it on disk. Whether the
        watch set grew."""
        transaction = outcome.entry.transaction
        txid = transaction.txid
        for entry in (*outcome.replaced, *outcome.evicted):
            self.leave_pool(wallet, entry, now)
        if txid in self._withdrawn:
            # Whoever asked for it was told that it was not sent.
            del self._withdrawn[txid]
            self._transactions.withdraw(transaction, Reason.WALLET_FAILED, "the payment was withdrawn")
            self.tell(wallet.withdraw(txid))
            return False
        known = wallet.record(txid)
        is_durable = known is not None and known.state in (RecordState.PENDING, RecordState.REPLACED)
        added = wallet.add_unconfirmed(transaction, now)
        self.tell(added)
        self._saves.note_change(bool(added.txids) and not is_durable)
        if wallet.is_own(txid):
            # What spends our coins is ours to say again, whoever sent it.
            self._node.mempool.adopt(txid)
        request = None
        if self._paying is not None and self._paying.txid == txid:
            request, self._paying = self._paying.request, None
        if request is not None or (outcome.source is None and added.txids and not is_durable and wallet.is_own(txid)):
            self._transactions.withhold(txid)
            self._saves.promise(Promise(request, Sent(txid), transaction))
        elif not self._transactions.is_withheld(txid):
            self._transactions.release(transaction, now, origin=outcome.source)
        self._settle_abandoned(wallet, txid)
        return self._pay_next(wallet, now) or added.must_watch

    def on_rejected(self, wallet: Wallet, outcome: Rejected, now: Micros) -> bool:
        """The mempool refused a transaction; whether the watch set grew."""
        for entry in (*outcome.replaced, *outcome.evicted):
            self.leave_pool(wallet, entry, now)
        self._withdrawn.pop(outcome.txid, None)
        if self._paying is not None and self._paying.txid == outcome.txid:
            self._refuse(wallet, f"{outcome.reason}{', ' + outcome.detail if outcome.detail else ''}")
        else:
            self._leave(wallet, outcome.txid, now)
        self._settle_abandoned(wallet, outcome.txid)
        return self._pay_next(wallet, now)

    def leave_pool(self, wallet: Wallet, entry: Entry, now: Micros) -> None:
        """The mempool let go of a transaction that no block took."""
        self._leave(wallet, entry.txid, now)

    def _leave(self, wallet: Wallet, txid: Txid, now: Micros) -> None:
        self.tell(wallet.leave_pool(txid))
        if wallet.record(txid) is None:
            self._saves.note_change()
        elif self._offer_at is None:
            self._offer_by(Micros(now + _OFFER_EVERY_US))

    def _settle_abandoned(self, wallet: Wallet, txid: Txid) -> None:
        for request in self._abandoning.pop(txid, ()):
            self._abandon(wallet, request, txid)

    def on_saved(
        self, wallet: Wallet, payment: Transaction, request: RequestId | None, error: str, now: Micros
    ) -> None:
        """A withheld payment is on disk, or the disk refused it."""
        txid = payment.txid
        record = wallet.record(txid)
        # A block may have taken it meanwhile, and the chain is as durable as it gets.
        if not error or (record is not None and record.state is RecordState.CONFIRMED):
            self._transactions.release(payment, now)
            self._node.reply(request, Sent(txid))
            return
        why = f"{error}; nothing was sent"
        for entry in self._transactions.withdraw(payment, Reason.WALLET_FAILED, why):
            self.tell(wallet.withdraw(entry.txid))
        self.tell(wallet.withdraw(txid))
        self._node.refuse(request, Reason.WALLET_FAILED, why)

    def tell(self, change: WalletChange) -> None:
        """Whoever follows the wallet hears of the transactions that a change touched."""
        if change.txids:
            self._node.emit(WalletChanged(change.txids))

    # --- offering again ---

    def on_settled(self, wallet: Wallet, now: Micros) -> bool:
        """The chain came to rest: what was not acceptable on another tip may be now. Whether the watch set grew."""
        if self._has_offered and self._node.sync.is_initial(now):
            if any(not wallet.is_pooled(record.txid) for record in wallet.unconfirmed()):
                self._offer_by(Micros(now + _OFFER_PAUSE_US))
            return False
        self._has_offered = True
        if self._resend_at is None:
            self._schedule_resend(now)
        self._offer(wallet, now)
        return self._pay_next(wallet, now)

    def _offer(self, wallet: Wallet, now: Micros) -> None:
        """Hand the mempool what it does not hold, in turns where that is much."""
        mempool = self._node.mempool
        waiting = [
            record
            for record in wallet.unconfirmed()
            if record.txid not in mempool and not mempool.is_verifying(record.txid)
        ]
        behind = [record for record in waiting if record.arrival > self._offered_up_to]
        turn = (behind or waiting)[:WALLET_OFFERS_MAX]
        self._offered_up_to = turn[-1].arrival if len(waiting) > len(turn) else 0
        self._offer_at = Micros(now + _OFFER_EVERY_US) if waiting else None
        self._alarm.by(self._offer_at)
        for record in turn:
            is_own = wallet.is_own(record.txid)
            if self._transactions.offer(record.transaction, now, is_own=is_own) is not None:
                self._leave(wallet, record.txid, now)

    def _offer_by(self, at: Micros) -> None:
        self._offer_at = at if self._offer_at is None else min(at, self._offer_at)
        self._alarm.by(self._offer_at)

    def _resend(self, wallet: Wallet, now: Micros) -> None:
        tip_time = self._node.tree.tip.header.time
        for record in wallet.unconfirmed():
            if record.received_us // SECOND_US < tip_time - _RESEND_AGE_S and wallet.is_own(record.txid):
                self._transactions.say_again(record.txid, now)

    def _schedule_resend(self, now: Micros) -> None:
        self._resend_at = Micros(now + _RESEND_AFTER_US + self._rng.below(_RESEND_SPREAD_US))
        self._alarm.by(self._resend_at)

    # --- time and ends ---

    def on_deadline(self, wallet: Wallet, now: Micros) -> None:
        """Offer or say again what is due."""
        if self._offer_at is not None and now >= self._offer_at:
            self._offer(wallet, now)
        if self._resend_at is not None and now >= self._resend_at:
            if not self._node.sync.is_initial(now):
                self._resend(wallet, now)
            self._schedule_resend(now)

    def next_deadline(self) -> Micros | None:
        """When on_deadline has something to do."""
        return min((at for at in (self._offer_at, self._resend_at) if at is not None), default=None)

    def on_failure(self, failure: str) -> None:
        """The node stops or its chain stands still: who waits hears it now, and no payment of theirs may follow."""
        for waiting in self._line:
            self._node.refuse(waiting.request, Reason.STOPPED, failure)
        self._line.clear()
        if self._paying is not None:
            self._withdrawn[self._paying.txid] = None
            self._node.refuse(self._paying.request, Reason.STOPPED, failure)
            self._paying = None
        for requests in self._abandoning.values():
            for request in requests:
                self._node.refuse(request, Reason.STOPPED, failure)
        self._abandoning.clear()
