"""Keys that are handed in sign what they can, and what several made is joined; nothing else of it changes."""

from coincurve import PrivateKey

from minicoin.core.crypto.hashing import hash160
from minicoin.core.descriptors.descriptor import multisig_script
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut
from minicoin.core.script.standard import p2pkh_script, p2wpkh_script
from minicoin.core.signing.given_keys import KeySigned, combine_signatures, sign_with_keys

SECRETS = [bytes([number]) * 32 for number in (1, 2)]
KEYS = [bytes(PrivateKey(secret).public_key.format()) for secret in SECRETS]
LEGACY, SEGWIT, BOTH = (
    TxOut(5_000, p2pkh_script(hash160(KEYS[0]))),
    TxOut(5_000, p2wpkh_script(hash160(KEYS[1]))),
    TxOut(5_000, multisig_script(2, KEYS)),
)


def spend(count: int) -> Transaction:
    inputs = tuple(TxIn(Outpoint(bytes([index]) * 36), b"", 0xFFFF_FFFD) for index in range(count))
    return Transaction(2, inputs, (TxOut(1_000, p2wpkh_script(bytes(20))),), 77)


def test_each_input_is_signed_by_the_key_it_pays() -> None:
    signed = sign_with_keys(spend(2), [LEGACY, SEGWIT], SECRETS)
    assert signed.unsigned == ()
    first, second = signed.transaction.inputs
    assert first.script_sig and not second.script_sig
    assert [len(stack) for stack in signed.transaction.witnesses] == [0, 2]


def test_what_is_not_theirs_is_named_and_left_alone() -> None:
    assert sign_with_keys(spend(2), [LEGACY, None], []) == KeySigned(spend(2), (0, 1))
    half = sign_with_keys(spend(2), [LEGACY, SEGWIT], SECRETS[:1])
    assert half.unsigned == (1,)
    assert half.transaction.outputs == spend(2).outputs and half.transaction.lock_time == 77
    assert [one.outpoint for one in half.transaction.inputs] == [one.outpoint for one in spend(2).inputs]


def test_what_each_signer_made_is_joined_in_any_order() -> None:
    halves = [sign_with_keys(spend(1), [BOTH], [secret]).transaction for secret in SECRETS]
    both = sign_with_keys(spend(1), [BOTH], SECRETS)
    assert both.unsigned == ()
    assert combine_signatures(halves, [BOTH]) == combine_signatures(halves[::-1], [BOTH]) == both
    assert combine_signatures(halves[:1], [BOTH]).unsigned == (0,)
