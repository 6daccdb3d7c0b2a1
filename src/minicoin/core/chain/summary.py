"""What leaves the engine of a block: its identifiers, what it spent, and the transactions of watched scripts."""

from collections.abc import Sequence

from minicoin.core.primitives.block import Block
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.primitives.verdicts import BlockSummary, WatchedTransaction


def summarise(
    block: Block,
    height: int,
    size: int,
    watched: tuple[WatchedTransaction, ...],
    fees_sat: int = 0,
    changes: tuple[bytes, ...] = (),
) -> BlockSummary:
    """The summary of a block of `size` bytes."""
    return BlockSummary(
        header=block.header,
        height=height,
        txids=tuple([transaction.txid for transaction in block.transactions]),
        spent=tuple([entry[0] for transaction in block.transactions[1:] for entry in transaction.inputs]),
        watched=watched,
        size=size,
        weight=block.weight,
        fees_sat=fees_sat,
        changes=changes,
    )


def find_watched(
    block: Block, spent: Sequence[Sequence[TxOut]], scripts: frozenset[bytes]
) -> tuple[WatchedTransaction, ...]:
    """The transactions that pay to one of the scripts or spend a coin of one. `spent` has the outputs that each
    transaction behind the coinbase spends."""
    if not scripts:
        return ()
    found: list[WatchedTransaction] = []
    for position, transaction in enumerate(block.transactions):
        outputs = spent[position - 1] if position else ()
        is_paid = any(script in scripts for _, script in transaction.outputs)
        if is_paid or any(script in scripts for _, script in outputs):
            found.append(WatchedTransaction(transaction, position, tuple(outputs)))
    return tuple(found)
