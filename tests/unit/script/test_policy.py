"""Standardness and dust, against Bitcoin Core's published numbers."""

from dataclasses import dataclass

import pytest

from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut, Witness
from minicoin.core.primitives.verdicts import TxReason, TxRejected
from minicoin.core.script.policy import (
    Standardness,
    check_programs,
    check_size,
    check_standard,
    check_standard_inputs,
    dust_threshold_sat,
    is_dust,
    is_standard_output,
)
from minicoin.core.script.pushes import push
from minicoin.core.script.standard import data_script, p2pkh_script, p2sh_script, p2wpkh_script, witness_script

KEY = b"\x02" + bytes(32)
PAY = TxOut(10_000, p2wpkh_script(bytes(20)))


@dataclass
class Draft:
    version: int = 2
    script_sig: bytes = b""
    outputs: tuple[TxOut, ...] = (PAY,)
    witness: Witness = ()
    inputs: int = 1

    def build(self) -> Transaction:
        inputs = tuple(TxIn(Outpoint(bytes([i]) + b"\x11" * 35), self.script_sig) for i in range(self.inputs))
        return Transaction(self.version, inputs, self.outputs, 0, (self.witness,) if self.witness else ())


@pytest.mark.parametrize(
    ("script", "threshold"),
    [
        (p2pkh_script(bytes(20)), 546),
        (p2sh_script(bytes(20)), 540),
        (p2wpkh_script(bytes(20)), 294),
        (witness_script(0, bytes(32)), 330),
        (witness_script(1, bytes(32)), 330),
        (bytes.fromhex("51024e73"), 240),
        (data_script(b"x"), 0),
    ],
)
def test_the_dust_thresholds_of_bitcoin_core(script: bytes, threshold: int) -> None:
    assert dust_threshold_sat(TxOut(0, script)) == threshold
    assert is_dust(TxOut(threshold - 1, script))
    assert not is_dust(TxOut(threshold, script))


def test_a_dust_threshold_is_rounded_up() -> None:
    assert dust_threshold_sat(TxOut(0, p2wpkh_script(bytes(20))), 1) == 1
    assert dust_threshold_sat(TxOut(0, p2wpkh_script(bytes(20))), 66) == 7


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (Draft(version=0), TxReason.VERSION),
        (Draft(version=4), TxReason.VERSION),
        (Draft(outputs=(PAY,) * 3300), TxReason.TX_SIZE),
        (Draft(script_sig=push(b"a" * 520) * 4), TxReason.SCRIPTSIG_SIZE),
        (Draft(script_sig=b"\x51\x61"), TxReason.SCRIPTSIG_NOT_PUSHONLY),
        (Draft(outputs=(PAY, TxOut(10_000, b"\x51"))), TxReason.SCRIPTPUBKEY),
        (Draft(outputs=(PAY, TxOut(293, PAY.script_pubkey), TxOut(0, PAY.script_pubkey))), TxReason.DUST),
        (
            Draft(outputs=(TxOut(9_999, b"\x51" + push(KEY) * 4 + b"\x54\xae"),)),
            TxReason.SCRIPTPUBKEY,
        ),
    ],
)
def test_what_is_not_relayed(draft: Draft, reason: TxReason) -> None:
    with pytest.raises(TxRejected) as refused:
        check_standard(draft.build())
    assert refused.value.reason is reason


def test_what_is_relayed() -> None:
    check_standard(Draft().build())
    check_standard(Draft(version=1, script_sig=push(b"a" * 500) * 3).build())
    check_standard(Draft(version=3).build())
    check_standard(Draft(outputs=(PAY, TxOut(0, b"\x6a" + bytes(49_000)), TxOut(0, b"\x6a" + bytes(49_000)))).build())
    # One output may be dust: whether it is spent at once is the mempool's to see.
    check_standard(Draft(outputs=(PAY, TxOut(293, PAY.script_pubkey))).build())
    check_standard(Draft(outputs=(TxOut(9_999, b"\x51" + push(KEY) * 3 + b"\x53\xae"),)).build())
    assert is_standard_output(witness_script(2, bytes(5)))


@pytest.mark.parametrize(
    ("rules", "outputs", "reason"),
    [
        (Standardness(datacarrier_bytes_max=0), (PAY, TxOut(0, data_script(b"a"))), TxReason.DATACARRIER),
        (Standardness(datacarrier_bytes_max=83), (PAY, TxOut(0, data_script(b"a" * 81))), TxReason.DATACARRIER),
        (
            Standardness(permits_bare_multisig=False),
            (TxOut(9_999, b"\x51" + push(KEY) * 3 + b"\x53\xae"),),
            TxReason.BARE_MULTISIG,
        ),
        (Standardness(dust_feerate=6_000), (*(TxOut(588 - 1, PAY.script_pubkey),) * 2,), TxReason.DUST),
    ],
)
def test_what_the_operator_may_choose(rules: Standardness, outputs: tuple[TxOut, ...], reason: TxReason) -> None:
    transaction = Draft(outputs=outputs).build()
    check_standard(transaction)
    with pytest.raises(TxRejected) as refused:
        check_standard(transaction, rules)
    assert refused.value.reason is reason


def test_signature_checks_outside_of_witnesses_are_few() -> None:
    script = b"\x51" + push(KEY) * 15 + b"\x5f\xae"
    for inputs, is_relayed in ((166, True), (167, False)):
        transaction = Draft(script_sig=push(script), inputs=inputs).build()
        spent = [TxOut(1, p2sh_script(bytes(20)))] * inputs
        if is_relayed:
            check_standard_inputs(transaction, spent)
            continue
        with pytest.raises(TxRejected, match="bip54"):
            check_standard_inputs(transaction, spent)


@pytest.mark.parametrize(
    ("script", "script_sig", "witness", "reason"),
    [
        (b"\x51", b"", (), TxReason.NONSTANDARD_INPUTS),
        (witness_script(2, bytes(32)), b"", (), TxReason.NONSTANDARD_INPUTS),
        (p2sh_script(bytes(20)), push(b"\xac" * 16), (), TxReason.NONSTANDARD_INPUTS),
        (p2pkh_script(bytes(20)), b"", (b"x",), TxReason.WITNESS_NONSTANDARD),
        (p2sh_script(bytes(20)), push(b"\x51\x51"), (b"x",), TxReason.WITNESS_NONSTANDARD),
        (bytes.fromhex("51024e73"), b"", (b"x",), TxReason.WITNESS_NONSTANDARD),
        (witness_script(0, bytes(32)), b"", (b"\x51" * 3601,), TxReason.WITNESS_NONSTANDARD),
        (witness_script(0, bytes(32)), b"", (b"a" * 81, b"\x51"), TxReason.WITNESS_NONSTANDARD),
        (witness_script(0, bytes(32)), b"", (*(b"a",) * 101, b"\x51"), TxReason.WITNESS_NONSTANDARD),
        (witness_script(1, bytes(32)), b"", (b"a" * 64, b"\x50annex"), TxReason.WITNESS_NONSTANDARD),
        (witness_script(1, bytes(32)), b"", (b"a" * 81, b"\x51", b"\xc0" + bytes(32)), TxReason.WITNESS_NONSTANDARD),
        (witness_script(1, bytes(32)), b"", (b"\x51", b""), TxReason.WITNESS_NONSTANDARD),
    ],
)
def test_inputs_that_are_not_relayed(script: bytes, script_sig: bytes, witness: Witness, reason: TxReason) -> None:
    transaction = Draft(script_sig=script_sig, witness=witness).build()
    with pytest.raises(TxRejected) as refused:
        check_standard_inputs(transaction, [TxOut(1, script)])
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("script", "script_sig", "witness"),
    [
        (p2wpkh_script(bytes(20)), b"", (b"a" * 72, KEY)),
        (p2sh_script(bytes(20)), push(b"\xac" * 15), ()),
        (p2sh_script(bytes(20)), push(p2wpkh_script(bytes(20))), (b"a" * 72, KEY)),
        (witness_script(0, bytes(32)), b"", (b"a" * 80, b"\x51" * 3600)),
        (witness_script(1, bytes(32)), b"", (b"a" * 64,)),
        (witness_script(1, bytes(32)), b"", (b"a" * 80, b"\x51", b"\xc0" + bytes(32))),
        (witness_script(1, bytes(32)), b"", (b"a" * 81, b"\x51", b"\xc2" + bytes(32))),
    ],
)
def test_inputs_that_are_relayed(script: bytes, script_sig: bytes, witness: Witness) -> None:
    check_standard_inputs(Draft(script_sig=script_sig, witness=witness).build(), [TxOut(1, script)])


@pytest.mark.parametrize(
    ("script", "script_sig", "is_reserved"),
    [
        (witness_script(2, bytes(32)), b"", True),
        (witness_script(16, bytes(2)), b"", True),
        (witness_script(1, bytes(33)), b"", True),
        (p2sh_script(bytes(20)), push(witness_script(1, bytes(32))), True),
        (p2sh_script(bytes(20)), push(witness_script(0, bytes(32))), False),
        (witness_script(1, bytes(32)), b"", False),
        (witness_script(0, bytes(20)), b"", False),
        (bytes.fromhex("51024e73"), b"", False),
        (b"\x51", b"", False),
    ],
)
def test_no_coin_of_a_reserved_witness_version_is_spent(script: bytes, script_sig: bytes, is_reserved: bool) -> None:
    transaction = Draft(script_sig=script_sig, inputs=2).build()
    spent = [PAY, TxOut(1, script)]
    if not is_reserved:
        check_programs(transaction, spent)
        return
    with pytest.raises(TxRejected, match="input 1: its witness version is reserved for soft-fork upgrades") as refused:
        check_programs(transaction, spent)
    assert refused.value.reason is TxReason.SCRIPT_FAILED


LONG_KEY = b"\x04" + bytes(64)


@pytest.mark.parametrize(
    ("program", "script_sig", "witness", "is_refused"),
    [
        (p2wpkh_script(bytes(20)), b"", (b"a" * 72, LONG_KEY), True),
        (p2wpkh_script(bytes(20)), b"", (b"a" * 72, KEY), False),
        (witness_script(0, bytes(32)), b"", (b"a" * 72, push(LONG_KEY) + b"\xac"), True),
        (witness_script(0, bytes(32)), b"", (b"a" * 72, LONG_KEY, b"\x76\xa9"), True),
        (witness_script(0, bytes(32)), b"", (b"a" * 72, push(KEY) + b"\xac"), False),
        (witness_script(0, bytes(32)), b"", (b"a" * 72, b"\x4c"), False),
        (p2sh_script(bytes(20)), push(witness_script(0, bytes(32))), (b"a", push(LONG_KEY) + b"\xac"), True),
        (p2pkh_script(bytes(20)), push(LONG_KEY), (), False),
        (witness_script(1, bytes(32)), b"", (LONG_KEY,), False),
    ],
)
def test_keys_in_witnesses_are_compressed(
    program: bytes, script_sig: bytes, witness: Witness, is_refused: bool
) -> None:
    transaction = Draft(script_sig=script_sig, witness=witness).build()
    if not is_refused:
        check_programs(transaction, [TxOut(1, program)])
        return
    with pytest.raises(TxRejected, match="input 0: a key in its witness is not compressed"):
        check_programs(transaction, [TxOut(1, program)])


def test_what_looks_like_a_node_of_the_merkle_tree_is_never_relayed():
    small = Draft(outputs=(TxOut(10_000, b"\x51"),)).build()
    assert len(small.stripped) < 65
    with pytest.raises(TxRejected) as refused:
        check_size(small)
    assert refused.value.reason is TxReason.TX_SIZE_SMALL
    check_size(Draft().build())
