"""What stands between a transaction and a place in the mempool, beside its validity. In this order:

1. *Before any coin is looked at*: it is well-formed, no coinbase, of standard form and size, and replaces only what it
   may (replacement.py, the rules that need no fee).
2. *Of what it spends*: few enough signature checks, standard inputs, witness programs as policy asks
   (script/policy.py).
3. *Its price*: it pays the floor for its virtual bytes (fees.py), and creates dust only for nothing (ephemeral.py).
4. *Its shape among its relatives*: version 3 keeps its small topology (truc.py).
5. *What it replaces* it pays for (replacement.py).
6. *Chains stay short*: so many ancestors and descendants, of so many bytes, since each of them is looked at when a
   block is put together or something is evicted. What is replaced does not count.
7. *Dust of its parents it spends* (ephemeral.py).

What stood in a block before and comes back owes no price: it was paid once. Nor does the topology of version 3 bind it,
nor dust. Pure: reads the table and raises TxRejected; pool decides what follows. Bitcoin Core's PreChecks.
"""

from minicoin.core.chain.tx_rules import check_transaction
from minicoin.core.limits import BLOCK_SIGOP_COST_MAX
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.ephemeral import check_dust_is_free, check_dust_is_spent
from minicoin.core.mempool.policy import MempoolPolicy, fee_at, policy_vsize
from minicoin.core.mempool.priorities import FeeDeltas
from minicoin.core.mempool.replacement import check_replacement_fee, find_replaced
from minicoin.core.mempool.table import EntryTable, ancestors_of_parents, descendants
from minicoin.core.mempool.truc import check_truc
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.primitives.verdicts import TxReason, TxRejected, TxVerdict
from minicoin.core.script.policy import check_programs, check_size, check_standard, check_standard_inputs

# One transaction may take a fifth of a block's signature checks.
_STANDARD_SIGOP_COST_MAX = BLOCK_SIGOP_COST_MAX // 5


def check_before_verification(table: EntryTable, transaction: Transaction, policy: MempoolPolicy) -> None:
    """What can be refused without looking at a coin. Raises TxRejected."""
    check_transaction(transaction)
    if transaction.is_coinbase:
        raise TxRejected(TxReason.COINBASE)
    if policy.require_standard:
        check_standard(transaction, policy.standardness)
    check_size(transaction)
    find_replaced(table, transaction, table.conflicts_of(transaction))


def check_verified(
    table: EntryTable,
    verdict: TxVerdict,
    policy: MempoolPolicy,
    floor: int,
    *,
    is_returning: bool = False,
    deltas: FeeDeltas,
) -> list[Entry]:
    """What a valid transaction still has to meet; returns what it replaces, parents first. Raises TxRejected.

    `deltas` change what it counts as paying. One that `is_returning` stood in a block before, and pays what it
    paid then.
    """
    check_standard_verdict(verdict, policy)
    transaction, vsize = verdict.transaction, vsize_of(verdict, policy)
    priced = deltas.apply(verdict)
    parents = table.parents_of(transaction)
    conflicts = table.conflicts_of(transaction)
    sibling = None
    if not is_returning:
        if policy.require_standard:
            check_dust_is_free(transaction, verdict.fee_sat or priced.fee_sat, policy.standardness.dust_feerate)
        check_floor(priced.fee_sat, vsize, policy, floor)
        sibling = check_truc(transaction, vsize, parents, conflicts)
    replaced = find_replaced(table, transaction, conflicts, sibling)
    if replaced:
        check_replacement_fee(
            transaction.txid,
            priced.fee_sat,
            vsize,
            conflicts=[*conflicts.values(), *([] if sibling is None else [sibling])],
            replaced=replaced,
            incremental_feerate=policy.incremental_feerate,
        )
    _check_chain(table, transaction, vsize, replaced, policy)
    if policy.require_standard and not is_returning:
        unconfirmed = [parent.transaction for parent in parents.values()]
        check_dust_is_spent(transaction, unconfirmed, policy.standardness.dust_feerate)
    return replaced


def check_standard_verdict(verdict: TxVerdict, policy: MempoolPolicy) -> None:
    """Standardness of what was spent; and for all transactions what witness programs ask for, and how many signatures
    it takes to verify them: blocks have no room for more. Raises TxRejected."""
    if verdict.sigop_cost > _STANDARD_SIGOP_COST_MAX:
        raise TxRejected(TxReason.SIGOPS, str(verdict.sigop_cost))
    if policy.require_standard and verdict.spent:
        check_standard_inputs(verdict.transaction, verdict.spent)
    if verdict.spent:
        check_programs(verdict.transaction, verdict.spent)


def vsize_of(verdict: TxVerdict, policy: MempoolPolicy) -> int:
    """A verified transaction's virtual bytes as policy counts them."""
    return policy_vsize(verdict.transaction.weight, verdict.sigop_cost, policy.bytes_per_sigop)


def check_floor(fee_sat: int, vsize: int, policy: MempoolPolicy, floor: int) -> None:
    """Whether a fee suffices for a size by now. Raises TxRejected."""
    owed = fee_at(floor, vsize)
    if fee_sat < owed:
        reason = TxReason.MEMPOOL_MIN_FEE if floor > policy.min_relay_feerate else TxReason.MIN_RELAY_FEE
        raise TxRejected(reason, f"{fee_sat} < {owed}")


def _check_chain(
    table: EntryTable, transaction: Transaction, vsize: int, replaced: list[Entry], policy: MempoolPolicy
) -> None:
    above = ancestors_of_parents(table.parents_of(transaction))
    if len(above) + 1 > policy.ancestors_max:
        raise TxRejected(TxReason.TOO_LONG_CHAIN, f"too many unconfirmed ancestors [limit: {policy.ancestors_max}]")
    if sum(entry.vsize for entry in above.values()) + vsize > policy.ancestor_vbytes_max:
        raise TxRejected(
            TxReason.TOO_LONG_CHAIN, f"exceeds ancestor size limit [limit: {policy.ancestor_vbytes_max} vB]"
        )
    leaving = {entry.txid: entry for entry in replaced}
    for ancestor in above.values():
        count, total = ancestor.descendant_count, ancestor.descendant_vsize
        if leaving:
            freed = [entry for txid, entry in descendants(ancestor).items() if txid in leaving]
            count -= len(freed)
            total -= sum(entry.vsize for entry in freed)
        if count + 1 > policy.descendants_max:
            raise TxRejected(
                TxReason.TOO_LONG_CHAIN, f"too many descendants of an ancestor [limit: {policy.descendants_max}]"
            )
        if total + vsize > policy.descendant_vbytes_max:
            raise TxRejected(
                TxReason.TOO_LONG_CHAIN, f"exceeds descendant size limit [limit: {policy.descendant_vbytes_max} vB]"
            )
