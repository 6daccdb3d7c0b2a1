"""A child that pays for its parents: transactions too cheap to enter alone, judged together with who spends them.

1. A parent that is good but for its fee is held a while instead of forgotten; it is not announced and not in the pool.
2. A child that spends held parents is verified with their outputs. The package enters if its fees suffice for its size
   and each of its members meets everything else, in order, as if those before stood in the pool already.
3. A parent may pay less than the fixed floor, or nothing. If its child leaves again, the parent is the first that a
   full pool lets go of, and no block takes it; what it cost the network, the child's fees had paid or whoever replaced
   the child.
4. A package replaces others if it is one parent with one child without other relatives, and each that it replaces has
   one relative at most: what that does to miners' earnings can be told by comparing feerates then.
5. The child has to improve on its parent's own feerate: otherwise the parent would have to do without it.

What may be held is bounded in number, per source, and in bytes. Bitcoin Core's doc/policy/packages.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from minicoin.core.limits import HELD_PARENT_BYTES_MAX, HELD_PARENTS_MAX, HELD_PARENTS_PER_SOURCE_MAX
from minicoin.core.mempool.admission import check_floor, check_standard_verdict, vsize_of
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.ephemeral import check_dust_is_free, check_dust_is_spent
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.mempool.replacement import check_replacement_fee, with_descendants
from minicoin.core.mempool.table import EntryTable
from minicoin.core.mempool.truc import TRUC_CHILD_VBYTES_MAX, TRUC_VBYTES_MAX, TRUC_VERSION
from minicoin.core.mempool.verification import UnverifiedTx
from minicoin.core.primitives.transaction import Outpoint, Txid, TxOut, outpoint_index, outpoint_txid
from minicoin.core.primitives.verdicts import TxReason, TxRejected, TxVerdict
from minicoin.core.units import ConnId

RECONSIDERABLE = (TxReason.MIN_RELAY_FEE, TxReason.MEMPOOL_MIN_FEE, TxReason.INSUFFICIENT_FEE)
"""A child that pays more may bring in a transaction that was refused for these."""


@dataclass(frozen=True, slots=True)
class HeldParent:
    """A transaction that is good but for its fee, and the verdict on it."""

    candidate: UnverifiedTx
    verdict: TxVerdict


class HeldParents:
    """Parents that wait for a child that pays, oldest first."""

    __slots__ = ("_bytes", "_held")

    def __init__(self) -> None:
        self._held: dict[Txid, HeldParent] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, txid: Txid) -> bool:
        return txid in self._held

    def get(self, txid: Txid) -> HeldParent | None:
        return self._held.get(txid)

    def output(self, outpoint: Outpoint) -> TxOut | None:
        """An output of a held transaction."""
        held = self._held.get(outpoint_txid(outpoint))
        index = outpoint_index(outpoint)
        if held is None or index >= len(held.candidate.transaction.outputs):
            return None
        return held.candidate.transaction.outputs[index]

    def add(self, held: HeldParent) -> None:
        """Hold one; those of its source, or else the oldest, make room."""
        transaction = held.candidate.transaction
        self.remove(transaction.txid)
        self._held[transaction.txid] = held
        self._bytes += transaction.size
        source = held.candidate.source
        own = [txid for txid, other in self._held.items() if other.candidate.source == source]
        for txid in own[:-HELD_PARENTS_PER_SOURCE_MAX]:
            self.remove(txid)
        while len(self._held) > HELD_PARENTS_MAX or self._bytes > HELD_PARENT_BYTES_MAX:
            self.remove(next(iter(self._held)))

    def remove(self, txid: Txid) -> None:
        """Hold it no more."""
        held = self._held.pop(txid, None)
        if held is not None:
            self._bytes -= held.candidate.transaction.size

    def remove_source(self, source: ConnId) -> None:
        """A connection is gone: so is what it sent."""
        for txid in [txid for txid, held in self._held.items() if held.candidate.source == source]:
            self.remove(txid)

    def clear(self) -> None:
        """The chain moved: every verdict is out of date."""
        self._held.clear()
        self._bytes = 0


def check_member(verdict: TxVerdict, policy: MempoolPolicy) -> None:
    """What a parent has to meet alone, whoever pays for it. Raises TxRejected."""
    check_standard_verdict(verdict, policy)
    if policy.require_standard:
        check_dust_is_free(verdict.transaction, verdict.fee_sat, policy.standardness.dust_feerate)


def check_package_price(verdicts: Sequence[TxVerdict], policy: MempoolPolicy, floor: int) -> None:
    """Rules 2 and 5, for parents with their child as the last. Raises TxRejected."""
    fees = sum(verdict.fee_sat for verdict in verdicts)
    vsize = sum(vsize_of(verdict, policy) for verdict in verdicts)
    check_floor(fees, vsize, policy, floor)
    parents_fees = fees - verdicts[-1].fee_sat
    parents_vsize = vsize - vsize_of(verdicts[-1], policy)
    if fees * parents_vsize <= parents_fees * vsize:
        raise TxRejected(TxReason.INSUFFICIENT_FEE, "package feerate is less than or equal to parent feerate")


def find_replaced_by_package(table: EntryTable, verdicts: Sequence[TxVerdict], policy: MempoolPolicy) -> list[Entry]:
    """What a package replaces, parents first (rule 4). Raises TxRejected."""
    conflicts: dict[Txid, Entry] = {}
    for verdict in verdicts:
        conflicts.update(table.conflicts_of(verdict.transaction))
    if not conflicts:
        return []
    if len(verdicts) != 2:
        raise TxRejected(TxReason.INSUFFICIENT_FEE, "a package that replaces must be 1-parent-1-child")
    if any(table.parents_of(verdict.transaction) for verdict in verdicts):
        raise TxRejected(TxReason.INSUFFICIENT_FEE, "a package that replaces cannot have mempool ancestors")
    for rival in conflicts.values():
        if rival.ancestor_count + rival.descendant_count > 3:
            raise TxRejected(TxReason.INSUFFICIENT_FEE, "what a package replaces has more than one relative")
    _check_version_3(verdicts[0], verdicts[1], policy)
    if policy.require_standard:
        parent, child = (verdict.transaction for verdict in verdicts)
        check_dust_is_spent(child, [parent], policy.standardness.dust_feerate)
    replaced = with_descendants(conflicts)
    check_replacement_fee(
        verdicts[-1].transaction.txid,
        sum(verdict.fee_sat for verdict in verdicts),
        sum(vsize_of(verdict, policy) for verdict in verdicts),
        conflicts=list(replaced.values()),
        replaced=list(replaced.values()),
        incremental_feerate=policy.incremental_feerate,
    )
    return sorted(replaced.values(), key=lambda entry: entry.sequence)


def _check_version_3(parent: TxVerdict, child: TxVerdict, policy: MempoolPolicy) -> None:
    versions = [verdict.transaction.version == TRUC_VERSION for verdict in (parent, child)]
    if versions[0] != versions[1]:
        raise TxRejected(TxReason.TRUC, "version=3 and other versions cannot spend from each other unconfirmed")
    sizes = [vsize_of(verdict, policy) for verdict in (parent, child)]
    if versions[0] and (sizes[0] > TRUC_VBYTES_MAX or sizes[1] > TRUC_CHILD_VBYTES_MAX):
        raise TxRejected(TxReason.TRUC, "version=3 tx is too big")
