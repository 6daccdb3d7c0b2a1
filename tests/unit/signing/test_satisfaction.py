"""What satisfies scripts: the kernel's verdict on every form, and signatures of several signers that add up."""

from hashlib import sha256

import pytest
from coincurve import PrivateKey
from tests.unit.wallet.kernel import verifies

from minicoin.core.crypto.hashing import hash160
from minicoin.core.descriptors.descriptor import multisig_script
from minicoin.core.faults import MisuseError
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut
from minicoin.core.script.pushes import push
from minicoin.core.script.standard import p2pkh_script, p2sh_script, p2wpkh_script, witness_script
from minicoin.core.signing import satisfaction
from minicoin.core.signing.given_keys import KeySigned, combine_signatures, sign_with_keys

SECRETS = [bytes([number]) * 32 for number in (1, 2, 3)]
KEYS = [bytes(PrivateKey(secret).public_key.format()) for secret in SECRETS]
INNER = {
    "pk": push(KEYS[0]) + b"\xac",
    "pkh": p2pkh_script(hash160(KEYS[0])),
    "multi": multisig_script(2, KEYS),
}
ANCHOR = bytes.fromhex("51024e73")


def p2wsh(script: bytes) -> bytes:
    return witness_script(0, sha256(script).digest())


def p2sh(script: bytes) -> bytes:
    return p2sh_script(hash160(script))


WRAPPED = {
    "bare": lambda script: (script, []),
    "sh": lambda script: (p2sh(script), [script]),
    "wsh": lambda script: (p2wsh(script), [script]),
    "sh(wsh)": lambda script: (p2sh(p2wsh(script)), [script, p2wsh(script)]),
}


def spend(count: int = 1) -> Transaction:
    inputs = tuple(TxIn(Outpoint(bytes([index]) * 36), b"", 0xFFFF_FFFD) for index in range(count))
    return Transaction(2, inputs, (TxOut(1_000, p2wpkh_script(bytes(20))),), 77)


def accepted(signed: KeySigned, output: TxOut) -> bool:
    return not signed.unsigned and verifies(signed.transaction, [output])


@pytest.mark.parametrize("wrapping", WRAPPED)
@pytest.mark.parametrize("inner", INNER)
def test_the_kernel_accepts_what_keys_and_scripts_make(inner: str, wrapping: str) -> None:
    script, scripts = WRAPPED[wrapping](INNER[inner])
    output = TxOut(5_000, script)
    signed = sign_with_keys(spend(), [output], SECRETS, scripts)
    assert accepted(signed, output)
    assert sign_with_keys(signed.transaction, [output], []) == signed
    if scripts:
        assert sign_with_keys(spend(), [output], SECRETS, [b"another"]).unsigned == (0,)


@pytest.mark.parametrize("form", [p2wpkh_script, lambda key_hash: p2sh(p2wpkh_script(key_hash))])
def test_the_script_of_a_key_need_not_be_given(form) -> None:  # type: ignore[no-untyped-def]
    output = TxOut(5_000, form(hash160(KEYS[1])))
    assert accepted(sign_with_keys(spend(), [output], SECRETS[1:]), output)
    assert sign_with_keys(spend(), [output], SECRETS[:1]) == KeySigned(spend(), (0,))


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_signatures_of_several_signers_add_up(wrapping: str) -> None:
    script, scripts = WRAPPED[wrapping](INNER["multi"])
    output = TxOut(5_000, script)
    last, first = (sign_with_keys(spend(), [output], [SECRETS[at]], scripts) for at in (2, 0))
    assert last.unsigned == first.unsigned == (0,)
    assert not verifies(last.transaction, [output])
    joined = combine_signatures([last.transaction, spend(), first.transaction], [output])
    assert accepted(joined, output)
    # One after the other, where the second has no script but what the first left.
    assert sign_with_keys(last.transaction, [output], [SECRETS[0]]) == joined
    assert combine_signatures([last.transaction, last.transaction], [output]) == last


def test_what_spends_an_anchor_needs_no_signature() -> None:
    output = TxOut(240, ANCHOR)
    assert sign_with_keys(spend(), [output], []) == KeySigned(spend(), ())
    assert accepted(sign_with_keys(spend(), [output], []), output)


def test_a_signature_of_another_kind_is_kept() -> None:
    output = TxOut(5_000, p2wpkh_script(hash160(KEYS[0])))
    single = b"\x30" + bytes(69) + b"\x83"
    before = Transaction(2, spend().inputs, spend().outputs, 77, ((single, KEYS[0]),))
    assert sign_with_keys(before, [output], SECRETS).transaction == before


@pytest.mark.parametrize("script", [b"\x51", p2sh(b"\x51"), b"\x51\x20" + bytes(32)])
def test_what_is_not_known_stays_unsigned(script: bytes) -> None:
    assert sign_with_keys(spend(), [TxOut(5_000, script)], SECRETS, [b"\x51"]) == KeySigned(spend(), (0,))
    assert sign_with_keys(spend(), [None], SECRETS).unsigned == (0,)


def test_wrong_signatures_do_not_count_and_their_trials_are_bounded(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    script, scripts = WRAPPED["wsh"](INNER["multi"])
    output = TxOut(5_000, script)
    elsewhere = sign_with_keys(spend(), [TxOut(5_001, script)], SECRETS, scripts).transaction
    assert combine_signatures([elsewhere], [output]) == KeySigned(elsewhere, (0,))
    assert not verifies(elsewhere, [output])
    monkeypatch.setattr(satisfaction, "SIGNATURE_TRIALS_MAX", 5)
    with pytest.raises(MisuseError, match="more than 5 pairs"):
        combine_signatures([elsewhere], [output])
