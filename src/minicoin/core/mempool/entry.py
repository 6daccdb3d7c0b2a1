"""One transaction in the mempool with what is known about it and its unconfirmed relatives.

The table (table.py) keeps the relatives' figures current; everybody else only reads. Ancestor and descendant figures
include the entry itself.
"""

from minicoin.core.primitives.transaction import Transaction, Txid, Wtxid

# Measured by tracemalloc on CPython 3.11 for parsed transactions with identifiers, links and index slots.
_ENTRY_BYTES = 1_600
_PER_INPUT_BYTES = 350
_PER_OUTPUT_BYTES = 180


class Entry:
    """A mempool transaction. Compared by identity; `sequence` is the order of admission."""

    __slots__ = (
        "ancestor_count",
        "ancestor_fees_sat",
        "ancestor_sigop_cost",
        "ancestor_vsize",
        "children",
        "descendant_count",
        "descendant_fees_sat",
        "descendant_vsize",
        "fee_sat",
        "height",
        "is_own",
        "modified_fee_sat",
        "parents",
        "sequence",
        "sigop_cost",
        "spends_coinbase_height",
        "time",
        "transaction",
        "txid",
        "usage_bytes",
        "vsize",
        "was_confirmed",
        "weight",
        "wtxid",
    )

    def __init__(
        self,
        transaction: Transaction,
        *,
        fee_sat: int,
        vsize: int,
        sigop_cost: int,
        time: int,
        height: int,
        spends_coinbase_height: int | None = None,
        is_own: bool = False,
        was_confirmed: bool = False,
        fee_delta_sat: int = 0,
    ) -> None:
        self.transaction = transaction
        self.txid: Txid = transaction.txid
        self.wtxid: Wtxid = transaction.wtxid
        self.fee_sat = fee_sat
        self.modified_fee_sat = fee_sat + fee_delta_sat
        """As the operator wants it seen (mempool.priorities); relatives' sums are of these."""
        self.vsize = vsize
        self.weight = transaction.weight
        self.sigop_cost = sigop_cost
        self.time = time
        self.height = height
        self.spends_coinbase_height = spends_coinbase_height
        self.is_own = is_own
        self.was_confirmed = was_confirmed
        """It came back out of a block."""
        self.sequence = 0
        self.parents: dict[Txid, Entry] = {}
        self.children: dict[Txid, Entry] = {}
        self.ancestor_count = self.descendant_count = 1
        self.ancestor_vsize = self.descendant_vsize = vsize
        self.ancestor_fees_sat = self.descendant_fees_sat = self.modified_fee_sat
        self.ancestor_sigop_cost = sigop_cost
        self.usage_bytes = (
            _ENTRY_BYTES
            + 2 * transaction.size
            + _PER_INPUT_BYTES * len(transaction.inputs)
            + _PER_OUTPUT_BYTES * len(transaction.outputs)
        )

    def alone(self) -> "Entry":
        """The same without relatives, as it was when it came."""
        return Entry(
            self.transaction,
            fee_sat=self.fee_sat,
            vsize=self.vsize,
            sigop_cost=self.sigop_cost,
            time=self.time,
            height=self.height,
            spends_coinbase_height=self.spends_coinbase_height,
            is_own=self.is_own,
            was_confirmed=self.was_confirmed,
            fee_delta_sat=self.modified_fee_sat - self.fee_sat,
        )

    @property
    def feerate(self) -> int:
        """Its own fee in satoshi per 1,000 virtual bytes, rounded down."""
        return self.fee_sat * 1_000 // self.vsize

    @property
    def ancestor_score(self) -> float:
        """What a miner earns per virtual byte by taking it with all it needs, never more than its own feerate."""
        return min(self.ancestor_fees_sat / self.ancestor_vsize, self.modified_fee_sat / self.vsize)

    @property
    def descendant_score(self) -> float:
        """What is lost per virtual byte by evicting it with all that spends it, or alone if that is more."""
        return max(self.descendant_fees_sat / self.descendant_vsize, self.modified_fee_sat / self.vsize)

    def __repr__(self) -> str:
        return f"Entry({self.transaction!r}, {self.fee_sat} sat, {self.vsize} vB)"
