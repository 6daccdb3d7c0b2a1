"""Signature hashes and signatures: BIP143 for P2WPKH, the original scheme for P2PKH, always SIGHASH_ALL.

Signs with libsecp256k1 (coincurve), whose nonces follow RFC 6979: one transaction has one signature. Holds no key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Final

from coincurve import PrivateKey

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.encoding.compact import encode_compact
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut, Witness
from minicoin.core.script.pushes import push
from minicoin.core.script.standard import ScriptType, classify, p2pkh_script

SIGHASH_ALL: Final = 1
_I32 = Struct("<i")
_U32 = Struct("<I")
_I64 = Struct("<q")

SecretOfKeyHash = Callable[[bytes], bytes | None]
"""The private key behind a HASH160, or None where it is not ours."""


@dataclass(frozen=True, slots=True)
class UnsignedInput:
    """An input that could not be signed, and why."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """The transaction with the signatures we could make; complete where `unsigned` is empty."""

    transaction: Transaction
    unsigned: tuple[UnsignedInput, ...] = ()

    @property
    def is_complete(self) -> bool:
        return not self.unsigned


class SegwitHasher:
    """BIP143's signature hashes of one transaction. What all inputs share is hashed once."""

    def __init__(self, transaction: Transaction) -> None:
        inputs = transaction.inputs
        self._transaction = transaction
        self._head = (
            _I32.pack(transaction.version)
            + sha256d(b"".join(spend.outpoint for spend in inputs))
            + sha256d(b"".join(_U32.pack(spend.sequence) for spend in inputs))
        )
        self._tail = (
            sha256d(b"".join(_serialise_output(output) for output in transaction.outputs))
            + _U32.pack(transaction.lock_time)
            + _U32.pack(SIGHASH_ALL)
        )

    def sighash(self, index: int, script_code: bytes, value_sat: int) -> bytes:
        """What the signature of one input signs."""
        spend = self._transaction.inputs[index]
        return sha256d(
            self._head
            + spend.outpoint
            + encode_compact(len(script_code))
            + script_code
            + _I64.pack(value_sat)
            + _U32.pack(spend.sequence)
            + self._tail
        )


def legacy_sighash(transaction: Transaction, index: int, script_code: bytes) -> bytes:
    """What the signature of one input signs where there is no witness: the transaction with `script_code` in the
    place of that input's script and nothing in the others'."""
    inputs = tuple(
        TxIn(spend.outpoint, script_code if place == index else b"", spend.sequence)
        for place, spend in enumerate(transaction.inputs)
    )
    stripped = Transaction(transaction.version, inputs, transaction.outputs, transaction.lock_time).stripped
    return sha256d(stripped + _U32.pack(SIGHASH_ALL))


def sign_transaction(
    transaction: Transaction, prevouts: Mapping[Outpoint, TxOut], secret_of: SecretOfKeyHash
) -> SignedTransaction:
    """Sign every P2WPKH and P2PKH input whose key is ours. Inputs that carry a signature already are kept."""
    hasher = SegwitHasher(transaction)
    inputs = list(transaction.inputs)
    witnesses: list[Witness] = list(transaction.witnesses) or [()] * len(inputs)
    unsigned: list[UnsignedInput] = []
    # A miner's coins are many of one address; making its key costs more than a signature.
    keys: dict[bytes, PrivateKey] = {}
    for index, spend in enumerate(transaction.inputs):
        if spend.script_sig or witnesses[index]:
            continue
        output = prevouts.get(spend.outpoint)
        if output is None:
            unsigned.append(UnsignedInput(index, "the output it spends is unknown or spent"))
            continue
        kind, script = classify(output.script_pubkey), output.script_pubkey
        key_hash = _key_hash(kind, script)
        if key_hash is not None and key_hash not in keys and (secret := secret_of(key_hash)) is not None:
            keys[key_hash] = PrivateKey(secret)
        key = keys.get(key_hash) if key_hash is not None else None
        if key_hash is None:
            unsigned.append(UnsignedInput(index, f"cannot sign for a script of type {kind}"))
        elif key is None:
            unsigned.append(UnsignedInput(index, "the key is not in this wallet"))
        elif kind is ScriptType.WITNESS_V0_KEY_HASH:
            witnesses[index] = _sign(key, hasher.sighash(index, p2pkh_script(key_hash), output.value))
        else:
            items = _sign(key, legacy_sighash(transaction, index, script))
            inputs[index] = TxIn(spend.outpoint, b"".join(map(push, items)), spend.sequence)
    stacks = tuple(witnesses) if any(witnesses) else ()
    signed = Transaction(transaction.version, tuple(inputs), transaction.outputs, transaction.lock_time, stacks)
    return SignedTransaction(signed, tuple(unsigned))


def _key_hash(kind: ScriptType, script: bytes) -> bytes | None:
    if kind is ScriptType.WITNESS_V0_KEY_HASH:
        return script[2:]
    return script[3:23] if kind is ScriptType.PUBKEY_HASH else None


def _sign(key: PrivateKey, sighash: bytes) -> Witness:
    """(signature, public key). The key is compressed: the only form that P2WPKH takes and that this wallet makes."""
    signature = key.sign(sighash, hasher=None) + bytes((SIGHASH_ALL,))
    return (bytes(signature), bytes(key.public_key.format()))


def _serialise_output(output: TxOut) -> bytes:
    return _I64.pack(output.value) + encode_compact(len(output.script_pubkey)) + output.script_pubkey
