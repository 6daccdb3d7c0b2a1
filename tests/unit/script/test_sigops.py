"""Signature-operation counting: the shapes with a short cut agree with the general count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut
from minicoin.core.script.sigops import legacy_sigops, script_sigops, transaction_sigop_cost

OUT = (TxOut(1, b""),)
ONE = Outpoint(b"\x01" * 36)
KEY = b"\x21" + b"\x02" * 33
MULTISIG = b"\x52" + KEY * 3 + b"\x53\xae"
P2PKH = b"\x76\xa9\x14" + b"\xac" * 20 + b"\x88\xac"
P2WPKH = b"\x00\x14" + b"\xac" * 20
P2WSH = b"\x00\x20" + b"\xac" * 32
P2TR = b"\x51\x20" + b"\xac" * 32
P2SH = b"\xa9\x14" + b"\xac" * 20 + b"\x87"


def spend(script_sig=b"", witness=(), outputs=OUT):
    return Transaction(2, (TxIn(ONE, script_sig),), tuple(outputs), 0, (witness,) if witness else ())


@pytest.mark.parametrize(
    ("script", "loose", "accurate"),
    [
        (b"", 0, 0),
        (b"\xac\xad", 2, 2),
        (b"\xae", 20, 20),
        (MULTISIG, 20, 3),
        (b"\x60\xaf", 20, 16),
        (b"\x02\xac\xac\xac", 1, 1),
        (b"\xac\x4c", 1, 1),
        (b"\xac\x05\xac", 1, 1),
        (b"\x4c\x02\xac\xac\xac", 1, 1),
        (b"\x4d\x02\x00\xac\xac\xac", 1, 1),
        (b"\x4e\x02\x00\x00\x00\xac\xac\xac", 1, 1),
        (b"\x00\xae", 20, 20),
    ],
)
def test_counts(script, loose, accurate):
    assert script_sigops(script, is_accurate=False) == loose
    assert script_sigops(script, is_accurate=True) == accurate


@given(st.one_of(st.binary(max_size=200), st.sampled_from([P2PKH, P2WPKH, P2WSH, P2TR, P2SH, MULTISIG])))
def test_short_cuts_for_output_shapes(script):
    transaction = spend(outputs=[TxOut(1, script)])
    assert legacy_sigops(transaction) == script_sigops(script, is_accurate=False)


@pytest.mark.parametrize(
    ("script_pubkey", "script_sig", "witness", "cost"),
    [
        (P2PKH, b"\x01\x01", (), 0),
        (P2WPKH, b"", (b"s", b"k"), 1),
        (P2WSH, b"", (b"", MULTISIG), 3),
        (P2WSH, b"", (), 0),
        (P2TR, b"", (b"s",), 0),
        (P2SH, b"\x4c" + bytes((len(MULTISIG),)) + MULTISIG, (), 12),
        (P2SH, bytes((len(P2WPKH),)) + P2WPKH, (b"s", b"k"), 1),
        (P2SH, bytes((len(P2WSH),)) + P2WSH, (MULTISIG,), 3),
        # Not push-only: it fails when run, and counts nothing.
        (P2SH, b"\x61\x01\xac", (), 0),
        (P2SH, b"\x05\xac", (), 0),
        (P2SH, b"\x51", (), 0),
    ],
)
def test_cost_of_spending(script_pubkey, script_sig, witness, cost):
    transaction = spend(script_sig, witness)
    total = transaction_sigop_cost(transaction, [TxOut(1, script_pubkey)])
    assert total - 4 * legacy_sigops(transaction) == cost


def test_legacy_operations_count_four_times():
    transaction = spend(b"\xac", outputs=[TxOut(1, P2PKH), TxOut(1, b"\xae")])
    assert legacy_sigops(transaction) == 22
    assert transaction_sigop_cost(transaction, [TxOut(1, b"\xac")]) == 88
