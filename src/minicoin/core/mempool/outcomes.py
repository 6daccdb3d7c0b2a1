"""What the mempool tells node: fates of transactions, as values. Node turns them into relay, wallet and log."""

from dataclasses import dataclass, field

from minicoin.core.effects import Effect
from minicoin.core.mempool.entry import Entry
from minicoin.core.primitives.transaction import Transaction, Txid, Wtxid
from minicoin.core.primitives.verdicts import TxReason
from minicoin.core.units import ConnId


@dataclass(frozen=True, slots=True)
class Accepted:
    """The transaction stands in the mempool. `replaced` and `evicted` left it for that, parents first."""

    entry: Entry
    source: ConnId | None
    replaced: tuple[Entry, ...] = ()
    evicted: tuple[Entry, ...] = ()
    paid_for: tuple["Accepted", ...] = ()
    """Parents that entered together with it, because it pays for them too."""

    def in_order(self) -> tuple["Accepted", ...]:
        """Everything that entered, parents first."""
        return (*self.paid_for, self)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The transaction was refused. `source` is who sent it, None for our own and for those a reorg or restart returned.

    `replaced` and `evicted` left the mempool on its behalf all the same: it was admitted and fell out at once, as the
    cheapest, say.
    """

    transaction: Transaction
    reason: TxReason
    detail: str
    source: ConnId | None
    replaced: tuple[Entry, ...] = ()
    evicted: tuple[Entry, ...] = ()

    @property
    def txid(self) -> Txid:
        return self.transaction.txid

    @property
    def wtxid(self) -> Wtxid:
        return self.transaction.wtxid


@dataclass(frozen=True, slots=True)
class Orphaned:
    """The transaction waits for parents; `missing` are those that node may ask its source for."""

    transaction: Transaction
    missing: tuple[Txid, ...]
    source: ConnId


@dataclass(frozen=True, slots=True)
class Again:
    """The tip or the parents changed meanwhile: verification was asked for once more."""

    transaction: Transaction


MempoolOutcome = Accepted | Rejected | Orphaned | Again


@dataclass(frozen=True, slots=True)
class MempoolChange:
    """What a chain update or an expiry did."""

    effects: list[Effect] = field(default_factory=list)
    confirmed: tuple[Entry, ...] = ()
    conflicted: tuple[Entry, ...] = ()
    """Spend what a block spent otherwise, or descend from such."""
    groundless: tuple[Entry, ...] = ()
    """Spend a coinbase that is gone or not mature any more, or descend from such."""
    lifted: tuple[Entry, ...] = ()
    """Rest on what a rollback made unconfirmed again: their fate follows as outcomes of their verification."""
    expired: tuple[Entry, ...] = ()
    returning: tuple[Txid, ...] = ()
    """Left the pool or a block because of a reorg and are being verified anew."""


@dataclass(frozen=True, slots=True)
class FeerateBucket:
    """Transactions paying at least `feerate` (sat per 1,000 vB) and less than the next bucket's."""

    feerate: int
    count: int
    vbytes: int
    fees_sat: int


@dataclass(frozen=True, slots=True)
class MempoolSnapshot:
    """The mempool's totals at one moment."""

    count: int
    vbytes: int
    usage_bytes: int
    bytes_max: int
    fees_sat: int
    min_feerate: int
    min_relay_feerate: int
    incremental_feerate: int
    block_min_feerate: int
    unbroadcast_count: int
    orphan_count: int
    orphan_points: int
    """What they count against ORPHAN_POINTS_MAX."""
    verifying_count: int
