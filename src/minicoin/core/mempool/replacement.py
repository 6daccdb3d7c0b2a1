"""Whether a transaction may replace those it conflicts with: BIP125's rules as Bitcoin Core applies them, without the
opt-in signal (full replacement).

Numbers in the comments are those of Bitcoin Core's doc/policy/mempool-replacements.md.
"""

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.limits import REPLACED_TRANSACTIONS_MAX
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.policy import fee_at
from minicoin.core.mempool.table import EntryTable, ancestors_of_parents, descendants
from minicoin.core.primitives.transaction import Transaction, Txid
from minicoin.core.primitives.verdicts import TxReason, TxRejected
from minicoin.core.units import format_coins


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
    for txid in ancestors_of_parents(parents):
        if txid in replaced:
            detail = f"{hash_to_hex(transaction.txid)} spends conflicting transaction {hash_to_hex(txid)}"
            raise TxRejected(TxReason.SPENDS_CONFLICTING, detail)
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
    txid: Txid, fee_sat: int, vsize: int, *, conflicts: list[Entry], replaced: list[Entry], incremental_feerate: int
) -> None:
    """Rules 3, 4 and 6, for a transaction or a package that is named by `txid`. Raises TxRejected."""
    replaced_fees = sum(entry.modified_fee_sat for entry in replaced)
    if fee_sat < replaced_fees:
        raise _too_little(txid, f"less fees than conflicting txs; {_money(fee_sat)} < {_money(replaced_fees)}")
    relay_fee = fee_at(incremental_feerate, vsize)
    added = fee_sat - replaced_fees
    if added < relay_fee:
        raise _too_little(txid, f"not enough additional fees to relay; {_money(added)} < {_money(relay_fee)}")
    for rival in conflicts:
        # Rule 6: compared as fractions, so that no rounding decides.
        if fee_sat * rival.vsize <= rival.modified_fee_sat * vsize:
            feerate = rival.modified_fee_sat * 1_000 // rival.vsize
            raise _too_little(txid, f"feerate not above the replaced's {feerate} sat/kvB")


def _too_little(txid: Txid, detail: str) -> TxRejected:
    return TxRejected(TxReason.INSUFFICIENT_FEE, f"rejecting replacement {hash_to_hex(txid)}, {detail}")


def _money(sat: int) -> str:
    """In coins, with as many decimals as there are, and two at least, as clients of Bitcoin Core read it."""
    text = format_coins(sat)
    return text[:-6] + text[-6:].rstrip("0")
