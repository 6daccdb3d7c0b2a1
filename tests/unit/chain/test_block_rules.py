"""Block rules that depend on which deployments are active."""

import dataclasses

import pytest

from minicoin.core.chain.block_rules import (
    COMMITMENT_PREFIX,
    check_block,
    check_block_in_chain,
    commitment_index,
    reject_transaction,
)
from minicoin.core.chain.deployments import RuleSet
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Outpoint, Transaction, TxIn, TxOut
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected, TxReason, TxRejected

NETWORK = lookup("bitcoin-regtest")
HEADER = NETWORK.genesis.header
RULES = RuleSet(5, 0, False, False, False, False, False, HEADER.time - 100, 0, 100)
OUT = (TxOut(1, b"\x51"),)


def coinbase(script=b"\x55\x00", outputs=OUT, witness=()):
    return Transaction(2, (TxIn(NULL_OUTPOINT, script),), outputs, 0, (witness,) if witness else ())


def reason(block, rules) -> BlockReason | None:
    try:
        check_block_in_chain(block, rules)
    except BlockRejected as refusal:
        return refusal.reason
    return None


@pytest.mark.parametrize(
    ("height", "script"),
    [(1, b"\x51"), (16, b"\x60"), (17, b"\x01\x11"), (128, b"\x02\x80\x00"), (500_000, b"\x03\x20\xa1\x07")],
)
def test_bip34_height_in_its_shortest_form(height, script):
    rules = dataclasses.replace(RULES, bip34=True, height=height)
    assert reason(Block(HEADER, (coinbase(script + b"\x00"),)), rules) is None
    assert (
        reason(Block(HEADER, (coinbase(b"\x04" + height.to_bytes(4, "little")),)), rules) is BlockReason.COINBASE_HEIGHT
    )
    assert reason(Block(HEADER, (coinbase(b"\x04junk"),)), dataclasses.replace(rules, bip34=False)) is None


@pytest.mark.parametrize(
    ("lock_time", "csv", "expected"),
    [
        (4, True, None),
        (5, True, BlockReason.NON_FINAL),
        (HEADER.time - 101, True, None),
        (HEADER.time - 1, True, BlockReason.NON_FINAL),
        (HEADER.time - 1, False, None),
        (HEADER.time, False, BlockReason.NON_FINAL),
    ],
)
def test_lock_times_against_the_median_time_with_csv(lock_time, csv, expected):
    locked = Transaction(2, (TxIn(Outpoint(bytes(36)), b"", 0),), OUT, lock_time)
    assert reason(Block(HEADER, (coinbase(), locked)), dataclasses.replace(RULES, csv=csv)) is expected


def test_witnesses_need_segwit():
    witnessed = Transaction(2, (TxIn(Outpoint(bytes(36))),), OUT, 0, ((b"x",),))
    commitment = TxOut(0, COMMITMENT_PREFIX + bytes(32))
    block = Block(HEADER, (coinbase(outputs=(*OUT, commitment), witness=(bytes(32),)), witnessed))
    assert reason(block, RULES) is BlockReason.WITNESS_UNEXPECTED
    assert reason(block, dataclasses.replace(RULES, segwit=True)) is BlockReason.WITNESS_MERKLE
    # Without witnesses a commitment before segwit is just an output.
    assert reason(Block(HEADER, (coinbase(outputs=(*OUT, commitment)),)), RULES) is None


def test_the_last_commitment_counts():
    first, last = TxOut(0, COMMITMENT_PREFIX + bytes(32)), TxOut(0, COMMITMENT_PREFIX + bytes(40))
    short = TxOut(0, COMMITMENT_PREFIX + bytes(31))
    assert commitment_index(coinbase(outputs=(first, *OUT, last, short))) == 2
    assert commitment_index(coinbase(outputs=(short,))) is None


def test_real_genesis_passes():
    assert check_block(NETWORK.genesis) == 1
    assert reason(NETWORK.genesis, RULES) is None


def test_a_block_without_transactions_is_refused():
    empty = Block(dataclasses.replace(HEADER, merkle_root=bytes(32)), ())
    with pytest.raises(BlockRejected) as refusal:
        check_block(empty)
    assert refusal.value.reason is BlockReason.BAD_LENGTH


def test_reasons_of_transactions_in_blocks():
    transaction = coinbase()
    assert reject_transaction(transaction, TxRejected(TxReason.COINBASE_LENGTH)).reason is BlockReason.COINBASE_LENGTH
    refusal = reject_transaction(transaction, TxRejected(TxReason.IN_BELOW_OUT, "1 < 2"))
    assert (refusal.reason, refusal.transaction) == (BlockReason.TRANSACTION, TxReason.IN_BELOW_OUT)
    assert str(refusal).startswith("bad-txns-in-belowout, ")
