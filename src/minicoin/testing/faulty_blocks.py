"""Blocks that break exactly one rule each, on top of any branch with spendable coins, with the reason that Bitcoin
Core gives for refusing them. Merkle root, commitment and work are right unless they are the fault.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from minicoin.core.chain.block_rules import commitment_index
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.target import bits_to_target, meets_target
from minicoin.core.primitives.transaction import (
    NULL_OUTPOINT,
    Outpoint,
    Transaction,
    TxIn,
    TxOut,
    Witness,
    make_outpoint,
)
from minicoin.core.units import COIN_SAT, MONEY_MAX_SAT
from minicoin.testing.chain_maker import Branch, ChainMaker, commit_witnesses, rehash, solve
from minicoin.testing.spends import Spendable, SpendKind, output_script, sign_inputs

Fault = Callable[[ChainMaker, Branch], tuple[bytes, str]]
"""Gives the block's bytes and the reason; the branch is left alone."""

FAULTS: Final[dict[str, Fault]] = {}
"""Every fault by name."""

_FEE_SAT = 1000
_ANYONE = b"\x51"
_P2PKH = output_script(SpendKind.P2PKH, 1)


def _fault(function: Fault) -> Fault:
    FAULTS[function.__name__.strip("_")] = function
    return function


def _coin(maker: ChainMaker, branch: Branch, kinds: Sequence[SpendKind] = tuple(SpendKind)) -> Spendable:
    coins = [coin for coin in branch.spendable if coin.kind in kinds and coin.output.value > 10 * _FEE_SAT]
    return coins[maker.choose(len(coins))]


def _one_spend(
    coin: Spendable,
    *,
    inputs: tuple[TxIn, ...] | None = None,
    outputs: tuple[TxOut, ...] | None = None,
    lock_time: int = 0,
) -> Transaction:
    """A signed spend of one coin, by default into one output."""
    entries = (TxIn(coin.outpoint),) if inputs is None else inputs
    made = (TxOut(coin.output.value - _FEE_SAT, _P2PKH),) if outputs is None else outputs
    return sign_inputs(Transaction(2, entries, made, lock_time), [coin])


def _block(maker: ChainMaker, branch: Branch, *transactions: Transaction, **changes: int) -> Block:
    return maker.assemble(branch, maker.coinbase(branch.height + 1), transactions, **changes)


def _with_header(block: Block, **changes: object) -> Block:
    """The block with header fields replaced and nothing made right again."""
    return Block(replace(block.header, **changes), block.transactions)  # type: ignore[arg-type]


# --- the block as a whole ---


@_fault
def _merkle_root(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return solve(_with_header(_block(maker, branch), merkle_root=b"\x07" * 32)).raw, "bad-txnmrklroot"


@_fault
def _merkle_node(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    block = _block(maker, branch, _one_spend(_coin(maker, branch)))
    other = _one_spend(_coin(maker, branch), lock_time=1)
    return Block(block.header, (block.transactions[0], other)).raw, "bad-txnmrklroot"


@_fault
def _mutated(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    first = _one_spend(_coin(maker, branch))
    second = _spend_output(first)
    block = _block(maker, branch, first, second)
    return Block(block.header, (*block.transactions, block.transactions[-1])).raw, "bad-txns-duplicate"


def _spend_output(parent: Transaction) -> Transaction:
    output = parent.outputs[0]
    coin = Spendable(make_outpoint(parent.txid, 0), output, SpendKind.P2PKH, 1)
    return _one_spend(coin)


@_fault
def _too_long(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coinbase = maker.coinbase(branch.height + 1, outputs=[TxOut(0, b"\x6a" + bytes(1_000_000))])
    # One transaction that is too long by itself makes the block too long first.
    return maker.assemble(branch, coinbase, ()).raw, "bad-blk-length"


@_fault
def _too_heavy(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spend = _one_spend(_coin(maker, branch, (SpendKind.P2WPKH,)))
    stuffed = Transaction(
        spend.version, spend.inputs, (*spend.outputs, TxOut(0, b"\x6a" + bytes(999_000))), 0, ((bytes(9_000),),)
    )
    return _block(maker, branch, stuffed).raw, "bad-blk-weight"


@_fault
def _legacy_sigops(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    outputs = [TxOut(0, b"\x6a" + b"\xae" * 1001)]
    return maker.assemble(branch, maker.coinbase(branch.height + 1, outputs=outputs), ()).raw, "bad-blk-sigops"


@_fault
def _no_coinbase(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    block = _block(maker, branch)
    return rehash(block, (_one_spend(_coin(maker, branch, (SpendKind.P2PKH,))),)).raw, "bad-cb-missing"


@_fault
def _two_coinbases(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return _block(maker, branch, maker.coinbase(branch.height + 1)).raw, "bad-cb-multiple"


@_fault
def _coinbase_height(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return maker.assemble(branch, maker.coinbase(branch.height + 2), ()).raw, "bad-cb-height"


@_fault
def _coinbase_amount(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spend = _one_spend(_coin(maker, branch))
    return maker.next_block(branch, [spend], fees_sat=_FEE_SAT + 1).raw, "bad-cb-amount"


@_fault
def _coinbase_length(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    good = maker.coinbase(branch.height + 1)
    script = good.inputs[0].script_sig
    script = (script + bytes(101 - len(script)), script[:1])[maker.choose(2)]
    coinbase = Transaction(good.version, (TxIn(NULL_OUTPOINT, script),), good.outputs)
    return maker.assemble(branch, coinbase, ()).raw, "bad-cb-length"


@_fault
def _truncated(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return _block(maker, branch).raw[:-1], "malformed"


# --- the header ---


@_fault
def _high_hash(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    block = _block(maker, branch)
    target = bits_to_target(block.header.bits)
    nonce = block.header.nonce
    while target is None or meets_target(block.header.hash, target):
        nonce += 1
        block = _with_header(block, nonce=nonce)
    return block.raw, "high-hash"


@_fault
def _bits(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return solve(_with_header(_block(maker, branch), bits=0x207FFFFE)).raw, "bad-diffbits"


@_fault
def _time_too_old(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    times = sorted(block.header.time for block in branch.blocks[-11:])
    return _block(maker, branch, time=times[len(times) // 2]).raw, "time-too-old"


@_fault
def _version(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return _block(maker, branch, version=1 + maker.choose(3)).raw, "bad-version"


@_fault
def _parent(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    block = _block(maker, branch)
    return solve(_with_header(block, previous=b"\x05" * 32)).raw, "prev-blk-not-found"


# --- witnesses ---


@_fault
def _witness_commitment(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spend = _one_spend(_coin(maker, branch, (SpendKind.P2WPKH, SpendKind.P2TR, SpendKind.P2WSH_MULTISIG)))
    coinbase = commit_witnesses(maker.coinbase(branch.height + 1), ())
    return rehash(_block(maker, branch, spend), (coinbase, spend)).raw, "bad-witness-merkle-match"


@_fault
def _witness_nonce(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spend = _one_spend(_coin(maker, branch, (SpendKind.P2WPKH,)))
    block = _block(maker, branch, spend)
    witness: Witness = ((bytes(31),), (bytes(32), b""), ())[maker.choose(3)]
    good = block.transactions[0]
    coinbase = Transaction(good.version, good.inputs, good.outputs, good.lock_time, (witness,))
    return Block(block.header, (coinbase, spend)).raw, "bad-witness-nonce-size"


@_fault
def _witness_unexpected(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spend = _one_spend(_coin(maker, branch, (SpendKind.P2WPKH, SpendKind.P2TR)))
    block = _block(maker, branch, spend)
    plain = maker.coinbase(branch.height + 1)
    assert commitment_index(plain) is None
    return rehash(block, (plain, spend)).raw, "unexpected-witness"


# --- transactions by themselves ---


@_fault
def _no_inputs(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    # An empty input list reads as the mark of a witness, so the block does not parse.
    bad = Transaction(2, (), (TxOut(0, _ANYONE),))
    return _block(maker, branch, bad).raw, "malformed"


@_fault
def _no_outputs(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return _block(maker, branch, _one_spend(_coin(maker, branch), outputs=())).raw, "bad-txns-vout-empty"


@_fault
def _negative_output(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    bad = _one_spend(_coin(maker, branch, (SpendKind.P2PKH,)), outputs=(TxOut(-1, _P2PKH),))
    return _block(maker, branch, bad).raw, "bad-txns-vout-negative"


@_fault
def _large_output(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    bad = _one_spend(_coin(maker, branch), outputs=(TxOut(MONEY_MAX_SAT + 1, _P2PKH),))
    return _block(maker, branch, bad).raw, "bad-txns-vout-toolarge"


@_fault
def _large_total(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    bad = _one_spend(_coin(maker, branch), outputs=(TxOut(MONEY_MAX_SAT, _P2PKH), TxOut(1, _P2PKH)))
    return _block(maker, branch, bad).raw, "bad-txns-txouttotal-toolarge"


@_fault
def _duplicate_inputs(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = _coin(maker, branch)
    entry = TxIn(coin.outpoint)
    bad = sign_inputs(Transaction(2, (entry, entry), (TxOut(coin.output.value, _P2PKH),)), [coin, coin])
    return _block(maker, branch, bad).raw, "bad-txns-inputs-duplicate"


@_fault
def _null_prevout(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = _coin(maker, branch)
    good = _one_spend(coin)
    bad = Transaction(2, (good.inputs[0], TxIn(NULL_OUTPOINT)), good.outputs)
    return _block(maker, branch, bad).raw, "bad-txns-prevout-null"


# --- transactions in their place ---


@_fault
def _missing_input(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = _coin(maker, branch)
    unknown = Spendable(Outpoint(b"\x09" * 36), coin.output, coin.kind, coin.key)
    return _block(maker, branch, _one_spend(unknown)).raw, "bad-txns-inputs-missingorspent"


@_fault
def _spent_twice(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = _coin(maker, branch)
    return (
        _block(maker, branch, _one_spend(coin), _one_spend(coin, lock_time=1)).raw,
        "bad-txns-inputs-missingorspent",
    )


@_fault
def _spent_before_made(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    first = _one_spend(_coin(maker, branch))
    return _block(maker, branch, _spend_output(first), first).raw, "bad-txns-inputs-missingorspent"


@_fault
def _immature(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    _, coin = branch.immature[maker.choose(len(branch.immature))]
    return _block(maker, branch, _one_spend(coin)).raw, "bad-txns-premature-spend-of-coinbase"


@_fault
def _value_made(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = _coin(maker, branch)
    bad = _one_spend(coin, outputs=(TxOut(coin.output.value + 1, _P2PKH),))
    return _block(maker, branch, bad).raw, "bad-txns-in-belowout"


@_fault
def _lock_time(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = _coin(maker, branch)
    lock = (branch.height + 1, branch.tip.time + 1)[maker.choose(2)]
    bad = _one_spend(coin, inputs=(TxIn(coin.outpoint, b"", 0),), lock_time=lock)
    return _block(maker, branch, bad).raw, "bad-txns-nonfinal"


@_fault
def _relative_lock(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = _coin(maker, branch)
    sequence = (0xFFFF, 1 << 22 | 0xFFFF)[maker.choose(2)]
    bad = _one_spend(coin, inputs=(TxIn(coin.outpoint, b"", sequence),))
    return _block(maker, branch, bad).raw, "bad-txns-nonfinal"


@_fault
def _signature(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spend = _one_spend(_coin(maker, branch))
    entry = spend.inputs[0]
    script = entry.script_sig
    witnesses = spend.witnesses
    if witnesses:
        position = 1 if not witnesses[0][0] else 0
        stack = list(witnesses[0])
        stack[position] = _flip(stack[position], 9 + maker.choose(40))
        witnesses = (tuple(stack),)
    else:
        script = _flip(script, 12 + maker.choose(40))
    bad = Transaction(2, (TxIn(entry.outpoint, script, entry.sequence),), spend.outputs, 0, witnesses)
    return _block(maker, branch, bad).raw, "script-failed"


@_fault
def _amount(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    """Signed for another amount, which segwit and taproot signatures commit to."""
    coin = _coin(maker, branch, (SpendKind.P2WPKH, SpendKind.P2TR, SpendKind.P2WSH_MULTISIG))
    output = TxOut(coin.output.value + COIN_SAT, coin.output.script_pubkey)
    believed = Spendable(coin.outpoint, output, coin.kind, coin.key)
    bad = _one_spend(believed, outputs=(TxOut(coin.output.value - _FEE_SAT, _P2PKH),))
    return _block(maker, branch, bad).raw, "script-failed"


@_fault
def _wrong_key(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coin = _coin(maker, branch)
    other = Spendable(coin.outpoint, coin.output, coin.kind, coin.key + 1000)
    return _block(maker, branch, _one_spend(other)).raw, "script-failed"


def _flip(item: bytes, at: int) -> bytes:
    return item[:at] + bytes((item[at] ^ 1,)) + item[at + 1 :]
