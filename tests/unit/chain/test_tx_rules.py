"""Rules of single transactions at their edges."""

import pytest

from minicoin.core.chain.tx_rules import check_inputs, check_transaction, has_relative_locks, is_final, sequence_locks
from minicoin.core.chain.undo import pack_coin
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Outpoint, Transaction, TxIn, TxOut
from minicoin.core.primitives.verdicts import Coin, TxReason, TxRejected
from minicoin.core.units import MONEY_MAX_SAT

ONE = Outpoint(b"\x01" * 36)
TWO = Outpoint(b"\x02" * 36)
IN = (TxIn(ONE),)
OUT = (TxOut(5, b"\x51"),)


def tx(inputs=IN, outputs=OUT, lock_time=0, version=2):
    return Transaction(version, tuple(inputs), tuple(outputs), lock_time)


def packed(value=5, height=1, is_coinbase=False):
    return pack_coin(Coin(TxOut(value, b"\x51"), height, is_coinbase))


@pytest.mark.parametrize(
    ("transaction", "reason"),
    [
        (tx(inputs=()), TxReason.NO_INPUTS),
        (tx(outputs=()), TxReason.NO_OUTPUTS),
        (tx(outputs=[TxOut(0, bytes(1_000_000))]), TxReason.OVERSIZE),
        (tx(outputs=[TxOut(-1, b"")]), TxReason.NEGATIVE_VALUE),
        (tx(outputs=[TxOut(MONEY_MAX_SAT + 1, b"")]), TxReason.VALUE_TOO_LARGE),
        (tx(outputs=[TxOut(MONEY_MAX_SAT, b""), TxOut(1, b"")]), TxReason.TOTAL_TOO_LARGE),
        (tx(inputs=[TxIn(ONE), TxIn(TWO), TxIn(ONE)]), TxReason.DUPLICATE_INPUTS),
        (tx(inputs=[TxIn(ONE), TxIn(NULL_OUTPOINT)]), TxReason.NULL_PREVOUT),
        (tx(inputs=[TxIn(NULL_OUTPOINT, b"\x01")]), TxReason.COINBASE_LENGTH),
        (tx(inputs=[TxIn(NULL_OUTPOINT, bytes(101))]), TxReason.COINBASE_LENGTH),
    ],
)
def test_refused_without_context(transaction, reason):
    with pytest.raises(TxRejected) as refusal:
        check_transaction(transaction)
    assert refusal.value.reason is reason


@pytest.mark.parametrize(
    "transaction",
    [
        tx(),
        tx(inputs=[TxIn(ONE), TxIn(TWO)]),
        tx(outputs=[TxOut(MONEY_MAX_SAT, b""), TxOut(0, b"")]),
        tx(inputs=[TxIn(NULL_OUTPOINT, bytes(2))]),
        tx(inputs=[TxIn(NULL_OUTPOINT, bytes(100))]),
    ],
)
def test_fine_without_context(transaction):
    check_transaction(transaction)


@pytest.mark.parametrize(
    ("lock_time", "sequence", "expected"),
    [
        (0, 0, True),
        (99, 0, True),
        (100, 0, False),
        (100, 0xFFFF_FFFF, True),
        (499_999_999, 0, False),
        (500_000_000, 0, True),
        (600_000_000, 0, False),
        (599_999_999, 0, True),
    ],
)
def test_finality(lock_time, sequence, expected):
    transaction = tx(inputs=[TxIn(ONE, b"", sequence)], lock_time=lock_time)
    assert is_final(transaction, height=100, time=600_000_000) is expected


def test_relative_locks_need_version_2():
    locked = [TxIn(ONE, b"", 5)]
    assert has_relative_locks(tx(inputs=locked))
    assert not has_relative_locks(tx(inputs=locked, version=1))
    # The rule reads the version as unsigned.
    assert has_relative_locks(tx(inputs=locked, version=-1))
    assert not has_relative_locks(tx(inputs=[TxIn(ONE, b"", 1 << 31 | 5)]))


def test_sequence_locks_take_the_strictest():
    inputs = [TxIn(ONE, b"", 3), TxIn(TWO, b"", 10), TxIn(ONE, b"", 1 << 22 | 2), TxIn(ONE, b"", 1 << 31 | 99)]
    height, time = sequence_locks(tx(inputs=inputs), [50, 20, 70, 1], lambda at: 1000 * at)
    assert height == 52
    assert time == 1000 * 69 + 2 * 512 - 1


def test_a_time_lock_counts_from_in_front_of_the_coin():
    assert sequence_locks(tx(inputs=[TxIn(ONE, b"", 1 << 22)]), [0], lambda at: at + 7) == (-1, 6)


def test_fee_and_outputs():
    fee, spent = check_inputs(tx(), [packed(12)], 10, 100)
    assert fee == 7
    assert spent == [TxOut(12, b"\x51")]


@pytest.mark.parametrize(
    ("coins", "height", "reason"),
    [
        ([packed(4)], 10, TxReason.IN_BELOW_OUT),
        ([packed(5, 10, is_coinbase=True)], 109, TxReason.PREMATURE_COINBASE),
        ([packed(MONEY_MAX_SAT), packed(1)], 10, TxReason.INPUT_VALUES),
    ],
)
def test_refused_inputs(coins, height, reason):
    inputs = [TxIn(ONE), TxIn(TWO)][: len(coins)]
    with pytest.raises(TxRejected) as refusal:
        check_inputs(tx(inputs=inputs), coins, height, 100)
    assert refusal.value.reason is reason


def test_a_coinbase_matures():
    assert check_inputs(tx(), [packed(5, 10, is_coinbase=True)], 110, 100)[0] == 0
