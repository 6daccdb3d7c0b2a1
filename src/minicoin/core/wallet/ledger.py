"""The wallet's transactions, as the chain and the mempool make and unmake them.

Owns which of them are confirmed, pending or inactive, through reorgs, replacements and evictions. Takes block summaries
as the engine gives them; validity is chain's, what follows for coins is coinset's.
"""

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from minicoin.core.faults import MisuseError
from minicoin.core.limits import WALLET_INACTIVE_TRANSACTIONS_MAX
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import (
    Outpoint,
    Transaction,
    Txid,
    TxOut,
    outpoint_index,
    outpoint_txid,
)
from minicoin.core.primitives.verdicts import BlockSummary, WatchedTransaction
from minicoin.core.units import Micros
from minicoin.core.wallet.coinset import CoinSet
from minicoin.core.wallet.keyring import Keyring
from minicoin.core.wallet.records import BlockPlace, Record, RecordState


@dataclass(frozen=True, slots=True)
class Tip:
    """The block up to which the ledger follows the chain."""

    hash: BlockHash
    height: int


class Ledger:
    """Records by txid. The active ones (confirmed or pending) stand in the coin set."""

    def __init__(self, keyring: Keyring, tip: Tip, coinbase_maturity: int) -> None:
        self._keyring = keyring
        self.coins = CoinSet(keyring)
        self._maturity = coinbase_maturity
        self.tip = tip
        self._records: dict[Txid, Record] = {}
        self._confirmed: list[tuple[int, int, Txid]] = []
        self._pending: dict[Txid, None] = {}
        self._inactive: dict[Txid, None] = {}
        self._arrivals = 0
        self.changes = 0
        """Counts mutations, for whoever keeps what follows from them."""

    # --- what happens ---

    def connect(self, summary: BlockSummary, now: Micros) -> list[Txid]:
        """A block joined the best chain on our tip: the wallet's transactions in it, and those it made impossible."""
        if summary.header.previous != self.tip.hash:
            raise MisuseError(
                f"wallet at height {self.tip.height} cannot connect block {summary.height}: not its child"
            )
        touched = self._evict_conflicts(summary.spent, frozenset(summary.txids))
        for watched in summary.watched:
            place = BlockPlace(summary.hash, summary.height, watched.position, summary.header.time)
            touched += self.confirm(watched, place, now)
        self.tip = Tip(summary.hash, summary.height)
        self.changes += 1
        return touched

    def disconnect(self, summary: BlockSummary) -> list[Txid]:
        """Our tip left the best chain: its transactions wait again, its coinbase is an orphan."""
        if summary.hash != self.tip.hash:
            raise MisuseError(f"wallet at height {self.tip.height} cannot disconnect another block than its tip")
        touched = self.roll_back(summary.height - 1)
        self.tip = Tip(summary.header.previous, summary.height - 1)
        return touched

    def roll_back(self, height: int) -> list[Txid]:
        """Forget the confirmations of everything above `height`; the caller sets the tip."""
        touched: list[Txid] = []
        while self._confirmed and self._confirmed[-1][0] > height:
            _, _, txid = self._confirmed.pop()
            record = self._records[txid]
            touched.append(txid)
            if record.transaction.is_coinbase:
                touched += self._remove_with_descendants(self.coins.spenders(record.transaction))
                self._set_inactive(record)
            else:
                self._records[txid] = replace(record, state=RecordState.PENDING, place=None)
                self._pending[txid] = None
        self.changes += 1
        return touched

    def confirm(self, watched: WatchedTransaction, place: BlockPlace, now: Micros) -> list[Txid]:
        """A transaction stands in a block of the best chain; told of one that is not ours, or twice, does nothing."""
        transaction = watched.transaction
        txid = transaction.txid
        known = self._records.get(txid)
        if known is not None and known.state is RecordState.CONFIRMED:
            return []
        if known is None and not self._concerns(transaction, watched.spent):
            return []
        outpoints = [spend.outpoint for spend in transaction.inputs]
        touched = self._evict_conflicts(outpoints, frozenset((txid,)))
        received, arrival = (known.received_us, known.arrival) if known else (now, self._next_arrival())
        record = Record(transaction, RecordState.CONFIRMED, received, arrival, place, watched.spent)
        self._pending.pop(txid, None)
        self._inactive.pop(txid, None)
        self._deactivate(txid)
        self._activate(record)
        insort(self._confirmed, (place.height, place.position, txid))
        self.coins.release(txid)
        self.changes += 1
        return [*touched, txid]

    def add_pending(self, transaction: Transaction, now: Micros) -> list[Txid]:
        """The mempool took a transaction. What it replaces goes; of what is not ours nothing is kept."""
        txid = transaction.txid
        known = self._records.get(txid)
        if known is not None and known.state is not RecordState.INACTIVE:
            return []
        outpoints = [spend.outpoint for spend in transaction.inputs]
        if any(self._is_spent_in_chain(outpoint) for outpoint in outpoints):
            # The block that spent it came while the mempool was still checking against the tip before.
            return []
        touched = self._evict_conflicts(outpoints, frozenset((txid,)))
        if not self._concerns(transaction, ()):
            return touched
        self._inactive.pop(txid, None)
        received = known.received_us if known else now
        spent = self._spent_outputs(outpoints) or (known.spent if known else ())
        self._activate(Record(transaction, RecordState.PENDING, received, self._next_arrival(), None, spent))
        self._pending[txid] = None
        self.coins.release(txid)
        self.changes += 1
        return [*touched, txid]

    def remove_pending(self, txid: Txid) -> list[Txid]:
        """The mempool dropped a transaction: it and what spends it count no more, its coins are free again."""
        self.coins.release(txid)
        if txid not in self._pending:
            return []
        self.changes += 1
        return self._remove_with_descendants((txid,))

    def restore(self, record: Record) -> None:
        """Take over a record that was saved. Parents need not come first."""
        txid = record.txid
        if record.state is RecordState.INACTIVE:
            self._records[txid] = record
            self._inactive[txid] = None
        else:
            self._activate(record)
            if record.place is None:
                self._pending[txid] = None
            else:
                insort(self._confirmed, (record.place.height, record.place.position, txid))
        self._arrivals = max(self._arrivals, record.arrival)
        self.changes += 1

    # --- what is ---

    def record(self, txid: Txid) -> Record | None:
        return self._records.get(txid)

    def is_pending(self, txid: Txid) -> bool:
        """Whether it is active and in no block."""
        return txid in self._pending

    @property
    def count(self) -> int:
        """Transactions held, inactive ones included."""
        return len(self._records)

    def records(self) -> Iterator[Record]:
        """All, in no order that means anything."""
        return iter(self._records.values())

    def newest_first(self) -> Iterator[Record]:
        """Records for the history: pending and abandoned ones, then the chain from its tip; orphans at their place."""
        loose = [self._records[txid] for txid in (*self._pending, *self._inactive)]
        unplaced = sorted((record for record in loose if record.place is None), key=lambda record: record.order)
        orphans = sorted((record for record in loose if record.place is not None), key=lambda record: record.order)
        yield from reversed(unplaced)
        for height, position, txid in reversed(self._confirmed):
            while orphans and orphans[-1].order > (0, height, position):
                yield orphans.pop()
            yield self._records[txid]
        yield from reversed(orphans)

    def pending(self) -> tuple[Record, ...]:
        """Unconfirmed records in the order they arrived, hence parents first."""
        return tuple(sorted((self._records[txid] for txid in self._pending), key=lambda record: record.order))

    def confirmations(self, record: Record) -> int:
        """0 for what stands in no block of the best chain."""
        if record.place is None or record.state is not RecordState.CONFIRMED:
            return 0
        return self.tip.height - record.place.height + 1

    def is_immature(self, record: Record) -> bool:
        """Whether a coinbase waits for its maturity; one block more than the rule asks, so that a reorg by one block
        does not undo a spend."""
        return self.confirmations(record) <= self._maturity and record.transaction.is_coinbase

    def debit_sat(self, record: Record) -> int:
        """What the transaction takes from the wallet."""
        if record.spent:
            return sum(output.value for output in record.spent if self._keyring.path_of(output.script_pubkey))
        owned = (self.coins.output(spend.outpoint) for spend in record.transaction.inputs)
        return sum(own.output.value for own in owned if own is not None)

    # --- inside ---

    def _concerns(self, transaction: Transaction, spent: Iterable[TxOut]) -> bool:
        return (
            any(self._keyring.path_of(output.script_pubkey) for output in transaction.outputs)
            or any(self._keyring.path_of(output.script_pubkey) for output in spent)
            or self.coins.spends_ours(spend.outpoint for spend in transaction.inputs)
        )

    def _spent_outputs(self, outpoints: Iterable[Outpoint]) -> tuple[TxOut, ...]:
        """The outputs behind the outpoints where every one comes from a transaction we hold; else empty."""
        found: list[TxOut] = []
        for outpoint in outpoints:
            parent = self._records.get(outpoint_txid(outpoint))
            if parent is None or outpoint_index(outpoint) >= len(parent.transaction.outputs):
                return ()
            found.append(parent.transaction.outputs[outpoint_index(outpoint)])
        return tuple(found)

    def _is_spent_in_chain(self, outpoint: Outpoint) -> bool:
        spender = self.coins.spender(outpoint)
        return spender is not None and self._records[spender].state is RecordState.CONFIRMED

    def _evict_conflicts(self, outpoints: Iterable[Outpoint], allowed: frozenset[Txid]) -> list[Txid]:
        touched: list[Txid] = []
        for outpoint in outpoints:
            spender = self.coins.spender(outpoint)
            if spender is not None and spender not in allowed:
                touched += self.remove_pending(spender)
        return touched

    def _remove_with_descendants(self, txids: Iterable[Txid]) -> list[Txid]:
        """Pending transactions and all that spends their outputs, whatever the depth. Own payments stay in the
        history; of others nothing remains."""
        doomed: dict[Txid, None] = {}
        waiting = list(txids)
        while waiting:
            txid = waiting.pop()
            if txid in self._pending and txid not in doomed:
                doomed[txid] = None
                waiting += self.coins.spenders(self._records[txid].transaction)
        # All debits first: they are read from outputs that go away below.
        debits = [self.debit_sat(self._records[txid]) for txid in doomed]
        for txid, debit in zip(doomed, debits, strict=True):
            if debit:
                self._set_inactive(self._records[txid])
            else:
                self._deactivate(txid)
                del self._records[txid]
        return list(doomed)

    def _set_inactive(self, record: Record) -> None:
        self._deactivate(record.txid)
        self._pending.pop(record.txid, None)
        self._records[record.txid] = replace(record, state=RecordState.INACTIVE)
        self._inactive[record.txid] = None
        if len(self._inactive) > WALLET_INACTIVE_TRANSACTIONS_MAX:
            oldest = next(iter(self._inactive))
            del self._inactive[oldest], self._records[oldest]

    def _next_arrival(self) -> int:
        self._arrivals += 1
        return self._arrivals

    def _activate(self, record: Record) -> None:
        self._records[record.txid] = record
        self.coins.activate(record.transaction)

    def _deactivate(self, txid: Txid) -> None:
        self._pending.pop(txid, None)
        record = self._records.get(txid)
        if record is not None and record.state is not RecordState.INACTIVE:
            self.coins.deactivate(record.transaction)
