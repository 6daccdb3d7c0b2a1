"""Signature hashes and signatures against BIP143's example, and the kernel's verdict on what we sign."""

import pytest
from coincurve import PrivateKey
from tests.unit.wallet.kernel import verifies

from minicoin.core.crypto.hashing import hash160
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut
from minicoin.core.script.standard import p2pkh_script, p2sh_script, p2wpkh_script
from minicoin.core.signing.signatures import SegwitHasher, legacy_sighash, sign_transaction

BIP143_UNSIGNED = (
    "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffff"
    "ef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff"
    "02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac"
    "9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac11000000"
)
BIP143_SECRET = bytes.fromhex("619c335025c7f4012e556c2a58b2506e30b8511b53ade95ea316fd8c3286feb9")
BIP143_SIGNATURE = (
    "304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a"
    "0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee01"
)
SECRETS = [bytes([number]) * 32 for number in (1, 2, 3)]
HASHES = [hash160(PrivateKey(secret).public_key.format()) for secret in SECRETS]


def find_secret(key_hash: bytes) -> bytes | None:
    return dict(zip(HASHES, SECRETS, strict=True)).get(key_hash)


def spend(count: int, script_sig: bytes = b"") -> Transaction:
    inputs = tuple(TxIn(Outpoint(bytes([index]) * 36), script_sig, 0xFFFF_FFFD) for index in range(count))
    return Transaction(2, inputs, (TxOut(1_000, p2wpkh_script(bytes(20))), TxOut(0, b"\x6a\x01a")), 77)


def test_bip143_native_p2wpkh_example() -> None:
    transaction = Transaction.parse(bytes.fromhex(BIP143_UNSIGNED))
    key_hash = hash160(PrivateKey(BIP143_SECRET).public_key.format())
    digest = SegwitHasher(transaction).sighash(1, p2pkh_script(key_hash), 600_000_000)
    assert digest.hex() == "c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670"
    prevouts = {transaction.inputs[1].outpoint: TxOut(600_000_000, p2wpkh_script(key_hash))}
    signed = sign_transaction(transaction, prevouts, {key_hash: BIP143_SECRET}.get)
    assert signed.transaction.witnesses[1][0].hex() == BIP143_SIGNATURE
    assert [(left.index, left.reason) for left in signed.unsigned] == [(0, "the output it spends is unknown or spent")]


@pytest.mark.parametrize("kind", [p2wpkh_script, p2pkh_script])
def test_the_kernel_accepts_what_we_sign(kind) -> None:  # type: ignore[no-untyped-def]
    transaction = spend(3)
    outputs = [TxOut(5_000 + index, kind(HASHES[index])) for index in range(3)]
    prevouts = dict(zip((spent.outpoint for spent in transaction.inputs), outputs, strict=True))
    signed = sign_transaction(transaction, prevouts, find_secret)
    assert signed.is_complete
    assert verifies(signed.transaction, outputs)
    if kind is p2wpkh_script:
        assert not verifies(signed.transaction, [output._replace(value=output.value + 1) for output in outputs])
    changed = Transaction(2, signed.transaction.inputs, transaction.outputs[:1], 77, signed.transaction.witnesses)
    assert not verifies(changed, outputs)


def test_mixed_inputs_verify_together() -> None:
    transaction = spend(2)
    outputs = [TxOut(5_000, p2wpkh_script(HASHES[0])), TxOut(6_000, p2pkh_script(HASHES[1]))]
    prevouts = dict(zip((spent.outpoint for spent in transaction.inputs), outputs, strict=True))
    signed = sign_transaction(transaction, prevouts, find_secret)
    assert signed.is_complete
    assert verifies(signed.transaction, outputs)
    assert Transaction.parse(signed.transaction.raw) == signed.transaction


def test_what_cannot_be_signed_says_why() -> None:
    transaction = spend(3)
    scripts = [p2sh_script(bytes(20)), p2wpkh_script(bytes(20)), p2wpkh_script(HASHES[0])]
    prevouts = {spent.outpoint: TxOut(1, script) for spent, script in zip(transaction.inputs, scripts, strict=True)}
    signed = sign_transaction(transaction, prevouts, find_secret)
    assert not signed.is_complete
    assert [(left.index, left.reason) for left in signed.unsigned] == [
        (0, "cannot sign for a script of type scripthash"),
        (1, "the key is not in this wallet"),
    ]
    assert len(signed.transaction.witnesses[2]) == 2


def test_signatures_already_there_are_kept() -> None:
    transaction = spend(1, script_sig=b"\x01a")
    assert sign_transaction(transaction, {}, find_secret).transaction == transaction


def test_signing_is_deterministic() -> None:
    transaction = spend(1)
    prevouts = {transaction.inputs[0].outpoint: TxOut(1, p2wpkh_script(HASHES[0]))}
    first = sign_transaction(transaction, prevouts, find_secret)
    assert first.transaction.wtxid == sign_transaction(transaction, prevouts, find_secret).transaction.wtxid


def test_legacy_sighash_covers_the_other_inputs() -> None:
    script = p2pkh_script(HASHES[0])
    assert legacy_sighash(spend(2), 0, script) != legacy_sighash(spend(3), 0, script)
    assert legacy_sighash(spend(2), 0, script) == legacy_sighash(spend(2, script_sig=b"\x01a"), 0, script)
