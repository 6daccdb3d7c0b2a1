"""What a rollback of blocks does to the mempool: which entries lost their ground, and which must be verified anew.

Instead of patching links upwards, everything that rests on a transaction that is unconfirmed again leaves the table and
returns behind it through the verifier, so the table never holds a child without its parent.
"""

from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.table import EntryTable
from minicoin.core.primitives.transaction import SEQUENCE_FINAL, Transaction, Txid, make_outpoint
from minicoin.core.primitives.verdicts import ChainUpdate

_SEQUENCE_LOCK_DISABLED = 1 << 31


def unconfirmed_again(update: ChainUpdate) -> list[Transaction]:
    """Transactions of the disconnected blocks that the connected ones do not hold, in block order."""
    reconfirmed: dict[Txid, None] = {txid: None for summary in update.connected for txid in summary.txids}
    return [
        transaction
        for block in reversed(update.disconnected)
        for transaction in block.transactions
        if transaction.txid not in reconfirmed
    ]


def groundless(table: EntryTable, update: ChainUpdate, coinbase_maturity: int) -> list[Entry]:
    """Entries that spend a coinbase that is gone or not mature any more."""
    fork_height = min(block.summary.height for block in update.disconnected) - 1
    mature_height = update.height + 1 - coinbase_maturity
    return [
        entry
        for entry in table
        if entry.spends_coinbase_height is not None and entry.spends_coinbase_height > min(fork_height, mature_height)
    ]


def to_verify_anew(table: EntryTable, returning: list[Transaction]) -> list[Entry]:
    """Entries that spend a returning transaction, and those whose time locks may be closed again."""
    found: dict[Txid, Entry] = {}
    for transaction in returning:
        for index in range(len(transaction.outputs)):
            spender = table.spender(make_outpoint(transaction.txid, index))
            if spender is not None:
                found[spender.txid] = spender
    found.update((entry.txid, entry) for entry in table if _is_time_locked(entry.transaction))
    return list(found.values())


def _is_time_locked(transaction: Transaction) -> bool:
    sequences = [entry_input.sequence for entry_input in transaction.inputs]
    if transaction.lock_time and any(sequence != SEQUENCE_FINAL for sequence in sequences):
        return True
    return transaction.version >= 2 and any(not sequence & _SEQUENCE_LOCK_DISABLED for sequence in sequences)
