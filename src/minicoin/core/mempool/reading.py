"""The reading side of the mempool: what relay, mining, wallet and RPC ask. Changes nothing."""

from collections.abc import Iterator
from itertools import islice, takewhile

from minicoin.core.alarm import Alarm
from minicoin.core.limits import CONFIRMED_TRANSACTIONS_REMEMBERED_MAX, REJECTED_TRANSACTIONS_REMEMBERED_MAX
from minicoin.core.mempool.admission import check_before_verification, check_verified, vsize_of
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.fees import FeeFloor, FeeStatistics
from minicoin.core.mempool.orphans import Orphan, OrphanPool
from minicoin.core.mempool.outcomes import FeerateBucket, MempoolSnapshot
from minicoin.core.mempool.packages import HeldParents
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.mempool.priorities import FeeDeltas
from minicoin.core.mempool.recent import RecentSet
from minicoin.core.mempool.selection import select_packages
from minicoin.core.mempool.table import EntryTable, ancestors, descendants
from minicoin.core.mempool.unbroadcast import Unbroadcast
from minicoin.core.mempool.verification import VerificationQueue
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxOut, Wtxid
from minicoin.core.primitives.verdicts import TxReason, TxRejected, TxVerdict
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros


class MempoolReader:
    """The mempool's state and every question about it."""

    def __init__(self, policy: MempoolPolicy, rng: Rng, height: int = 0, *, coinbase_maturity: int) -> None:
        """`coinbase_maturity`: the network's, to know which entries a rollback makes premature."""
        self.policy = policy
        self._coinbase_maturity = coinbase_maturity
        self.alarm = Alarm()
        self._height = height
        self.deltas = FeeDeltas()
        self._table = EntryTable()
        self._queue = VerificationQueue()
        self._orphans = OrphanPool()
        self._unbroadcast = Unbroadcast(rng.stream("unbroadcast"))
        self._floor = FeeFloor(policy.incremental_feerate)
        self._statistics = FeeStatistics()
        self._rejected = RecentSet(REJECTED_TRANSACTIONS_REMEMBERED_MAX)
        self._too_cheap = RecentSet(REJECTED_TRANSACTIONS_REMEMBERED_MAX)
        self._held = HeldParents()
        self._confirmed = RecentSet(CONFIRMED_TRANSACTIONS_REMEMBERED_MAX)

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, txid: Txid) -> bool:
        return txid in self._table

    def __iter__(self) -> Iterator[Entry]:
        """In order of admission, which puts parents before children."""
        return iter(self._table)

    def since(self, sequence: int, window: int) -> list[Entry]:
        """What was admitted after that place and is still here, oldest first; of the last `window` entries."""
        newest = takewhile(lambda entry: entry.sequence > sequence, islice(reversed(self._table), window))
        return list(newest)[::-1]

    @property
    def updates(self) -> int:
        """How often a transaction came or went: the same while a block template would be the same."""
        return self._table.updates

    def get(self, txid: Txid) -> Entry | None:
        return self._table.get(txid)

    def get_by_wtxid(self, wtxid: Wtxid) -> Entry | None:
        return self._table.get_by_wtxid(wtxid)

    def is_known(self, identifier: bytes) -> bool:
        """Whether a transaction announced by this txid or wtxid need not be asked for."""
        return (
            Txid(identifier) in self._table
            or self._table.get_by_wtxid(Wtxid(identifier)) is not None
            or identifier in self._queue
            or Wtxid(identifier) in self._orphans
            or identifier in self._rejected
            or identifier in self._too_cheap
            or identifier in self._confirmed
        )

    @property
    def sequence(self) -> int:
        """The place of the latest entry in the order of admission, gone or not."""
        return self._table.sequence

    def spender(self, outpoint: Outpoint) -> Entry | None:
        """The entry that spends a coin, confirmed or not."""
        return self._table.spender(outpoint)

    def output(self, outpoint: Outpoint) -> TxOut | None:
        """An unconfirmed output, spent or not."""
        return self._table.output(outpoint)

    def ancestors(self, entry: Entry) -> list[Entry]:
        """Everything unconfirmed that an entry needs, in order of admission."""
        return sorted(ancestors(entry).values(), key=lambda found: found.sequence)

    def descendants(self, entry: Entry) -> list[Entry]:
        """Everything that needs an entry, in order of admission."""
        return sorted(descendants(entry).values(), key=lambda found: found.sequence)

    def by_feerate(self) -> Iterator[Entry]:
        """Best ancestor feerate first. Nothing may be admitted or dropped meanwhile."""
        return (self._table[txid] for txid in self._table.best_first)

    def select_for_block(self, weight_max: int, sigop_cost_max: int) -> list[Entry]:
        """The entries that pay a block of these limits most, parents before children."""
        return select_packages(self._table, weight_max, sigop_cost_max, self.policy.block_min_feerate)

    def check(self, transaction: Transaction) -> None:
        """What can be refused without looking at a coin, without taking it in. Raises TxRejected."""
        known = self._table.get(transaction.txid)
        if known is not None:
            is_same = known.wtxid == transaction.wtxid
            raise TxRejected(TxReason.ALREADY_KNOWN if is_same else TxReason.OTHER_WITNESS_KNOWN)
        check_before_verification(self._table, transaction, self.policy)

    def judge(self, verdict: TxVerdict, now: Micros) -> None:
        """What would become of a verified transaction, without taking it in. Raises TxRejected."""
        if verdict.missing:
            raise TxRejected(TxReason.MISSING_OR_SPENT)
        if verdict.rejected is not None:
            raise TxRejected(verdict.rejected, verdict.detail)
        check_verified(self._table, verdict, self.policy, self.min_feerate(now), deltas=self.deltas)

    def vsize(self, verdict: TxVerdict) -> int:
        """A verified transaction's virtual bytes as policy counts them."""
        return vsize_of(verdict, self.policy)

    def unbroadcast(self) -> list[Entry]:
        """What was handed in here and no peer has shown to have, oldest first."""
        return [self._table[txid] for txid in self._unbroadcast]

    def is_unbroadcast(self, txid: Txid) -> bool:
        """Whether it is one of these."""
        return txid in self._unbroadcast

    def is_verifying(self, txid: Txid) -> bool:
        """Whether its admission is under way."""
        return txid in self._queue

    def is_verifying_from(self, source: ConnId) -> bool:
        """Whether something that this connection brought waits for its verdict."""
        return self._queue.has_from(source)

    def orphans(self) -> tuple[Orphan, ...]:
        """Transactions that wait for their parents, oldest first."""
        return tuple(self._orphans)

    @property
    def fullness(self) -> float:
        """The used share of the bytes allowed."""
        return self._table.usage_bytes / self.policy.bytes_max

    def min_feerate(self, now: Micros) -> int:
        """What a transaction must pay at least to enter now; the value for feefilter."""
        return max(self._floor.current(now, self.fullness), self.policy.min_relay_feerate)

    def estimate_feerate(self, target_blocks: int, now: Micros) -> int:
        """A feerate likely to be mined within `target_blocks`, should nothing better paid arrive (see fees)."""
        return self._statistics.estimate(target_blocks, self.min_feerate(now))

    def histogram(self) -> tuple[FeerateBucket, ...]:
        """What is offered, by feerate, cheapest first."""
        return self._statistics.histogram()

    def snapshot(self, now: Micros) -> MempoolSnapshot:
        return MempoolSnapshot(
            count=len(self._table),
            vbytes=self._table.vbytes,
            usage_bytes=self._table.usage_bytes,
            bytes_max=self.policy.bytes_max,
            fees_sat=self._table.fees_sat,
            min_feerate=self.min_feerate(now),
            min_relay_feerate=self.policy.min_relay_feerate,
            incremental_feerate=self.policy.incremental_feerate,
            block_min_feerate=self.policy.block_min_feerate,
            unbroadcast_count=len(self._unbroadcast),
            orphan_count=len(self._orphans),
            orphan_points=self._orphans.points,
            verifying_count=len(self._queue),
        )
