"""Signing with keys that are handed in and forgotten again: nothing of the wallet is used or changed."""

from collections.abc import Sequence

from coincurve import PrivateKey

from minicoin.core.crypto.hashing import hash160
from minicoin.core.primitives.transaction import Transaction, TxOut
from minicoin.core.wallet.signing import sign_transaction


def sign_with_keys(
    transaction: Transaction, spent: Sequence[TxOut | None], secrets: Sequence[bytes]
) -> tuple[Transaction, bool]:
    """(the transaction with the signatures these keys can make, whether none is missing). P2PKH and P2WPKH only.

    `spent` are the outputs of its inputs in order, None where unknown; SIGHASH_ALL."""
    by_hash = {hash160(bytes(PrivateKey(secret).public_key.format())): secret for secret in secrets}
    pairs = zip(transaction.inputs, spent, strict=True)
    signed = sign_transaction(
        transaction, {spend.outpoint: output for spend, output in pairs if output is not None}, by_hash.get
    )
    return signed.transaction, signed.is_complete
