"""The checks between a good verdict and a place in the mempool: price, replacement, and the length of chains.

Pure: they read the table and raise TxRejected; pool decides what follows.
"""

from minicoin.core.chain.tx_rules import check_transaction
from minicoin.core.limits import BLOCK_SIGOP_COST_MAX
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.policy import MempoolPolicy, fee_at, policy_vsize
from minicoin.core.mempool.replacement import check_replacement_fee, find_replaced
from minicoin.core.mempool.table import EntryTable, ancestors_of_parents, descendants
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.primitives.verdicts import TxReason, TxRejected, TxVerdict
from minicoin.core.script.policy import check_standard, check_standard_inputs

# One transaction may take a fifth of a block's signature checks.
_STANDARD_SIGOP_COST_MAX = BLOCK_SIGOP_COST_MAX // 5


def check_before_verification(table: EntryTable, transaction: Transaction, policy: MempoolPolicy) -> None:
    """What can be refused without looking at a coin. Raises TxRejected."""
    check_transaction(transaction)
    if transaction.is_coinbase:
        raise TxRejected(TxReason.COINBASE)
    if policy.require_standard:
        check_standard(transaction, policy.dust_relay_feerate)
    find_replaced(table, transaction)


def check_verified(table: EntryTable, verdict: TxVerdict, policy: MempoolPolicy, floor: int) -> list[Entry]:
    """What a valid transaction still has to meet; returns what it replaces, parents first. Raises TxRejected."""
    transaction = verdict.transaction
    vsize = policy_vsize(transaction.weight, verdict.sigop_cost)
    if policy.require_standard:
        if verdict.sigop_cost > _STANDARD_SIGOP_COST_MAX:
            raise TxRejected(TxReason.SIGOPS, f"sigop cost {verdict.sigop_cost} > {_STANDARD_SIGOP_COST_MAX}")
        if verdict.spent:
            check_standard_inputs(transaction, verdict.spent)
    _check_price(verdict.fee_sat, vsize, policy, floor)
    replaced = find_replaced(table, transaction)
    if replaced:
        check_replacement_fee(
            verdict.fee_sat,
            vsize,
            conflicts=list(table.conflicts_of(transaction).values()),
            replaced=replaced,
            incremental_feerate=policy.incremental_feerate,
        )
    _check_chain(table, transaction, vsize, replaced, policy)
    return replaced


def _check_price(fee_sat: int, vsize: int, policy: MempoolPolicy, floor: int) -> None:
    owed = fee_at(policy.min_relay_feerate, vsize)
    if fee_sat < owed:
        raise TxRejected(TxReason.MIN_RELAY_FEE, f"{fee_sat} < {owed} sat")
    owed = fee_at(floor, vsize)
    if fee_sat < owed:
        raise TxRejected(TxReason.MEMPOOL_MIN_FEE, f"{fee_sat} < {owed} sat")


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
