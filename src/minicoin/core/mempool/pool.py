"""The mempool: takes transactions in, keeps them in order and within bounds, and lets them go.

Owns the order of things; what is decided at each step has a module: admission, replacement, packages, truc, fees,
orphans, verification (the queue), reorg, unbroadcast. Leaves validity to the verifier (it asks by VerifyTransaction),
requests and announcements to relay, penalties to node.

1. *A verdict counts for the tip and the parents it was given for.* If either has changed it is asked for again.
2. *A refusal is remembered until the next block*, so that the same need not be verified twice: what it says of the tip
   may be otherwise then. Not remembered is what says nothing of the transaction: that there was no room, or that a coin
   is missing.
3. *What is too cheap alone is remembered apart*: a child may pay for it, so it is still asked for as a parent, and held
   a while (packages).
4. *What is full lets go of the packages that pay least*, and the floor rises above what they paid. What enters and
   would have to leave at once has not entered.
5. *Nothing is pushed out by what cannot enter*: what a package would have replaced is put back if it fails.
6. *A block takes out what it confirms, what contradicts it, and what lost its ground*; blocks that are taken back
   return theirs through the verifier, parents first, and with them what rests on them. What was confirmed lately is not
   taken again.
7. *What waited for too long is let go* (two weeks, by default), with what spends it. What a peer sent is forgotten with
   the peer while it is an orphan or waits for a child.
8. *Our own is never pushed aside by strangers'* on its way to the verifier, and is kept over a restart first; in the
   pool it is as any other.

Standard: Bitcoin Core 30's policy, BIP125 without the signal, BIP431.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from minicoin.core.effects import Effect, VerifyTransaction
from minicoin.core.faults import MisuseError
from minicoin.core.limits import MEMPOOL_DUMP_BYTES_MAX, REORG_TRANSACTIONS_MAX
from minicoin.core.mempool.admission import check_before_verification, check_verified, vsize_of
from minicoin.core.mempool.dump import DumpedTransaction, decode_dump, encode_dump
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.outcomes import (
    Accepted,
    Again,
    MempoolChange,
    MempoolOutcome,
    Orphaned,
    Rejected,
)
from minicoin.core.mempool.packages import (
    RECONSIDERABLE,
    HeldParent,
    check_member,
    check_package_price,
    find_replaced_by_package,
)
from minicoin.core.mempool.reading import MempoolReader
from minicoin.core.mempool.reorg import groundless, to_verify_anew, unconfirmed_again
from minicoin.core.mempool.verification import UnverifiedTx
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxOut, Wtxid, outpoint_txid
from minicoin.core.primitives.verdicts import BlockSummary, ChainUpdate, TxReason, TxRejected, TxVerdict
from minicoin.core.script.policy import dust_outputs
from minicoin.core.units import ConnId, Micros

# Says nothing about the transaction itself: worth another look when it comes again.
_PASSING_REASONS = (TxReason.MEMPOOL_FULL, TxReason.MISSING_OR_SPENT)


class Mempool(MempoolReader):
    """Unconfirmed transactions of one node."""

    # --- taking in ---

    def submit(
        self, transaction: Transaction, source: ConnId | None, now: Micros, *, is_own: bool | None = None
    ) -> list[Effect]:
        """Start the admission of a transaction from a peer, or of one handed in here (source None), which is our own
        unless `is_own` says otherwise: the wallet offers what it was paid, too. Raises TxRejected.

        No effects and no exception: it is being verified already, or waits as an orphan.
        """
        is_own = source is None if is_own is None else is_own
        txid, wtxid = transaction.txid, transaction.wtxid
        known = self._table.get(txid)
        if known is not None:
            # Whoever brought it has it: nothing to make sure of.
            known.is_own = known.is_own or is_own
            raise TxRejected(TxReason.ALREADY_KNOWN)
        pending = self._queue.get(wtxid)
        if pending is not None:
            if is_own:
                self._queue.make_own(wtxid)
                pending.is_unbroadcast = True
            return self._send_waiting()
        if txid in self._confirmed:
            raise TxRejected(TxReason.ALREADY_CONFIRMED)
        if source is not None:
            is_too_cheap = wtxid in self._too_cheap and not self._orphans.waits_for(txid)
            if wtxid in self._rejected or is_too_cheap:
                raise TxRejected(TxReason.ALREADY_KNOWN, "refused recently")
            if wtxid in self._orphans:
                return []
            if not self._queue.make_room(source, transaction.weight):
                raise TxRejected(TxReason.MEMPOOL_FULL, "too many transactions wait for verification")
        try:
            check_before_verification(self._table, transaction, self.policy)
        except TxRejected as rejection:
            self._remember(wtxid, rejection.reason)
            raise
        is_returning = source is None and not is_own
        self._queue.add(UnverifiedTx(transaction, source, now, is_own, is_returning, is_own))
        return self._send_waiting()

    def on_verified(
        self, verdict: TxVerdict, tip: BlockHash, now: Micros, cost_us: int = 0
    ) -> tuple[MempoolOutcome, list[Effect]]:
        """Take a verdict; `tip` is where the engine stands as far as node knows. Its cost is its sender's."""
        candidate = self._queue.finish(verdict.transaction.wtxid, cost_us)
        if candidate is None:
            raise MisuseError("a verdict nobody asked for")
        self._floor.settle(now, self.fullness)
        outcome = self._judge(candidate, verdict, tip, now)
        if isinstance(outcome, Rejected):
            self._orphans.remove(outcome.wtxid)
            self._remember(outcome.wtxid, outcome.reason)
            if outcome.reason is TxReason.NONSTANDARD_INPUTS:
                # No other witness mends what it spends: whoever names it by its txid need not be asked either.
                self._rejected.add(outcome.txid)
            if not candidate.held and outcome.reason in RECONSIDERABLE:
                self._held.add(HeldParent(candidate, verdict))
                self._resubmit_children(outcome.txid, now)
        self.alarm.by(self.next_deadline())
        return outcome, self._send_waiting()

    def _judge(self, candidate: UnverifiedTx, verdict: TxVerdict, tip: BlockHash, now: Micros) -> MempoolOutcome:
        transaction = candidate.transaction
        if transaction.txid in self._confirmed:
            return _rejected(candidate, TxReason.ALREADY_CONFIRMED)
        if transaction.txid in self._table:
            return _rejected(candidate, TxReason.ALREADY_KNOWN, "same transaction with another witness")
        if verdict.tip != tip or not all(parent in self._table for parent in candidate.parents):
            self._queue.add(candidate)
            return Again(transaction)
        if verdict.missing:
            return self._judge_missing(candidate, verdict.missing, now)
        if verdict.rejected is not None:
            return _rejected(candidate, verdict.rejected, verdict.detail)
        try:
            if candidate.held:
                return self._judge_package(candidate, verdict, now)
            floor = self.min_feerate(now)
            replaced = check_verified(
                self._table, verdict, self.policy, floor, is_returning=candidate.is_returning, deltas=self.deltas
            )
        except TxRejected as rejection:
            return _rejected(candidate, rejection.reason, rejection.detail)
        self._drop(replaced)
        return self._settle([(candidate, self._enter(candidate, verdict))], replaced, now)

    def _judge_package(self, candidate: UnverifiedTx, verdict: TxVerdict, now: Micros) -> MempoolOutcome:
        """A child together with the held parents it spends. Raises TxRejected where it, or the whole, may not enter."""
        held = [parent for txid in candidate.held if (parent := self._held.get(txid)) is not None]
        if len(held) < len(candidate.held):
            self._queue.add(candidate)
            return Again(candidate.transaction)
        verdicts = [*(parent.verdict for parent in held), verdict]
        priced = [self.deltas.apply(one) for one in verdicts]
        for one in priced:
            check_member(one, self.policy)
        check_package_price(priced, self.policy, self.min_feerate(now))
        replaced = find_replaced_by_package(self._table, priced, self.policy)
        untold = [entry.txid for entry in replaced if entry.txid in self._unbroadcast]
        self._drop(replaced)
        entered: list[tuple[UnverifiedTx, Entry]] = []
        try:
            # What each has to meet is asked as if those before stood in the pool, so they do, for that long.
            for member, one in zip((*(parent.candidate for parent in held), candidate), verdicts, strict=True):
                check_verified(self._table, one, self.policy, floor=0, deltas=self.deltas)
                entered.append((member, self._enter(member, one)))
        except TxRejected as rejection:
            self._drop([entry for _, entry in entered])
            # Nobody may push others out with what cannot enter: a child that spends its parent's own coin, say.
            self._put_back(replaced, untold, now)
            return _rejected(candidate, rejection.reason, rejection.detail)
        return self._settle(entered, replaced, now)

    def _judge_missing(self, candidate: UnverifiedTx, missing: tuple[Outpoint, ...], now: Micros) -> MempoolOutcome:
        transaction = candidate.transaction
        if any(self._table.output(outpoint) is not None for outpoint in missing):
            # A parent was admitted while this one was being verified.
            self._queue.add(candidate)
            return Again(transaction)
        parents = {outpoint_txid(outpoint): None for outpoint in missing}
        is_spent = any(parent in self._confirmed or parent in self._table for parent in parents)
        if candidate.source is None or is_spent:
            return _rejected(candidate, TxReason.MISSING_OR_SPENT)
        if any(parent in self._rejected for parent in parents):
            return _rejected(candidate, TxReason.MISSING_OR_SPENT, "a parent was refused")
        if not self._orphans.add(transaction, tuple(parents), candidate.source):
            return _rejected(candidate, TxReason.MISSING_OR_SPENT, "no room for this orphan")
        return Orphaned(transaction, self._unknown(parents), candidate.source)

    def announce_orphan(self, wtxid: Wtxid, source: ConnId) -> tuple[Txid, ...]:
        """A peer has this one. Where it waits for its parents, and that is news, which of them the peer should be asked
        for: it may be the one that has them."""
        return self._unknown(self._orphans.announce(wtxid, source))

    def _unknown(self, parents: Iterable[Txid]) -> tuple[Txid, ...]:
        # One that was too cheap alone is wanted again: its child may pay for it.
        return tuple(parent for parent in parents if parent in self._too_cheap or not self.is_known(parent))

    def _enter(self, candidate: UnverifiedTx, verdict: TxVerdict) -> Entry:
        entry = Entry(
            candidate.transaction,
            fee_sat=verdict.fee_sat,
            vsize=vsize_of(verdict, self.policy),
            sigop_cost=verdict.sigop_cost,
            time=candidate.time,
            height=self._height,
            spends_coinbase_height=verdict.spends_coinbase_height,
            was_confirmed=candidate.was_confirmed,
            fee_delta_sat=self.deltas.get(candidate.transaction.txid),
        )
        self._table.add(entry)
        self._statistics.add(entry)
        return entry

    def judge_together(self, verdicts: Sequence[TxVerdict], now: Micros) -> TxRejected | None:
        """What the last of these transactions would hear if those before it stood in the pool; None: it would enter.

        Each has to pay for itself, and none may replace. The pool is as it was afterwards.
        """
        floor = self.min_feerate(now)
        entered: list[Entry] = []
        try:
            for verdict in verdicts:
                if self._table.conflicts_of(verdict.transaction):
                    return TxRejected(TxReason.REPLACEMENT_DISALLOWED)
                if verdict.rejected is not None:
                    return TxRejected(verdict.rejected, verdict.detail)
                if verdict.missing:
                    return TxRejected(TxReason.MISSING_OR_SPENT)
                check_verified(self._table, verdict, self.policy, floor, deltas=self.deltas)
                entered.append(self._enter(UnverifiedTx(verdict.transaction, None, now), verdict))
        except TxRejected as rejection:
            return rejection
        finally:
            self._drop(entered)
        return None

    def _settle(
        self, entered: list[tuple[UnverifiedTx, Entry]], replaced: list[Entry], now: Micros
    ) -> Accepted | Rejected:
        """Make room for what entered, parents first and the one that was judged last."""
        candidate, entry = entered[-1]
        evicted = self._trim()
        if any(one.txid not in self._table for _, one in entered):
            members = [one for _, one in entered]
            self._drop(members)
            others = tuple(other for other in evicted if other not in members)
            return _rejected(candidate, TxReason.MEMPOOL_FULL, replaced=tuple(replaced), evicted=others)
        for _, one in entered:
            self._orphans.remove(one.wtxid)
        for member, one in entered:
            self._held.remove(one.txid)
            one.is_own = member.is_own
            if member.is_unbroadcast:
                self._unbroadcast.add(one.txid, now)
            self._resubmit_children(one.txid, now)
        parents = tuple(Accepted(one, member.source) for member, one in entered[:-1])
        return Accepted(entry, candidate.source, tuple(replaced), tuple(evicted), parents)

    def _trim(self) -> list[Entry]:
        """Evict the packages that pay least until the table fits."""
        evicted: list[Entry] = []
        while self._table.usage_bytes > self.policy.bytes_max and (worst := self._table.worst_first.first()):
            entry = self._table[worst[1]]
            self._floor.raise_above(entry.descendant_fees_sat * 1_000 / entry.descendant_vsize)
            evicted += self._drop([entry])
        return evicted

    def _resubmit_children(self, parent: Txid, now: Micros) -> None:
        for orphan in self._orphans.children_of(parent):
            if orphan.transaction.wtxid not in self._queue:
                self._queue.add(UnverifiedTx(orphan.transaction, orphan.sources[0], now))

    def _send_waiting(self) -> list[Effect]:
        effects: list[Effect] = []
        while (candidate := self._queue.send_next()) is not None:
            spent = [entry_input.outpoint for entry_input in candidate.transaction.inputs]
            parents = tuple((name, output) for name in spent if (output := self._output(name)) is not None)
            candidate.parents = tuple(self._table.parents_of(candidate.transaction))
            names = dict.fromkeys(map(outpoint_txid, spent))
            candidate.held = tuple(name for name in names if name in self._held and name not in self._table)
            effects.append(VerifyTransaction(candidate.transaction, parents, candidate.is_own))
        return effects

    def _output(self, outpoint: Outpoint) -> TxOut | None:
        return self._table.output(outpoint) or self._held.output(outpoint)

    def adopt(self, txid: Txid) -> None:
        """Treat a transaction as our own from now on, as when the wallet knows one that a peer or a reorg brought."""
        entry = self._table.get(txid)
        if entry is not None:
            entry.is_own = True

    def acknowledge(self, identifier: bytes) -> None:
        """A peer asked for the transaction with this txid or wtxid, or has it."""
        if len(self._unbroadcast):
            entry = self._table.get(Txid(identifier)) or self._table.get_by_wtxid(Wtxid(identifier))
            if entry is not None:
                self._unbroadcast.remove(entry.txid)

    def remove(self, txid: Txid) -> list[Entry]:
        """Let go of a transaction that was never told to anybody, and of what spends it."""
        self._held.remove(txid)
        entry = self._table.get(txid)
        return [] if entry is None else self._drop([entry])

    def _remember(self, wtxid: Wtxid, reason: TxReason) -> None:
        if reason in RECONSIDERABLE:
            self._too_cheap.add(wtxid)
        elif reason not in _PASSING_REASONS:
            self._rejected.add(wtxid)

    def prioritise(self, txid: Txid, delta_sat: int) -> None:
        """Count this transaction as paying so much more (or less), now and when it comes. Raises MisuseError."""
        entry = self._table.get(txid)
        dust_feerate = self.policy.standardness.dust_feerate
        # Rule 1 of ephemeral dust: nobody may earn by it alone.
        if entry is not None and self.policy.require_standard and dust_outputs(entry.transaction, dust_feerate):
            raise MisuseError("Priority is not supported for transactions with dust outputs.")
        change = self.deltas.add(txid, delta_sat)
        if entry is not None and change:
            self._table.reprice(entry, change)

    # --- letting go ---

    def on_chain_update(self, update: ChainUpdate, now: Micros, *, is_initial: bool = False) -> MempoolChange:
        """Follow the chain: drop what is confirmed or conflicts, verify anew what a rollback set free.

        What is confirmed is remembered, so that nobody need send it; not while `is_initial`, when blocks come by the
        thousand and no transaction is asked for.
        """
        self._height = update.height
        self._floor.settle(now, self.fullness)
        self._rejected.clear()
        self._too_cheap.clear()
        self._held.clear()
        for block in update.disconnected:
            for txid in block.summary.txids:
                self._confirmed.discard(txid)
        confirmed: list[Entry] = []
        conflicted: list[Entry] = []
        for summary in update.connected:
            if not is_initial:
                for txid in summary.txids:
                    self._confirmed.add(txid)
            self._connect(summary, confirmed, conflicted, now)
        without_ground: list[Entry] = []
        lifted: list[Entry] = []
        returning: list[UnverifiedTx] = []
        if update.disconnected:
            without_ground = self._drop(groundless(self._table, update, self._coinbase_maturity))
            lifted, returning = self._roll_back(update, now)
        if update.connected:
            self._floor.on_block(now)
        self.alarm.by(self.next_deadline())
        return MempoolChange(
            self._send_waiting(),
            tuple(confirmed),
            tuple(conflicted),
            tuple(without_ground),
            tuple(lifted),
            returning=tuple(candidate.transaction.txid for candidate in returning),
        )

    def _connect(self, summary: BlockSummary, confirmed: list[Entry], conflicted: list[Entry], now: Micros) -> None:
        self._statistics.on_block(summary)
        self.deltas.forget(summary.txids)
        found = [entry for txid in summary.txids if (entry := self._table.get(txid)) is not None]
        if found:
            self._table.remove(found)
            for entry in found:
                self._uncount(entry)
            confirmed += found
        if len(self._table):
            rivals = {rival.txid: rival for name in summary.spent if (rival := self._table.spender(name)) is not None}
            conflicted += self._drop(list(rivals.values()))
        if len(self._orphans):
            self._orphans.remove_spenders(dict.fromkeys(summary.spent))
            for txid in summary.txids:
                self._resubmit_children(txid, now)

    def _roll_back(self, update: ChainUpdate, now: Micros) -> tuple[list[Entry], list[UnverifiedTx]]:
        """What left the pool for it, and all that is verified anew."""
        transactions = unconfirmed_again(update)
        untold = dict.fromkeys(self._unbroadcast)
        lifted = self._drop(to_verify_anew(self._table, transactions))
        candidates = [
            UnverifiedTx(transaction, None, now, is_returning=True, was_confirmed=True) for transaction in transactions
        ]
        for entry in lifted:
            is_untold = entry.txid in untold
            candidates.append(
                UnverifiedTx(
                    entry.transaction,
                    None,
                    Micros(entry.time),
                    entry.is_own,
                    is_returning=True,
                    is_unbroadcast=is_untold,
                    was_confirmed=entry.was_confirmed,
                )
            )
        # Parents stand first, so a cut loses children only.
        queued = [candidate for candidate in candidates if candidate.transaction.wtxid not in self._queue]
        queued = queued[:REORG_TRANSACTIONS_MAX]
        for candidate in queued:
            self._queue.add(candidate)
        return lifted, queued

    def expire(self, now: Micros) -> MempoolChange:
        """Let go of what waited too long, with what spends it."""
        expired: list[Entry] = []
        while (oldest := self._table.oldest_first.first()) and oldest[0] + self.policy.expiry_us <= now:
            expired += self._drop([self._table[oldest[1]]])
        return MempoolChange(expired=tuple(expired))

    def introduce_source(self, source: ConnId, group: bytes) -> None:
        """A connection and its group of addresses: groups take turns at being verified."""
        self._queue.introduce(source, group)

    def forget_source(self, source: ConnId) -> None:
        """A connection is gone: so are its orphans, and what it sent that waits for a child."""
        self._queue.forget(source)
        self._orphans.remove_source(source)
        self._held.remove_source(source)

    def _drop(self, roots: list[Entry]) -> list[Entry]:
        dropped = self._table.remove_with_descendants(roots)
        for entry in dropped:
            self._uncount(entry)
        return dropped

    def _put_back(self, entries: list[Entry], untold: list[Txid], now: Micros) -> None:
        """As if they had not left, parents first."""
        for entry in entries:
            again = entry.alone()
            self._table.add(again)
            self._statistics.add(again)
        for txid in untold:
            self._unbroadcast.add(txid, now)

    def _uncount(self, entry: Entry) -> None:
        self._statistics.add(entry, -1)
        self._unbroadcast.remove(entry.txid)

    # --- time ---

    def next_deadline(self) -> Micros | None:
        """When expire or due_unbroadcast has something to do."""
        oldest = self._table.oldest_first.first()
        expiry = None if oldest is None else Micros(int(oldest[0]) + self.policy.expiry_us)
        deadlines = (expiry, self._unbroadcast.next_deadline())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def bring_forward(self, delta_us: int) -> None:
        """Have due_unbroadcast give something that much sooner."""
        self._unbroadcast.bring_forward(delta_us)
        self.alarm.by(self._unbroadcast.next_deadline())

    def due_unbroadcast(self, now: Micros) -> list[Txid]:
        """What to announce once more to peers that were not told yet."""
        return self._unbroadcast.take_due(now)

    def waiting_since(self, before: Micros) -> Iterator[Entry]:
        """What was taken before that moment, oldest first; the pool must not change meanwhile."""
        entries = (self._table[txid] for txid in self._table.oldest_first)
        return takewhile(lambda entry: entry.time < before, entries)

    @property
    def is_returning(self) -> bool:
        """Whether some of what a reorganisation gave back is still being verified."""
        return self._queue.is_returning

    # --- restart ---

    @property
    def is_restoring(self) -> bool:
        """Whether some of what an earlier run kept is still being verified."""
        return next(self._queue.restored(), None) is not None

    def to_bytes(self) -> bytes:
        """What to keep across a restart, also of what an earlier run kept and is still being verified."""
        waiting = list(self._queue.restored())
        names = dict.fromkeys(outpoint_txid(spend.outpoint) for one in waiting for spend in one.transaction.inputs)
        held = [parent.candidate for name in names if (parent := self._held.get(name)) is not None]
        kept = (
            DumpedTransaction(one.transaction, one.time, one.is_own, one.is_unbroadcast) for one in (*held, *waiting)
        )
        return encode_dump(self._table, self._unbroadcast, MEMPOOL_DUMP_BYTES_MAX, kept)

    def restore(self, raw: bytes, now: Micros) -> list[Effect]:
        """Verify anew what an earlier run kept, by today's policy: a parent whose child pays for it waits for that
        child, as when they came. Raises DecodeError where `raw` is no dump."""
        for dumped in decode_dump(raw):
            transaction = dumped.transaction
            is_fresh = dumped.time + self.policy.expiry_us > now
            if not is_fresh or transaction.txid in self._table or transaction.wtxid in self._queue:
                continue
            try:
                check_before_verification(self._table, transaction, self.policy)
            except TxRejected as rejection:
                self._remember(transaction.wtxid, rejection.reason)
                continue
            self._queue.add(
                UnverifiedTx(
                    transaction,
                    None,
                    min(dumped.time, now),
                    dumped.is_own,
                    is_unbroadcast=dumped.is_unbroadcast,
                    is_restored=True,
                )
            )
        return self._send_waiting()


def _rejected(
    candidate: UnverifiedTx,
    reason: TxReason,
    detail: str = "",
    *,
    replaced: tuple[Entry, ...] = (),
    evicted: tuple[Entry, ...] = (),
) -> Rejected:
    return Rejected(candidate.transaction, reason, detail, candidate.source, replaced, evicted)
