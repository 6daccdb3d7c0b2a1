"""Dust that lives only until the next transaction: an output worth less than spending it, to hang a fee on.

1. Who creates dust pays no fee: then no miner takes it alone, only together with a child that pays for both.
2. A child of an unconfirmed transaction with dust spends that dust: then the two leave no dust behind.

BIP433 describes the use; how much dust a transaction may create is script.policy's to say.
"""

from collections.abc import Iterable

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.primitives.transaction import Transaction, make_outpoint
from minicoin.core.primitives.verdicts import TxReason, TxRejected
from minicoin.core.script.policy import dust_outputs


def check_dust_is_free(transaction: Transaction, fee_sat: int, dust_feerate: int) -> None:
    """Rule 1. Raises TxRejected."""
    if fee_sat and dust_outputs(transaction, dust_feerate):
        raise TxRejected(TxReason.DUST, "tx with dust output must be 0-fee")


def check_dust_is_spent(transaction: Transaction, parents: Iterable[Transaction], dust_feerate: int) -> None:
    """Rule 2; `parents` are those that are not confirmed. Raises TxRejected."""
    spent = {spend.outpoint for spend in transaction.inputs}
    for parent in parents:
        for index in dust_outputs(parent, dust_feerate):
            if make_outpoint(parent.txid, index) not in spent:
                name = f"tx {hash_to_hex(transaction.txid)} (wtxid={hash_to_hex(transaction.wtxid)})"
                detail = f"{name} did not spend parent's ephemeral dust"
                raise TxRejected(TxReason.EPHEMERAL_UNSPENT, detail)
