"""Version 3 transactions, which keep to a small topology so that they can always be replaced cheaply (BIP431, TRUC).

1. Version 3 spends unconfirmed version 3 only, and nothing else spends it: the promise holds for the whole package.
2. It is at most 10,000 virtual bytes, so that replacing it costs little.
3. It has at most one unconfirmed ancestor, its parent, and at most one descendant: nobody can attach a chain that makes
   the parent's fee bump dear.
4. With an unconfirmed parent it is at most 1,000 virtual bytes: room for a fee bump, not for a burden.
5. A second child replaces the first if it pays for that, though they spend different outputs: whoever shares the parent
   could block the other's fee bump otherwise.
"""

from collections.abc import Collection
from typing import Final

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.table import descendants
from minicoin.core.primitives.transaction import Transaction, Txid
from minicoin.core.primitives.verdicts import TxReason, TxRejected

TRUC_VERSION: Final = 3
TRUC_VBYTES_MAX: Final = 10_000
TRUC_CHILD_VBYTES_MAX: Final = 1_000


def check_truc(
    transaction: Transaction, vsize: int, parents: dict[Txid, Entry], leaving: Collection[Txid]
) -> Entry | None:
    """The sibling that must leave for the transaction (rule 5), as a rule none. `leaving` are those it replaces anyway.
    Raises TxRejected."""
    is_truc = transaction.version == TRUC_VERSION
    for parent in parents.values():
        if is_truc != (parent.transaction.version == TRUC_VERSION):
            kinds = ("version=3", "non-version=3") if is_truc else ("non-version=3", "version=3")
            raise _violation(
                f"{kinds[0]} {_name(transaction)} cannot spend from {kinds[1]} {_name(parent.transaction)}"
            )
    if not is_truc:
        return None
    if vsize > TRUC_VBYTES_MAX:
        raise _violation(f"version=3 {_name(transaction)} is too big: {vsize} > {TRUC_VBYTES_MAX} virtual bytes")
    if not parents:
        return None
    parent = next(iter(parents.values()))
    if len(parents) > 1 or parent.ancestor_count > 1:
        raise _violation(f"{_name(transaction)} would have too many ancestors")
    if vsize > TRUC_CHILD_VBYTES_MAX:
        name = _name(transaction)
        raise _violation(f"version=3 child {name} is too big: {vsize} > {TRUC_CHILD_VBYTES_MAX} virtual bytes")
    below = descendants(parent)
    if not below or any(txid in leaving for txid in below):
        return None
    sibling = next(iter(below.values()))
    if len(below) > 1 or sibling.ancestor_count > 2:
        # Only after a reorganisation: which of them should leave cannot be told.
        raise _violation(f"{_name(parent.transaction)} would exceed descendant count limit")
    return sibling


def _name(transaction: Transaction) -> str:
    return f"tx {hash_to_hex(transaction.txid)} (wtxid={hash_to_hex(transaction.wtxid)})"


def _violation(detail: str) -> TxRejected:
    return TxRejected(TxReason.TRUC, detail)
