"""The verifier port: the reference, the kernel, and the memory of verified transactions."""

import pytest

from minicoin.core.chain.verifier import ScriptCheck, ScriptedVerifier, ScriptFailure, VerifiedScripts
from minicoin.core.primitives.script_flags import ScriptFlag
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut, Wtxid
from minicoin.drivers.kernel import KernelRefused, KernelVerifier
from minicoin.testing.spends import Spendable, SpendKind, output_script, sign_inputs

FLAGS = int(ScriptFlag.ALL)


def check(kinds, *, bad=None, tag=0, flags=FLAGS):
    coins = [
        Spendable(
            Outpoint(bytes([tag, number]) + bytes(34)), TxOut(1000 + number, output_script(kind, number)), kind, number
        )
        for number, kind in enumerate(kinds)
    ]
    transaction = Transaction(2, tuple(TxIn(coin.outpoint) for coin in coins), (TxOut(1, b"\x51"),))
    signed = sign_inputs(transaction, coins)
    spent = [coin.output for coin in coins]
    if bad is not None:
        spent[bad] = TxOut(spent[bad].value, output_script(kinds[bad], 99))
    return ScriptCheck(signed, spent, flags)


@pytest.fixture(params=[1, 3])
def kernel(request):
    verifier = KernelVerifier(request.param)
    yield verifier
    verifier.close()


def test_every_kind_verifies(kernel):
    assert kernel.first_failure([check(list(SpendKind), tag=tag) for tag in range(20)]) is None
    assert kernel.first_failure([]) is None


@pytest.mark.parametrize("kind", SpendKind)
def test_a_wrong_output_fails(kind):
    assert KernelVerifier().first_failure([check([kind], bad=0)]) == ScriptFailure(0, 0)


def test_the_first_failure_in_order_is_named(kernel):
    legacy = [SpendKind.P2PKH] * 3
    checks = [check(legacy, tag=tag, bad=2 if tag in (7, 11) else None) for tag in range(16)]
    assert kernel.first_failure(checks) == ScriptFailure(7, 2)


def test_unparsable_question_is_the_callers_fault():
    with pytest.raises(KernelRefused):
        KernelVerifier().first_failure([ScriptCheck(Transaction(2, (), (TxOut(1, b""),)), [], FLAGS)])


def test_unknown_flags_are_the_callers_fault():
    with pytest.raises(KernelRefused, match="flags"):
        KernelVerifier().first_failure([check([SpendKind.P2PKH], flags=int(ScriptFlag.WITNESS))])


def test_the_reference_fails_what_it_is_told_to():
    good, bad = check([SpendKind.P2PKH], tag=1), check([SpendKind.P2PKH], tag=2)
    verifier = ScriptedVerifier(frozenset([bad.transaction.wtxid]))
    assert verifier.first_failure([good]) is None
    assert verifier.first_failure([good, bad]) == ScriptFailure(1, 0)


def test_verified_scripts_are_bounded():
    known = VerifiedScripts(2)
    names = [Wtxid(bytes([number]) * 32) for number in range(3)]
    for name in names:
        known.add(name, 1)
    assert [(name, 1) in known for name in names] == [False, True, True]
    assert (names[2], 2) not in known
    known.discard(names[2], 1)
    known.discard(names[2], 1)
    assert len(known) == 1
