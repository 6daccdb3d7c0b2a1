"""Whether a transaction may replace those it conflicts with: BIP125's rules as Bitcoin Core applies them, without the
opt-in signal (full replacement).

Numbers in the comments are those of Bitcoin Core's doc/policy/mempool-replacements.md.
"""

from minicoin.core.limits import REPLACED_TRANSACTIONS_MAX
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.policy import fee_at
from minicoin.core.mempool.table import EntryTable, ancestors_of_parents, descendants
from minicoin.core.primitives.transaction import Transaction, Txid
from minicoin.core.primitives.verdicts import TxReason, TxRejected


def find_replaced(
    table: EntryTable, transaction: Transaction, conflicts: dict[Txid, Entry], sibling: Entry | None = None
) -> list[Entry]:
    """Everything that must leave for the transaction, parents first: its `conflicts`, and the `sibling` whose place it
    takes beside a version 3 parent (mempool.truc). Raises TxRejected where no fee could buy that."""
    leaving = conflicts if sibling is None else {**conflicts, sibling.txid: sibling}
    if not leaving:
        return []
    replaced = with_descendants(leaving)
    # Rule 5: bounds the work of one replacement.
    if len(replaced) > REPLACED_TRANSACTIONS_MAX:
        raise TxRejected(TxReason.TOO_MANY_REPLACED, f"{len(replaced)} > {REPLACED_TRANSACTIONS_MAX}")
    parents = table.parents_of(transaction)
    if any(txid in replaced for txid in ancestors_of_parents(parents)):
        raise TxRejected(TxReason.SPENDS_CONFLICTING)
    # Rule 2: a new unconfirmed input could make the replacement less attractive to mine than it looks.
    known = {parent for rival in leaving.values() for parent in rival.parents}
    if any(parent not in known for parent in parents):
        raise TxRejected(TxReason.ADDS_UNCONFIRMED)
    return sorted(replaced.values(), key=lambda entry: entry.sequence)


def with_descendants(leaving: dict[Txid, Entry]) -> dict[Txid, Entry]:
    """Those entries and everything that spends them."""
    replaced: dict[Txid, Entry] = {}
    for rival in leaving.values():
        replaced[rival.txid] = rival
        replaced.update(descendants(rival))
    return replaced


def check_replacement_fee(
    fee_sat: int, vsize: int, *, conflicts: list[Entry], replaced: list[Entry], incremental_feerate: int
) -> None:
    """Rules 3, 4 and 6. Raises TxRejected."""
    for rival in conflicts:
        # Rule 6: compared as fractions, so that no rounding decides.
        if fee_sat * rival.vsize <= rival.modified_fee_sat * vsize:
            feerate = rival.modified_fee_sat * 1_000 // rival.vsize
            raise TxRejected(TxReason.INSUFFICIENT_FEE, f"feerate not above the replaced's {feerate} sat/kvB")
    replaced_fees = sum(entry.modified_fee_sat for entry in replaced)
    if fee_sat < replaced_fees:
        raise TxRejected(TxReason.INSUFFICIENT_FEE, f"{fee_sat} sat, replaced pay {replaced_fees} sat")
    relay_fee = fee_at(incremental_feerate, vsize)
    if fee_sat - replaced_fees < relay_fee:
        raise TxRejected(
            TxReason.INSUFFICIENT_FEE,
            f"{fee_sat - replaced_fees} sat above the replaced, its relay costs {relay_fee} sat",
        )
