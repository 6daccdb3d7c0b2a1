"""Makes what satisfies an output's script, from the keys, scripts and signatures at hand.

Knows P2PK, P2PKH and multisig, bare or behind P2SH, P2WSH or both, and P2WPKH. Signatures that stand in the input
already are kept where they fit, so that those of several signers add up. Always SIGHASH_ALL; signatures owns the
hashes. Standard: BIP16, BIP141, BIP143, BIP147 (the multisig's extra item is empty).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from coincurve import PrivateKey, PublicKey

from minicoin.core.crypto.hashing import hash160
from minicoin.core.faults import MisuseError
from minicoin.core.limits import SIGNATURE_TRIALS_MAX
from minicoin.core.primitives.transaction import Transaction, TxOut, Witness
from minicoin.core.script.pushes import is_p2sh, last_push, parse_operations, push
from minicoin.core.script.standard import (
    ScriptType,
    classify,
    is_key_sized,
    p2pkh_script,
    p2wpkh_script_of_key,
    parse_multisig,
)
from minicoin.core.signing.signatures import SIGHASH_ALL, SegwitHasher, legacy_sighash

# DER: from two integers of one byte to two of 33, and the byte that says what is signed.
_SIGNATURE_SIZES = range(9, 74)
_DER_SEQUENCE = 0x30


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """What one input carries; `is_complete` where no signature is missing."""

    script_sig: bytes
    witness: Witness
    is_complete: bool


@dataclass(frozen=True, slots=True)
class _Solution:
    items: Witness
    is_complete: bool


_NONE = _Solution((), False)


class Satisfier:
    """Satisfies the inputs of one transaction; `versions` are others of it, whose signatures are taken over."""

    def __init__(
        self,
        transaction: Transaction,
        secrets: Iterable[bytes] = (),
        scripts: Iterable[bytes] = (),
        versions: Sequence[Transaction] = (),
    ) -> None:
        self._transaction = transaction
        self._versions = (transaction, *versions)
        self._hasher = SegwitHasher(transaction)
        self._keys = {key.public_key.format(): key for key in map(PrivateKey, secrets)}
        self._scripts = _by_hash((*scripts, *map(p2wpkh_script_of_key, self._keys)))
        self._trials_left = SIGNATURE_TRIALS_MAX

    def satisfy(self, index: int, output: TxOut) -> Satisfaction | None:
        """None where the script is of no known kind, or is not at hand; also where the input carries a signature that
        signs less than everything: it would be lost. Raises MisuseError where there is too much to try."""
        found, scripts = self._at_hand(index)
        if any(_is_signature(item) and item[-1] != SIGHASH_ALL for item in found):
            return None
        script, redeem_script = output.script_pubkey, b""
        if is_p2sh(script):
            if (inner := scripts.get(script[2:22])) is None:
                return None
            script, redeem_script = inner, push(inner)
        match classify(script):
            case ScriptType.ANCHOR if not redeem_script:
                return Satisfaction(b"", (), True)
            case ScriptType.WITNESS_V0_KEY_HASH:
                code, last = p2pkh_script(script[2:]), b""
            case ScriptType.WITNESS_V0_SCRIPT_HASH:
                code = last = scripts.get(script[2:], b"")
            case _:
                legacy = self._solve(script, legacy_sighash(self._transaction, index, script), found)
                if legacy is None or not legacy.items:
                    return None if legacy is None else self._as_it_is(index)
                return Satisfaction(b"".join(map(push, legacy.items)) + redeem_script, (), legacy.is_complete)
        solved = self._solve(code, self._hasher.sighash(index, code, output.value), found)
        if solved is None or not solved.items:
            return None if solved is None else self._as_it_is(index)
        return Satisfaction(redeem_script, (*solved.items, last) if last else solved.items, solved.is_complete)

    def _as_it_is(self, index: int) -> Satisfaction:
        """What the input carries already, of which no signature fits."""
        witnesses = self._transaction.witnesses
        return Satisfaction(self._transaction.inputs[index].script_sig, witnesses[index] if witnesses else (), False)

    def _at_hand(self, index: int) -> tuple[Witness, dict[bytes, bytes]]:
        """What the versions of this input push, and all scripts by their hashes."""
        items: dict[bytes, None] = {}
        scripts: list[bytes] = []
        for version in self._versions:
            script_sig = version.inputs[index].script_sig
            witness = version.witnesses[index] if version.witnesses else ()
            pushed = [operation.pushed for operation in parse_operations(script_sig) or ()]
            items.update(dict.fromkeys((*pushed, *witness)))
            scripts += [last_push(script_sig) or b"", *witness[-1:]]
        return tuple(items), self._scripts | _by_hash(scripts)

    def _solve(self, script: bytes, sighash: bytes, found: Witness) -> _Solution | None:
        """Nothing, where no signature fits; None where the script is of no known kind."""
        kind = classify(script)
        if kind is ScriptType.PUBKEY:
            signature = self._signature(script[1:-1], sighash, found)
            return _NONE if signature is None else _Solution((signature,), True)
        if kind is ScriptType.PUBKEY_HASH:
            for key in (*self._keys, *filter(is_key_sized, found)):
                if hash160(key) == script[3:23] and (signature := self._signature(key, sighash, found)) is not None:
                    return _Solution((signature, key), True)
            return _NONE
        multisig = parse_multisig(script) if kind is ScriptType.MULTISIG else None
        if multisig is None:
            return None
        signatures: list[bytes] = []
        for key in multisig.keys:
            signature = self._signature(key, sighash, found) if len(signatures) < multisig.required else None
            signatures += [] if signature is None else [signature]
        if not signatures:
            return _NONE
        missing = multisig.required - len(signatures)
        return _Solution((b"", *signatures, *(b"",) * missing), not missing)

    def _signature(self, key: bytes, sighash: bytes, found: Witness) -> bytes | None:
        """Made with the private key where it is at hand, else one of those found that fits."""
        private = self._keys.get(key)
        if private is not None:
            return bytes(private.sign(sighash, hasher=None)) + bytes((SIGHASH_ALL,))
        candidates = [item for item in found if _is_signature(item)]
        if not candidates:
            return None
        self._trials_left -= len(candidates)
        if self._trials_left < 0:
            raise MisuseError(f"more than {SIGNATURE_TRIALS_MAX} pairs of key and signature: combine fewer at a time")
        return next((item for item in candidates if _does_fit(key, sighash, item[:-1])), None)


def _by_hash(scripts: Iterable[bytes]) -> dict[bytes, bytes]:
    """By the hash that P2SH commits to, and by that of P2WSH."""
    known: dict[bytes, bytes] = {}
    for script in scripts:
        known[hash160(script)] = known[sha256(script).digest()] = script
    return known


def _is_signature(item: bytes) -> bool:
    return len(item) in _SIGNATURE_SIZES and item[0] == _DER_SEQUENCE


def _does_fit(key: bytes, sighash: bytes, signature: bytes) -> bool:
    try:
        return bool(PublicKey(key).verify(signature, sighash, hasher=None))
    except ValueError:
        # No point of the curve, or no DER.
        return False
