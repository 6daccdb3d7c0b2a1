"""Signing with keys that are handed in and forgotten again, and joining what several signers made: nothing of the
wallet is used or changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, Witness
from minicoin.core.signing.satisfaction import Satisfier


@dataclass(frozen=True, slots=True)
class KeySigned:
    """The transaction with the signatures at hand, and the places of inputs that lack some."""

    transaction: Transaction
    unsigned: tuple[int, ...]


def sign_with_keys(
    transaction: Transaction, spent: Sequence[TxOut | None], secrets: Iterable[bytes], scripts: Iterable[bytes] = ()
) -> KeySigned:
    """Sign what these keys can, where scripts that outputs commit to are given or stand in the input.

    `spent` are the outputs of its inputs in order, None where unknown; SIGHASH_ALL. Raises MisuseError."""
    return _satisfy(transaction, spent, Satisfier(transaction, secrets, scripts))


def combine_signatures(versions: Sequence[Transaction], spent: Sequence[TxOut | None]) -> KeySigned:
    """One transaction with the signatures of all its `versions`, which have the same inputs. Raises MisuseError."""
    return _satisfy(versions[0], spent, Satisfier(versions[0], versions=versions[1:]))


def _satisfy(transaction: Transaction, spent: Sequence[TxOut | None], satisfier: Satisfier) -> KeySigned:
    inputs = list(transaction.inputs)
    witnesses: list[Witness] = list(transaction.witnesses) or [()] * len(inputs)
    unsigned: list[int] = []
    for index, (spend, output) in enumerate(zip(transaction.inputs, spent, strict=True)):
        made = None if output is None else satisfier.satisfy(index, output)
        if made is not None:
            inputs[index] = TxIn(spend.outpoint, made.script_sig, spend.sequence)
            witnesses[index] = made.witness
        # What an input carries of another kind is kept, and left to the verifier.
        if not made.is_complete if made is not None else not (spend.script_sig or witnesses[index]):
            unsigned.append(index)
    stacks = tuple(witnesses) if any(witnesses) else ()
    signed = Transaction(transaction.version, tuple(inputs), transaction.outputs, transaction.lock_time, stacks)
    return KeySigned(signed, tuple(unsigned))
