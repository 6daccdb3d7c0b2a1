"""Consensus rules of one transaction: shape, finality (locktime, BIP113), relative locks (BIP68), inputs against coins.

Reasons and their order follow Bitcoin Core. Block rules and mempool both call these; relay policy is the mempool's.
"""

from collections.abc import Callable, Sequence
from typing import Final

from minicoin.core.chain.undo import COIN_HEAD, COIN_HEAD_SIZE
from minicoin.core.limits import BLOCK_WEIGHT_MAX
from minicoin.core.primitives.transaction import NULL_OUTPOINT, SEQUENCE_FINAL, Transaction, TxOut, outpoint_text
from minicoin.core.primitives.verdicts import TxReason, TxRejected
from minicoin.core.script.sigops import WITNESS_SCALE
from minicoin.core.units import MONEY_MAX_SAT

LOCK_TIME_THRESHOLD: Final = 500_000_000
"""A lock time below is a height, one above a Unix time."""

_COINBASE_SCRIPT_MIN = 2
_COINBASE_SCRIPT_MAX = 100

SEQUENCE_LOCK_DISABLED: Final = 1 << 31
SEQUENCE_LOCK_IS_TIME: Final = 1 << 22
SEQUENCE_LOCK_MASK: Final = 0xFFFF
SEQUENCE_LOCK_GRANULARITY: Final = 9


def check_transaction(transaction: Transaction) -> None:
    """What can be said without any context. Raises TxRejected."""
    inputs, outputs = transaction.inputs, transaction.outputs
    if not inputs:
        raise TxRejected(TxReason.NO_INPUTS)
    if not outputs:
        raise TxRejected(TxReason.NO_OUTPUTS)
    if len(transaction.stripped) * WITNESS_SCALE > BLOCK_WEIGHT_MAX:
        raise TxRejected(TxReason.OVERSIZE)
    total = 0
    for value, _ in outputs:
        if value < 0:
            raise TxRejected(TxReason.NEGATIVE_VALUE)
        if value > MONEY_MAX_SAT:
            raise TxRejected(TxReason.VALUE_TOO_LARGE)
        total += value
        if total > MONEY_MAX_SAT:
            raise TxRejected(TxReason.TOTAL_TOO_LARGE)
    if len(inputs) == 1:
        script_size = len(inputs[0].script_sig)
        is_sized = _COINBASE_SCRIPT_MIN <= script_size <= _COINBASE_SCRIPT_MAX
        if inputs[0].outpoint == NULL_OUTPOINT and not is_sized:
            raise TxRejected(TxReason.COINBASE_LENGTH, f"{script_size} bytes")
        return
    outpoints = {entry[0] for entry in inputs}
    # CVE-2018-17144: spending a coin twice in one transaction.
    if len(outpoints) != len(inputs):
        raise TxRejected(TxReason.DUPLICATE_INPUTS)
    if NULL_OUTPOINT in outpoints:
        raise TxRejected(TxReason.NULL_PREVOUT)


def is_final(transaction: Transaction, height: int, time: int) -> bool:
    """Whether the transaction may stand in a block of this height and time (the parent's median time past where
    BIP113 is active)."""
    lock = transaction.lock_time
    if lock == 0 or lock < (height if lock < LOCK_TIME_THRESHOLD else time):
        return True
    return all(entry.sequence == SEQUENCE_FINAL for entry in transaction.inputs)


def has_relative_locks(transaction: Transaction) -> bool:
    """Whether BIP68 says anything about the transaction: cheap, so that blocks can skip most of them."""
    # The version is unsigned to this rule: a negative one counts as large.
    if transaction.version & 0xFFFF_FFFF < 2:
        return False
    return any(not entry[2] & SEQUENCE_LOCK_DISABLED for entry in transaction.inputs)


def sequence_locks(
    transaction: Transaction, coin_heights: Sequence[int], median_time_at: Callable[[int], int]
) -> tuple[int, int]:
    """(height, time) that a block and its parent's median time past must exceed (BIP68); -1 where nothing is locked.

    `median_time_at(height)` is the median time past of the block of that height on the spending chain."""
    min_height = min_time = -1
    for entry, coin_height in zip(transaction.inputs, coin_heights, strict=True):
        sequence = entry.sequence
        if sequence & SEQUENCE_LOCK_DISABLED:
            continue
        span = sequence & SEQUENCE_LOCK_MASK
        if sequence & SEQUENCE_LOCK_IS_TIME:
            # Counted from the median time past in front of the block that holds the coin.
            start = median_time_at(max(coin_height - 1, 0))
            min_time = max(min_time, start + (span << SEQUENCE_LOCK_GRANULARITY) - 1)
        else:
            min_height = max(min_height, coin_height + span - 1)
    return min_height, min_time


def check_inputs(
    transaction: Transaction, coins: Sequence[bytes], height: int, maturity: int
) -> tuple[int, list[TxOut]]:
    """Maturity and amounts against the packed coins it spends, in input order: (fee, spent outputs). Raises
    TxRejected. Works on packed coins since it runs for every input of every block."""
    total_in = 0
    spent: list[TxOut] = []
    for position, packed in enumerate(coins):
        code, value = COIN_HEAD.unpack_from(packed)
        if code & 1 and height - (code >> 1) < maturity:
            name = outpoint_text(transaction.inputs[position].outpoint)
            raise TxRejected(TxReason.PREMATURE_COINBASE, f"{name} at depth {height - (code >> 1)}")
        total_in += value
        if not (0 <= value <= MONEY_MAX_SAT and total_in <= MONEY_MAX_SAT):
            raise TxRejected(TxReason.INPUT_VALUES)
        spent.append(TxOut(value, packed[COIN_HEAD_SIZE:]))
    total_out = 0
    for value, _ in transaction.outputs:
        total_out += value
    if total_in < total_out:
        raise TxRejected(TxReason.IN_BELOW_OUT, f"value in {total_in} < value out {total_out}")
    return total_in - total_out, spent
