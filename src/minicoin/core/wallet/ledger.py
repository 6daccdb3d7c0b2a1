"""The wallet's transactions, as the chain, the mempool and their owner make and unmake them.

Takes block summaries as the engine gives them; validity is chain's, what follows for coins is coinset's. The rules,
which are Bitcoin Core's with one exception (a payment whose coinbase lost its block goes on waiting; Core gives it up):

- A payment of ours is pending from the moment the mempool takes it until a block takes it. That the mempool lets go of
  it (eviction, expiry, a reorg that makes it wait for its lock time, a restart) changes nothing: its coins stay spent
  and it is offered again. Only its owner may give it up, since somebody may hold a copy of it and have it mined.
- It is set aside while another transaction of the wallet that the mempool took spends the same coins (replaced), or
  once a block spends them (conflicted), with everything that spends its outputs. When the rival is given up, or its
  block leaves the best chain, it waits again.
- What others pay us is as good as the mempool says: what leaves it leaves the wallet, unless a payment of ours spends
  it.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from minicoin.core.faults import MisuseError
from minicoin.core.limits import WALLET_ORPHAN_COINBASES_MAX
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
from minicoin.core.wallet.errors import NotAbandonable
from minicoin.core.wallet.keyring import Keyring
from minicoin.core.wallet.records import BlockPlace, Record, RecordState


@dataclass(frozen=True, slots=True)
class Tip:
    """The block up to which the ledger follows the chain."""

    hash: BlockHash
    height: int


class WalletLedger:
    """Records by txid. The active ones (confirmed or pending) stand in the coin set."""

    def __init__(self, keyring: Keyring, tip: Tip, coinbase_maturity: int, *, is_final: bool = False) -> None:
        """`is_final`: a block that came is never undone."""
        self._keyring = keyring
        self.coins = CoinSet(keyring)
        self._mature_confirmations = coinbase_maturity if is_final else coinbase_maturity + 1
        self.tip = tip
        self._records: dict[Txid, Record] = {}
        self._confirmed: list[tuple[int, int, Txid]] = []
        self._pending: dict[Txid, None] = {}
        self._pooled: dict[Txid, None] = {}
        """Of the pending ones those that the mempool holds."""
        self._aside: dict[RecordState, dict[Txid, None]] = {state: {} for state in RecordState if not state.is_active}
        self._arrivals = 0
        self.changes = 0
        """Counts mutations, for whoever keeps what follows from them."""

    # --- what the chain does ---

    def connect(self, summary: BlockSummary, now: Micros) -> list[Txid]:
        """A block joined the best chain on our tip: the wallet's transactions in it, and those it made impossible."""
        if summary.header.previous != self.tip.hash:
            raise MisuseError(
                f"wallet at height {self.tip.height} cannot connect block {summary.height}: not its child"
            )
        place = BlockPlace(summary.hash, summary.height, 0, summary.header.time)
        touched = self._conflict(summary.spent, frozenset(summary.txids), place)
        for watched in summary.watched:
            touched += self.confirm(watched, replace(place, position=watched.position), now)
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
            record = self._records[self._confirmed[-1][2]]
            touched.append(record.txid)
            if record.transaction.is_coinbase:
                # What spends it goes on waiting: after a crash the same block comes back.
                self._move(record, RecordState.ORPHAN, record.place)
            else:
                self._move(record, RecordState.PENDING)
        for txid in list(self._aside[RecordState.CONFLICTED]):
            record = self._records[txid]
            if record.place is None or record.place.height > height:
                self._move(record, RecordState.REPLACED)
        self.changes += 1
        return [*touched, *self._revive()]

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
        touched = [] if transaction.is_coinbase else self._conflict(outpoints, frozenset((txid,)), place)
        received, arrival = (known.received_us, known.arrival) if known else (now, self._next_arrival())
        if known is not None:
            self._take_out(known)
        self._put(Record(transaction, RecordState.CONFIRMED, received, arrival, place, watched.spent))
        self.coins.release(txid)
        self.changes += 1
        return [*touched, txid, *self._revive()]

    # --- what the mempool and the owner do ---

    def add_pending(self, transaction: Transaction, now: Micros) -> list[Txid]:
        """The mempool took a transaction. What it replaces is set aside; of what is not ours nothing is kept."""
        txid = transaction.txid
        known = self._records.get(txid)
        if known is not None and known.state is RecordState.CONFIRMED:
            return []
        if known is not None and known.state is RecordState.PENDING:
            if txid in self._pooled:
                return []
            self._pooled[txid] = None
            self.changes += 1
            return [txid]
        outpoints = [spend.outpoint for spend in transaction.inputs]
        if any(self._is_spent_in_chain(outpoint) for outpoint in outpoints):
            # The block that spent it came while the mempool was still checking against the tip before.
            return []
        if not self._concerns(transaction, ()):
            return []
        rivals = [rival for name in outpoints if (rival := self.coins.spender(name)) is not None]
        touched = self._set_aside(rivals, RecordState.REPLACED)
        received = known.received_us if known else now
        spent = self._spent_outputs(outpoints) or (known.spent if known else ())
        if known is not None:
            self._take_out(known)
        self._put(Record(transaction, RecordState.PENDING, received, self._next_arrival(), None, spent))
        self._pooled[txid] = None
        self.coins.release(txid)
        self.changes += 1
        return [*touched, txid, *self._revive()]

    def leave_pool(self, txid: Txid) -> list[Txid]:
        """The mempool let go of a transaction, or did not take it. Ours waits on; another's is forgotten."""
        self.coins.release(txid)
        if txid not in self._pending:
            return []
        was_pooled = txid in self._pooled
        self._pooled.pop(txid, None)
        self.changes += 1
        record = self._records[txid]
        if self._is_kept(record):
            return [txid] if was_pooled else []
        return self.forget(txid)

    def forget(self, txid: Txid) -> list[Txid]:
        """As if it had never been: one of another's, or a payment of ours that nobody was told of."""
        self.coins.release(txid)
        record = self._records.get(txid)
        if record is None or record.state is RecordState.CONFIRMED:
            return []
        self._delete(record)
        self.changes += 1
        return [txid, *self._revive()]

    def abandon(self, txid: Txid) -> list[Txid]:
        """The owner gives a payment up, and with it what spends its outputs: the coins are free again. Raises
        NotAbandonable."""
        record = self._records.get(txid)
        is_waiting = txid in self._pending and txid not in self._pooled
        if record is None or not (is_waiting or txid in self._aside[RecordState.REPLACED]):
            raise NotAbandonable
        self.changes += 1
        return [*self._set_aside((txid,), RecordState.ABANDONED), *self._revive()]

    def restore(self, record: Record) -> None:
        """Take over a record that was saved. Parents need not come first."""
        self._put(record)
        self._arrivals = max(self._arrivals, record.arrival)
        self.changes += 1

    # --- what is ---

    def record(self, txid: Txid) -> Record | None:
        return self._records.get(txid)

    def is_pending(self, txid: Txid) -> bool:
        """Whether it is active and in no block."""
        return txid in self._pending

    def is_pooled(self, txid: Txid) -> bool:
        """Whether it is pending and the mempool holds it."""
        return txid in self._pooled

    @property
    def count(self) -> int:
        """Transactions held, those set aside included."""
        return len(self._records)

    def records(self) -> Iterator[Record]:
        """All, in no order that means anything."""
        return iter(self._records.values())

    def newest_first(self) -> Iterator[Record]:
        """Records for the history: what stands in no block, then the chain from its tip; orphans at their place."""
        loose = [self._records[txid] for txid in self._pending]
        loose += [self._records[txid] for aside in self._aside.values() for txid in aside]
        unplaced = sorted((record for record in loose if record.order[0]), key=lambda record: record.order)
        orphans = sorted((record for record in loose if not record.order[0]), key=lambda record: record.order)
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
        """0 for what stands in no block of the best chain; below 0 where a block that deep made it impossible."""
        if record.place is None or record.state is RecordState.ORPHAN:
            return 0
        depth = self.tip.height - record.place.height + 1
        return -depth if record.state is RecordState.CONFLICTED else depth

    def is_immature(self, record: Record) -> bool:
        """Whether a coinbase waits for its maturity; where blocks can be undone one block more than the rule asks, so
        that a reorg by one block does not undo a spend."""
        return self.confirmations(record) < self._mature_confirmations and record.transaction.is_coinbase

    def debit_sat(self, record: Record) -> int:
        """What the transaction takes from the wallet."""
        if record.spent:
            return sum(output.value for output in record.spent if self._keyring.path_of(output.script_pubkey))
        spent = (self._own_output(spend.outpoint) for spend in record.transaction.inputs)
        return sum(output.value for output in spent if output is not None)

    # --- inside ---

    def _concerns(self, transaction: Transaction, spent: Iterable[TxOut]) -> bool:
        return (
            any(self._keyring.path_of(output.script_pubkey) for output in transaction.outputs)
            or any(self._keyring.path_of(output.script_pubkey) for output in spent)
            or any(self._own_output(spend.outpoint) is not None for spend in transaction.inputs)
        )

    def _own_output(self, outpoint: Outpoint) -> TxOut | None:
        """An output of ours of any transaction we know."""
        parent = self._records.get(outpoint_txid(outpoint))
        if parent is None or outpoint_index(outpoint) >= len(parent.transaction.outputs):
            return None
        output = parent.transaction.outputs[outpoint_index(outpoint)]
        return output if self._keyring.path_of(output.script_pubkey) else None

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

    def _is_kept(self, record: Record) -> bool:
        """Whether it is a payment of ours, or one of ours spends it."""
        if self.debit_sat(record):
            return True
        children = (self._records.get(txid) for txid in self.coins.children(record.transaction))
        return any(child is not None and self.debit_sat(child) > 0 for child in children)

    def _conflict(self, outpoints: Iterable[Outpoint], allowed: frozenset[Txid], place: BlockPlace) -> list[Txid]:
        """A block at `place` spends the outpoints in `allowed` transactions: no other can."""
        losers = [txid for name in outpoints for txid in self.coins.claimants(name) if txid not in allowed]
        return self._set_aside(losers, RecordState.CONFLICTED, place) if losers else []

    def _set_aside(self, txids: Iterable[Txid], state: RecordState, place: BlockPlace | None = None) -> list[Txid]:
        """Unconfirmed transactions and all that spends their outputs, whatever the depth. What the owner gave up stays
        so; what is not ours goes."""
        moved: dict[Txid, Record] = {}
        waiting = list(txids)
        while waiting:
            record = self._records.get(waiting.pop())
            if record is None or record.txid in moved:
                continue
            if record.state in (RecordState.PENDING, RecordState.REPLACED):
                moved[record.txid] = record
                waiting += self.coins.children(record.transaction)
        kept = [self._is_kept(record) for record in moved.values()]
        for record, is_kept in zip(moved.values(), kept, strict=True):
            if is_kept:
                self._move(record, state, place)
            else:
                self._delete(record)
        return list(moved)

    def _revive(self) -> list[Txid]:
        """Payments whose rivals count no more wait again: of several that exclude each other the latest."""
        revived: list[Txid] = []
        aside = self._aside[RecordState.REPLACED]
        has_more = bool(aside)
        while has_more:
            # A child is younger than its parent, so what it spends may be back only after this round.
            has_more = False
            for record in sorted((self._records[txid] for txid in aside), key=lambda record: -record.arrival):
                if self._is_free(record):
                    self._move(record, RecordState.PENDING)
                    revived.append(record.txid)
                    has_more = bool(aside)
        return revived

    def _is_free(self, record: Record) -> bool:
        """Whether nobody else spends its coins, and they come from transactions that count or are not ours."""
        for spend in record.transaction.inputs:
            parent = self._records.get(outpoint_txid(spend.outpoint))
            counts = parent is None or parent.state.is_active or parent.state is RecordState.ORPHAN
            if not counts or self.coins.spender(spend.outpoint) is not None:
                return False
        return True

    def _move(self, record: Record, state: RecordState, place: BlockPlace | None = None) -> None:
        self._take_out(record)
        self._put(replace(record, state=state, place=place))
        orphans = self._aside[RecordState.ORPHAN]
        if len(orphans) > WALLET_ORPHAN_COINBASES_MAX:
            self._delete(self._records[next(iter(orphans))])

    def _put(self, record: Record) -> None:
        txid = record.txid
        self._records[txid] = record
        if not record.transaction.is_coinbase:
            self.coins.claim(record.transaction)
        if record.state.is_active:
            self.coins.activate(record.transaction)
        if record.state is RecordState.PENDING:
            self._pending[txid] = None
        elif record.state is RecordState.CONFIRMED:
            if record.place is None:
                raise MisuseError("a confirmed transaction without its block")
            insort(self._confirmed, (record.place.height, record.place.position, txid))
        else:
            self._aside[record.state][txid] = None

    def _take_out(self, record: Record) -> None:
        """Out of the index of its state; it is put back under another or deleted."""
        txid = record.txid
        if record.state.is_active:
            self.coins.deactivate(record.transaction)
        if record.state is RecordState.PENDING:
            del self._pending[txid]
            self._pooled.pop(txid, None)
        elif record.state is RecordState.CONFIRMED:
            assert record.place is not None
            del self._confirmed[bisect_left(self._confirmed, (record.place.height, record.place.position, txid))]
        else:
            del self._aside[record.state][txid]

    def _delete(self, record: Record) -> None:
        self._take_out(record)
        if not record.transaction.is_coinbase:
            self.coins.disclaim(record.transaction)
        del self._records[record.txid]

    def _next_arrival(self) -> int:
        self._arrivals += 1
        return self._arrivals
