"""What outside may read of the mempool and of block templates, as frozen values. Changes nothing, sends nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from minicoin.core.limits import QUERY_PAGE_ENTRIES_MAX
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.outcomes import FeerateBucket, MempoolSnapshot
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.mining.template import BlockTemplate, TemplateSize, unsolved_block
from minicoin.core.params.rules import SignetKind
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxOut
from minicoin.core.primitives.verdicts import TxRejected, TxVerdict
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.view import NodeView, PoolReader

# Told of with marks of their own.
_NAMED = ("csv", "segwit", "taproot")


@dataclass(frozen=True, slots=True)
class EntryView:
    """One transaction of the mempool. `time` in Unix seconds, `height` that of the tip it came at; `sequence` is the
    order of admission."""

    transaction: Transaction = field(repr=False)
    sequence: int
    fee_sat: int
    modified_fee_sat: int
    vsize: int
    time: int
    height: int
    is_unbroadcast: bool
    ancestor_count: int
    ancestor_vsize: int
    ancestor_fees_sat: int
    descendant_count: int
    descendant_vsize: int
    descendant_fees_sat: int
    parents: tuple[Txid, ...]
    children: tuple[Txid, ...]

    @property
    def txid(self) -> Txid:
        return self.transaction.txid


@dataclass(frozen=True, slots=True)
class OrphanView:
    """A transaction whose parents are not known, and the connections that have it."""

    transaction: Transaction = field(repr=False)
    conns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Prioritised:
    """A change of a fee, and what that makes of it where the transaction is in the mempool."""

    txid: Txid
    delta_sat: int
    modified_fee_sat: int | None


@dataclass(frozen=True, slots=True)
class Admission:
    """What the mempool would say to a transaction that was verified. `vsize` is the policy's."""

    vsize: int
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TemplateView:
    """A block template, and what a miner is told beside it. `rules` are those in force, with a mark before those that
    he must know to use the template (BIP9); `votes` the bits of those that are voted on."""

    template: BlockTemplate
    mempool_updates: int
    rules: tuple[str, ...]
    votes: tuple[tuple[str, int], ...]


class PoolQueries:
    """Reads of one moment."""

    def __init__(self, view: NodeView, now: Micros) -> None:
        self._node = view
        self._mempool = view.mempool
        self._now = now

    def snapshot(self) -> MempoolSnapshot:
        """The totals."""
        return self._mempool.snapshot(self._now)

    def policy(self) -> MempoolPolicy:
        """What its operator wants of it."""
        return self._mempool.policy

    def is_restored(self) -> bool:
        """Whether what an earlier run kept has been taken up."""
        return self._node.has_restored_mempool

    def histogram(self) -> tuple[FeerateBucket, ...]:
        """What is offered, by feerate."""
        return self._mempool.histogram()

    def txids(self, after: int = -1) -> tuple[tuple[int, Txid], ...]:
        """A page of (sequence, txid) in the order of admission, behind the sequence `after`."""
        later = (entry for entry in self._mempool if entry.sequence > after)
        return tuple((entry.sequence, entry.txid) for entry in islice(later, 10 * QUERY_PAGE_ENTRIES_MAX))

    def entries(self, after: int = -1) -> tuple[EntryView, ...]:
        """A page of entries in the order of admission, behind the sequence `after`."""
        later = (entry for entry in self._mempool if entry.sequence > after)
        return self._views(islice(later, QUERY_PAGE_ENTRIES_MAX))

    def entry(self, txid: Txid) -> EntryView | None:
        """One transaction."""
        found = self._mempool.get(txid)
        return None if found is None else _view(found, self._mempool)

    def ancestors(self, txid: Txid) -> tuple[EntryView, ...] | None:
        """What a transaction needs; None where it is not in the mempool."""
        found = self._mempool.get(txid)
        return None if found is None else self._views(self._mempool.ancestors(found))

    def descendants(self, txid: Txid) -> tuple[EntryView, ...] | None:
        """What needs a transaction; None where it is not in the mempool."""
        found = self._mempool.get(txid)
        return None if found is None else self._views(self._mempool.descendants(found))

    def _views(self, entries: Iterable[Entry]) -> tuple[EntryView, ...]:
        return tuple(_view(entry, self._mempool) for entry in entries)

    def orphans(self) -> tuple[OrphanView, ...]:
        """Transactions whose parents are not known."""
        return tuple(OrphanView(orphan.transaction, orphan.sources) for orphan in self._mempool.orphans())

    def prioritised(self) -> tuple[Prioritised, ...]:
        """The operator's changes of fees, oldest first."""
        entries = ((txid, delta, self._mempool.get(txid)) for txid, delta in self._mempool.deltas)
        return tuple(Prioritised(txid, delta, None if e is None else e.modified_fee_sat) for txid, delta, e in entries)

    def spender(self, outpoint: Outpoint) -> Txid | None:
        """The transaction of the mempool that spends a coin."""
        found = self._mempool.spender(outpoint)
        return None if found is None else found.txid

    def spending_transaction(self, outpoint: Outpoint) -> Transaction | None:
        """The same with the whole transaction."""
        found = self._mempool.spender(outpoint)
        return None if found is None else found.transaction

    def output(self, outpoint: Outpoint) -> TxOut | None:
        """An unconfirmed output, spent or not."""
        return self._mempool.output(outpoint)

    def estimate_feerate(self, target_blocks: int) -> int:
        """Satoshi per 1,000 virtual bytes."""
        return self._mempool.estimate_feerate(target_blocks, self._now)

    def min_feerate(self) -> int:
        """What a transaction must pay to enter."""
        return self._mempool.min_feerate(self._now)

    def unconfirmed_parents(self, transaction: Transaction) -> tuple[tuple[Outpoint, TxOut], ...]:
        """The outputs it spends that stand in the mempool."""
        spent = (spend.outpoint for spend in transaction.inputs)
        return tuple((name, output) for name in spent if (output := self._mempool.output(name)) is not None)

    def check(self, transaction: Transaction) -> Admission:
        """What the mempool refuses before it asks for the coins."""
        try:
            self._mempool.check(transaction)
        except TxRejected as rejected:
            return Admission(transaction.vsize, str(rejected.reason), rejected.detail)
        return Admission(transaction.vsize)

    def judge(self, verdict: TxVerdict) -> Admission:
        """What the mempool would say to a verdict, without taking the transaction in."""
        vsize = self._mempool.vsize(verdict)
        try:
            self._mempool.judge(verdict, self._now)
        except TxRejected as rejected:
            return Admission(vsize, str(rejected.reason), rejected.detail)
        return Admission(vsize)

    def judge_together(self, verdicts: Sequence[TxVerdict]) -> Admission:
        """What the mempool would say to the last of these, did those before it stand in the pool."""
        vsize = self._mempool.vsize(verdicts[-1])
        rejected = self._mempool.judge_together(verdicts, self._now)
        return Admission(vsize) if rejected is None else Admission(vsize, str(rejected.reason), rejected.detail)

    def template(self, script_pubkey: bytes) -> TemplateView:
        """The block to mine on the tip."""
        template = self._node.mining.template(script_pubkey, self._now)
        tree = self._node.tree
        states = tree.rules.status(tree.tip)
        known = (("csv", template.rules.csv), ("!segwit", template.rules.segwit), ("taproot", template.rules.taproot))
        rules = [name for name, is_active in known if is_active]
        if isinstance(tree.network.proof, SignetKind):
            rules.append("!signet")
        rules += [
            state.name for state in states if state.is_active and state.name not in _NAMED and state.vote is not None
        ]
        votes = [(state.name, state.vote.bit) for state in states if state.vote is not None and state.votes is not None]
        return TemplateView(template, self._mempool.updates, tuple(rules), tuple(votes))

    def updates(self) -> int:
        """How often a transaction came or went."""
        return self._mempool.updates

    def unsolved_block(self, script_pubkey: bytes, transactions: tuple[Transaction, ...]) -> Block:
        """A block of just these transactions on the tip, which lacks nothing but work."""
        return unsolved_block(self._node.mining.exact_template(script_pubkey, transactions, self._now))

    def last_template_size(self) -> TemplateSize | None:
        """Of the last block put together, or None."""
        return self._node.mining.last_size

    def mines_to(self) -> bytes | None:
        """The script that is being mined to, if any."""
        return self._node.mining.script_pubkey


def _view(entry: Entry, mempool: PoolReader) -> EntryView:
    return EntryView(
        transaction=entry.transaction,
        sequence=entry.sequence,
        fee_sat=entry.fee_sat,
        modified_fee_sat=entry.modified_fee_sat,
        vsize=entry.vsize,
        time=entry.time // SECOND_US,
        height=entry.height,
        is_unbroadcast=mempool.is_unbroadcast(entry.txid),
        ancestor_count=entry.ancestor_count,
        ancestor_vsize=entry.ancestor_vsize,
        ancestor_fees_sat=entry.ancestor_fees_sat,
        descendant_count=entry.descendant_count,
        descendant_vsize=entry.descendant_vsize,
        descendant_fees_sat=entry.descendant_fees_sat,
        parents=tuple(entry.parents),
        children=tuple(entry.children),
    )
