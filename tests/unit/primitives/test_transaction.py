"""Transactions: both serialisations, the identifiers and sizes made of them, and hostile bytes."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.transaction import (
    NULL_OUTPOINT,
    Outpoint,
    Transaction,
    Txid,
    TxIn,
    TxOut,
    make_outpoint,
    outpoint_index,
    outpoint_text,
    outpoint_txid,
    output_size,
    parse_transaction,
)

OUTPOINTS = st.binary(min_size=36, max_size=36).map(Outpoint)
INPUTS = st.builds(TxIn, OUTPOINTS, st.binary(max_size=300), st.integers(0, 2**32 - 1))
OUTPUTS = st.builds(TxOut, st.integers(-(2**63), 2**63 - 1), st.binary(max_size=300))
STACKS = st.lists(st.binary(max_size=300), max_size=3).map(tuple)


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    inputs = tuple(draw(st.lists(INPUTS, min_size=1, max_size=4)))
    witnesses = tuple(draw(STACKS) for _ in inputs)
    return Transaction(
        draw(st.integers(-(2**31), 2**31 - 1)),
        inputs,
        tuple(draw(st.lists(OUTPUTS, max_size=4))),
        draw(st.integers(0, 2**32 - 1)),
        witnesses if any(witnesses) else (),
    )


@given(transactions(), st.binary(max_size=3), st.binary(max_size=3))
def test_round_trip_wherever_it_stands(transaction: Transaction, before: bytes, behind: bytes) -> None:
    parsed, end = parse_transaction(before + transaction.raw + behind, len(before))
    assert end == len(before) + len(transaction.raw)
    assert (parsed, parsed.witnesses) == (transaction, transaction.witnesses)
    # What parsing keeps of the bytes is what serialising anew gives.
    assert (parsed.raw, parsed.stripped) == (transaction.raw, transaction.stripped)


@given(transactions())
def test_identifiers_and_sizes(transaction: Transaction) -> None:
    assert transaction.txid == sha256d(transaction.stripped)
    assert transaction.wtxid == sha256d(transaction.raw)
    assert (transaction.txid == transaction.wtxid) != transaction.has_witness
    assert transaction.weight == 3 * len(transaction.stripped) + transaction.size
    assert transaction.vsize == -(-transaction.weight // 4)
    assert sum(map(output_size, transaction.outputs)) < len(transaction.stripped)


@given(transactions(), st.data())
def test_a_cut_one_is_refused(transaction: Transaction, data: st.DataObject) -> None:
    with pytest.raises(DecodeError):
        Transaction.parse(transaction.raw[: data.draw(st.integers(0, len(transaction.raw) - 1))])


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("01000000" + "0002" + "00" * 60, "flag"),
        ("01000000" + "0001" + "01" + "00" * 36 + "00" + "ffffffff" + "00" + "00" + "00000000", "without a witness"),
        ("01000000" + "feffffffff" + "00" * 60, "more inputs than bytes"),
        ("01000000" + "01" + "00" * 36 + "00" + "ffffffff" + "feffffffff" + "00000000", "more outputs than bytes"),
    ],
)
def test_what_is_not_a_transaction(raw: str, problem: str) -> None:
    with pytest.raises(DecodeError, match=problem):
        Transaction.parse(bytes.fromhex(raw))


def test_a_count_alone_reserves_no_memory() -> None:
    raw = bytes.fromhex("01000000" + "0001" + "01" + "00" * 36 + "00" + "ffffffff" + "00" + "feffffffff") + bytes(50)
    tracemalloc.start()
    with pytest.raises(DecodeError, match="more items than bytes"):
        Transaction.parse(raw)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_bytes_behind_are_refused_where_there_is_to_be_one() -> None:
    one = Transaction(1, (TxIn(NULL_OUTPOINT),), ())
    with pytest.raises(DecodeError, match="bytes behind"):
        Transaction.parse(one.raw + b"\0")
    assert one.is_coinbase
    assert not Transaction(1, (TxIn(NULL_OUTPOINT), TxIn(NULL_OUTPOINT)), ()).is_coinbase


def test_outpoints() -> None:
    txid = Txid(bytes(range(32)))
    outpoint = make_outpoint(txid, 258)
    assert (outpoint_txid(outpoint), outpoint_index(outpoint)) == (txid, 258)
    assert outpoint_text(outpoint) == txid[::-1].hex() + ":258"
