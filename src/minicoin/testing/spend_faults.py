"""Faults of transactions: by themselves, against the coins they spend, in their scripts."""

from hashlib import sha256

from minicoin.core.crypto.hashing import hash160
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Outpoint, Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.script.pushes import encode_number, push
from minicoin.core.units import COIN_SAT, MONEY_MAX_SAT
from minicoin.testing.chain_maker import Branch, ChainMaker
from minicoin.testing.fault_parts import (
    FEE_SAT,
    P2PKH,
    Fault,
    any_coin,
    block_of,
    flip,
    note_in,
    spend_one,
    spend_output,
)
from minicoin.testing.spends import Spendable, SpendKind, sign_inputs

SPEND_FAULTS: dict[str, Fault] = {}
fault = note_in(SPEND_FAULTS)
ANYONE = b"\x51"


# --- transactions by themselves ---


@fault
def _no_inputs(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    # An empty input list reads as the mark of a witness, so the block does not parse.
    bad = Transaction(2, (), (TxOut(0, ANYONE),))
    return block_of(maker, branch, bad).raw, "malformed"


@fault
def _no_outputs(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return block_of(maker, branch, spend_one(any_coin(maker, branch), outputs=())).raw, "bad-txns-vout-empty"


@fault
def _negative_output(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    bad = spend_one(any_coin(maker, branch, (SpendKind.P2PKH,)), outputs=(TxOut(-1, P2PKH),))
    return block_of(maker, branch, bad).raw, "bad-txns-vout-negative"


@fault
def _large_output(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    bad = spend_one(any_coin(maker, branch), outputs=(TxOut(MONEY_MAX_SAT + 1, P2PKH),))
    return block_of(maker, branch, bad).raw, "bad-txns-vout-toolarge"


@fault
def _large_total(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    bad = spend_one(any_coin(maker, branch), outputs=(TxOut(MONEY_MAX_SAT, P2PKH), TxOut(1, P2PKH)))
    return block_of(maker, branch, bad).raw, "bad-txns-txouttotal-toolarge"


@fault
def _duplicate_inputs(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = any_coin(maker, branch)
    entry = TxIn(coin.outpoint)
    bad = sign_inputs(Transaction(2, (entry, entry), (TxOut(coin.output.value, P2PKH),)), [coin, coin])
    return block_of(maker, branch, bad).raw, "bad-txns-inputs-duplicate"


@fault
def _null_prevout(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = any_coin(maker, branch)
    good = spend_one(coin)
    bad = Transaction(2, (good.inputs[0], TxIn(NULL_OUTPOINT)), good.outputs)
    return block_of(maker, branch, bad).raw, "bad-txns-prevout-null"


# --- transactions in their place ---


@fault
def _missing_input(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = any_coin(maker, branch)
    unknown = Spendable(Outpoint(b"\x09" * 36), coin.output, coin.kind, coin.key)
    return block_of(maker, branch, spend_one(unknown)).raw, "bad-txns-inputs-missingorspent"


@fault
def _spent_twice(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = any_coin(maker, branch)
    return (
        block_of(maker, branch, spend_one(coin), spend_one(coin, lock_time=1)).raw,
        "bad-txns-inputs-missingorspent",
    )


@fault
def _spent_before_made(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    first = spend_one(any_coin(maker, branch))
    return block_of(maker, branch, spend_output(first), first).raw, "bad-txns-inputs-missingorspent"


@fault
def _immature(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    _, coin = branch.immature[maker.choose(len(branch.immature))]
    return block_of(maker, branch, spend_one(coin)).raw, "bad-txns-premature-spend-of-coinbase"


@fault
def _value_made(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = any_coin(maker, branch)
    bad = spend_one(coin, outputs=(TxOut(coin.output.value + 1, P2PKH),))
    return block_of(maker, branch, bad).raw, "bad-txns-in-belowout"


@fault
def _lock_time(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = any_coin(maker, branch)
    lock = (branch.height + 1, branch.tip.time + 1)[maker.choose(2)]
    bad = spend_one(coin, inputs=(TxIn(coin.outpoint, b"", 0),), lock_time=lock)
    return block_of(maker, branch, bad).raw, "bad-txns-nonfinal"


@fault
def _relative_lock(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = any_coin(maker, branch)
    sequence = (0xFFFF, 1 << 22 | 0xFFFF)[maker.choose(2)]
    bad = spend_one(coin, inputs=(TxIn(coin.outpoint, b"", sequence),))
    return block_of(maker, branch, bad).raw, "bad-txns-nonfinal"


@fault
def _signature(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spend = spend_one(any_coin(maker, branch))
    entry = spend.inputs[0]
    script = entry.script_sig
    witnesses = spend.witnesses
    if witnesses:
        position = 1 if not witnesses[0][0] else 0
        stack = list(witnesses[0])
        stack[position] = flip(stack[position], 9 + maker.choose(40))
        witnesses = (tuple(stack),)
    else:
        script = flip(script, 12 + maker.choose(40))
    bad = Transaction(2, (TxIn(entry.outpoint, script, entry.sequence),), spend.outputs, 0, witnesses)
    return block_of(maker, branch, bad).raw, "block-script-verify-flag-failed"


@fault
def _amount(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    """Signed for another amount, which segwit and taproot signatures commit to."""
    coin = any_coin(maker, branch, (SpendKind.P2WPKH, SpendKind.P2TR, SpendKind.P2WSH_MULTISIG))
    output = TxOut(coin.output.value + COIN_SAT, coin.output.script_pubkey)
    believed = Spendable(coin.outpoint, output, coin.kind, coin.key)
    bad = spend_one(believed, outputs=(TxOut(coin.output.value - FEE_SAT, P2PKH),))
    return block_of(maker, branch, bad).raw, "block-script-verify-flag-failed"


@fault
def _wrong_key(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = any_coin(maker, branch)
    other = Spendable(coin.outpoint, coin.output, coin.kind, coin.key + 1000)
    return block_of(maker, branch, spend_one(other)).raw, "block-script-verify-flag-failed"


# --- scripts and their cost ---


def _spend_script(
    maker: ChainMaker, branch: Branch, script: bytes, copies: int = 1, *, witness: bool = False, sequence: int = 0
) -> tuple[Transaction, Transaction]:
    """A transaction that locks coins to a script (P2SH or P2WSH), and one that spends them with the script alone."""
    coin = any_coin(maker, branch, (SpendKind.P2PKH,))
    locked = b"\x00\x20" + sha256(script).digest() if witness else b"\xa9\x14" + hash160(script) + b"\x87"
    first = spend_one(coin, outputs=(TxOut(FEE_SAT, locked),) * copies)
    script_sig = b"" if witness else push(script)
    inputs = tuple(TxIn(make_outpoint(first.txid, index), script_sig, sequence) for index in range(copies))
    stacks = ((script,),) * copies if witness else ()
    return first, Transaction(2, inputs, (TxOut(FEE_SAT, P2PKH),), 0, stacks)


@fault
def _p2sh_sigops(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return block_of(maker, branch, *_spend_script(maker, branch, b"\xac" * 500, 41)).raw, "bad-blk-sigops"


@fault
def _witness_sigops(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spends = _spend_script(maker, branch, b"\xac" * 9000, 9, witness=True)
    return block_of(maker, branch, *spends).raw, "bad-blk-sigops"


@fault
def _check_lock_time(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    script = push(encode_number(1 + maker.choose(600))) + b"\xb1\x75\x51"
    return block_of(maker, branch, *_spend_script(maker, branch, script)).raw, "block-script-verify-flag-failed"


@fault
def _check_sequence(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    script = push(encode_number(1 + maker.choose(600))) + b"\xb2\x75\x51"
    return block_of(maker, branch, *_spend_script(maker, branch, script)).raw, "block-script-verify-flag-failed"


@fault
def _null_dummy(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    """BIP147: a multisig's dummy that is not empty."""
    spend = spend_one(any_coin(maker, branch, (SpendKind.P2SH_MULTISIG,)))
    entry = spend.inputs[0]
    bad = Transaction(2, (TxIn(entry.outpoint, b"\x51" + entry.script_sig[1:], entry.sequence),), spend.outputs)
    return block_of(maker, branch, bad).raw, "block-script-verify-flag-failed"


@fault
def _loose_der(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    """BIP66: a number in the signature with a needless zero in front."""
    spend = spend_one(any_coin(maker, branch, (SpendKind.P2PKH,)))
    entry = spend.inputs[0]
    signature = entry.script_sig[1 : 1 + entry.script_sig[0]]
    first = signature[3]
    padded = bytes((0x30, signature[1] + 1, 2, first + 1, 0)) + signature[4:]
    script = push(padded) + entry.script_sig[1 + len(signature) :]
    bad = Transaction(2, (TxIn(entry.outpoint, script, entry.sequence),), spend.outputs)
    return block_of(maker, branch, bad).raw, "block-script-verify-flag-failed"
