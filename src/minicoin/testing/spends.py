"""Keys, output scripts and signatures of the usual kinds, for chains made in tests: P2PKH, P2WPKH, P2TR by key, and
2-of-3 multisig in P2SH and P2WSH.

Signs with SIGHASH_ALL (the default hash type in taproot). For tests only: keys follow from a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from coincurve import PrivateKey

from minicoin.core.crypto.hashing import hash160, sha256d, tagged_hash
from minicoin.core.encoding.compact import encode_compact
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut, Witness

_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_SIGHASH_ALL = 1
_MULTISIG_KEYS = 3
_MULTISIG_SIGNATURES = 2


class SpendKind(StrEnum):
    """A way to lock and unlock a coin."""

    P2PKH = "p2pkh"
    P2WPKH = "p2wpkh"
    P2TR = "p2tr"
    P2SH_MULTISIG = "p2sh-multisig"
    P2WSH_MULTISIG = "p2wsh-multisig"


@dataclass(frozen=True, slots=True)
class Spendable:
    """A coin that `sign_inputs` can spend."""

    outpoint: Outpoint
    output: TxOut
    kind: SpendKind
    key: int


@lru_cache(maxsize=4096)
def private_key(number: int) -> PrivateKey:
    """The private key of that number."""
    return PrivateKey(sha256(b"minicoin.testing" + number.to_bytes(8, "little")).digest())


@lru_cache(maxsize=4096)
def public_key(number: int) -> bytes:
    """Its compressed public key."""
    return bytes(private_key(number).public_key.format())


@lru_cache(maxsize=4096)
def _taproot_key(number: int) -> tuple[PrivateKey, bytes]:
    """BIP341's tweaked private key without a script tree, and the output key."""
    internal = public_key(number)
    secret = int.from_bytes(private_key(number).secret, "big")
    if internal[0] == 3:
        secret = _CURVE_ORDER - secret
    tweak = int.from_bytes(tagged_hash("TapTweak", internal[1:]), "big")
    tweaked = PrivateKey(((secret + tweak) % _CURVE_ORDER).to_bytes(32, "big"))
    return tweaked, bytes(tweaked.public_key.format())[1:]


def _multisig_keys(number: int) -> list[int]:
    return [number + offset for offset in range(_MULTISIG_KEYS)]


@lru_cache(maxsize=4096)
def _multisig_script(number: int) -> bytes:
    keys = b"".join(b"\x21" + public_key(key) for key in _multisig_keys(number))
    return bytes((0x50 + _MULTISIG_SIGNATURES,)) + keys + bytes((0x50 + _MULTISIG_KEYS, 0xAE))


@lru_cache(maxsize=4096)
def output_script(kind: SpendKind, key: int) -> bytes:
    """The script that locks a coin to a key."""
    match kind:
        case SpendKind.P2PKH:
            return b"\x76\xa9\x14" + hash160(public_key(key)) + b"\x88\xac"
        case SpendKind.P2WPKH:
            return b"\x00\x14" + hash160(public_key(key))
        case SpendKind.P2TR:
            return b"\x51\x20" + _taproot_key(key)[1]
        case SpendKind.P2SH_MULTISIG:
            return b"\xa9\x14" + hash160(_multisig_script(key)) + b"\x87"
        case SpendKind.P2WSH_MULTISIG:
            return b"\x00\x20" + sha256(_multisig_script(key)).digest()


def sign_inputs(transaction: Transaction, coins: Sequence[Spendable]) -> Transaction:
    """The transaction with every input signed; `coins` in input order."""
    hasher = _SignatureHasher(transaction, coins)
    inputs: list[TxIn] = []
    witnesses: list[Witness] = []
    for index, (entry, coin) in enumerate(zip(transaction.inputs, coins, strict=True)):
        script_sig, witness = _unlock(hasher, index, coin)
        inputs.append(TxIn(entry.outpoint, script_sig, entry.sequence))
        witnesses.append(witness)
    stacks = tuple(witnesses) if any(witnesses) else ()
    return Transaction(transaction.version, tuple(inputs), transaction.outputs, transaction.lock_time, stacks)


def _unlock(hasher: "_SignatureHasher", index: int, coin: Spendable) -> tuple[bytes, Witness]:
    key = coin.key
    match coin.kind:
        case SpendKind.P2PKH:
            signature = _ecdsa(key, hasher.legacy(index, coin.output.script_pubkey))
            return _push(signature) + _push(public_key(key)), ()
        case SpendKind.P2WPKH:
            code = b"\x76\xa9\x14" + hash160(public_key(key)) + b"\x88\xac"
            return b"", (_ecdsa(key, hasher.segwit(index, code)), public_key(key))
        case SpendKind.P2TR:
            return b"", (bytes(_taproot_key(key)[0].sign_schnorr(hasher.taproot(index), bytes(32))),)
        case SpendKind.P2SH_MULTISIG:
            script = _multisig_script(key)
            digest = hasher.legacy(index, script)
            signatures = [_push(_ecdsa(signer, digest)) for signer in _multisig_keys(key)[:_MULTISIG_SIGNATURES]]
            return b"\x00" + b"".join(signatures) + _push(script), ()
        case SpendKind.P2WSH_MULTISIG:
            script = _multisig_script(key)
            digest = hasher.segwit(index, script)
            return b"", (
                b"",
                *(_ecdsa(signer, digest) for signer in _multisig_keys(key)[:_MULTISIG_SIGNATURES]),
                script,
            )


def _ecdsa(key: int, digest: bytes) -> bytes:
    return bytes(private_key(key).sign(digest, hasher=None)) + bytes((_SIGHASH_ALL,))


def _push(item: bytes) -> bytes:
    return (bytes((len(item),)) if len(item) < 0x4C else bytes((0x4C, len(item)))) + item


def _string(item: bytes) -> bytes:
    return encode_compact(len(item)) + item


class _SignatureHasher:
    """The three digests that signatures commit to: the original one, BIP143's and BIP341's."""

    def __init__(self, transaction: Transaction, coins: Sequence[Spendable]) -> None:
        self._transaction = transaction
        self._coins = coins
        self._version = transaction.version.to_bytes(4, "little", signed=True)
        self._lock_time = transaction.lock_time.to_bytes(4, "little")
        self._outpoints = b"".join(entry.outpoint for entry in transaction.inputs)
        self._sequences = b"".join(entry.sequence.to_bytes(4, "little") for entry in transaction.inputs)
        self._outputs = b"".join(_serialise(output) for output in transaction.outputs)

    def legacy(self, index: int, script: bytes) -> bytes:
        parts = [self._version, encode_compact(len(self._transaction.inputs))]
        for position, entry in enumerate(self._transaction.inputs):
            code = script if position == index else b""
            parts += (entry.outpoint, _string(code), entry.sequence.to_bytes(4, "little"))
        parts += (encode_compact(len(self._transaction.outputs)), self._outputs, self._lock_time)
        return sha256d(b"".join(parts) + _SIGHASH_ALL.to_bytes(4, "little"))

    def segwit(self, index: int, code: bytes) -> bytes:
        entry = self._transaction.inputs[index]
        return sha256d(
            self._version
            + sha256d(self._outpoints)
            + sha256d(self._sequences)
            + entry.outpoint
            + _string(code)
            + self._coins[index].output.value.to_bytes(8, "little")
            + entry.sequence.to_bytes(4, "little")
            + sha256d(self._outputs)
            + self._lock_time
            + _SIGHASH_ALL.to_bytes(4, "little")
        )

    def taproot(self, index: int) -> bytes:
        amounts = b"".join(coin.output.value.to_bytes(8, "little") for coin in self._coins)
        scripts = b"".join(_string(coin.output.script_pubkey) for coin in self._coins)
        message = (
            b"\x00\x00"
            + self._version
            + self._lock_time
            + b"".join(
                sha256(part).digest() for part in (self._outpoints, amounts, scripts, self._sequences, self._outputs)
            )
            + b"\x00"
            + index.to_bytes(4, "little")
        )
        return tagged_hash("TapSighash", message)


def _serialise(output: TxOut) -> bytes:
    return output.value.to_bytes(8, "little", signed=True) + _string(output.script_pubkey)
