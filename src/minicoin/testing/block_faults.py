"""Faults of a block as a whole, of its header and of its witnesses."""

from minicoin.core.chain.block_rules import commitment_index
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.target import bits_to_target, meets_target
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut, Witness
from minicoin.testing.chain_maker import Branch, ChainMaker, commit_witnesses, rehash, solve
from minicoin.testing.fault_parts import (
    FEE_SAT,
    Fault,
    any_coin,
    block_of,
    note_in,
    spend_one,
    spend_output,
    with_header,
)
from minicoin.testing.spends import SpendKind

BLOCK_FAULTS: dict[str, Fault] = {}
fault = note_in(BLOCK_FAULTS)


# --- the block as a whole ---


@fault
def _merkle_root(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return solve(with_header(block_of(maker, branch), merkle_root=b"\x07" * 32)).raw, "bad-txnmrklroot"


@fault
def _merkle_node(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    block = block_of(maker, branch, spend_one(any_coin(maker, branch)))
    other = spend_one(any_coin(maker, branch), lock_time=1)
    return Block(block.header, (block.transactions[0], other)).raw, "bad-txnmrklroot"


@fault
def _mutated(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    first = spend_one(any_coin(maker, branch))
    second = spend_output(first)
    block = block_of(maker, branch, first, second)
    return Block(block.header, (*block.transactions, block.transactions[-1])).raw, "bad-txns-duplicate"


@fault
def _too_long(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    coinbase = maker.coinbase(branch.height + 1, outputs=[TxOut(0, b"\x6a" + bytes(1_000_000))])
    # One transaction that is too long by itself makes the block too long first.
    return maker.assemble(branch, coinbase, ()).raw, "bad-blk-length"


@fault
def _too_heavy(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spend = spend_one(any_coin(maker, branch, (SpendKind.P2WPKH,)))
    stuffed = Transaction(
        spend.version, spend.inputs, (*spend.outputs, TxOut(0, b"\x6a" + bytes(999_000))), 0, ((bytes(9_000),),)
    )
    return block_of(maker, branch, stuffed).raw, "bad-blk-weight"


@fault
def _legacy_sigops(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    outputs = [TxOut(0, b"\x6a" + b"\xae" * 1001)]
    return maker.assemble(branch, maker.coinbase(branch.height + 1, outputs=outputs), ()).raw, "bad-blk-sigops"


@fault
def _no_coinbase(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    block = block_of(maker, branch)
    return rehash(block, (spend_one(any_coin(maker, branch, (SpendKind.P2PKH,))),)).raw, "bad-cb-missing"


@fault
def _two_coinbases(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return block_of(maker, branch, maker.coinbase(branch.height + 1)).raw, "bad-cb-multiple"


@fault
def _coinbase_height(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return maker.assemble(branch, maker.coinbase(branch.height + 2), ()).raw, "bad-cb-height"


@fault
def _coinbase_amount(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spend = spend_one(any_coin(maker, branch))
    return maker.next_block(branch, [spend], fees_sat=FEE_SAT + 1).raw, "bad-cb-amount"


@fault
def _coinbase_length(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    good = maker.coinbase(branch.height + 1)
    script = good.inputs[0].script_sig
    script = (script + bytes(101 - len(script)), script[:1])[maker.choose(2)]
    coinbase = Transaction(good.version, (TxIn(NULL_OUTPOINT, script),), good.outputs)
    return maker.assemble(branch, coinbase, ()).raw, "bad-cb-length"


@fault
def _truncated(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return block_of(maker, branch).raw[:-1], "malformed"


# --- the header ---


@fault
def _high_hash(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    block = block_of(maker, branch)
    target = bits_to_target(block.header.bits)
    nonce = block.header.nonce
    while target is None or meets_target(block.header.hash, target):
        nonce += 1
        block = with_header(block, nonce=nonce)
    return block.raw, "high-hash"


@fault
def _bits(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return solve(with_header(block_of(maker, branch), bits=0x207FFFFE)).raw, "bad-diffbits"


@fault
def _time_too_old(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    times = sorted(block.header.time for block in branch.blocks[-11:])
    return block_of(maker, branch, time=times[len(times) // 2]).raw, "time-too-old"


@fault
def _version(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    return block_of(maker, branch, version=1 + maker.choose(3)).raw, "bad-version"


@fault
def _parent(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    block = block_of(maker, branch)
    return solve(with_header(block, previous=b"\x05" * 32)).raw, "prev-blk-not-found"


# --- witnesses ---


@fault
def _witness_commitment(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spend = spend_one(any_coin(maker, branch, (SpendKind.P2WPKH, SpendKind.P2TR, SpendKind.P2WSH_MULTISIG)))
    coinbase = commit_witnesses(maker.coinbase(branch.height + 1), ())
    return rehash(block_of(maker, branch, spend), (coinbase, spend)).raw, "bad-witness-merkle-match"


@fault
def _witness_nonce(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spend = spend_one(any_coin(maker, branch, (SpendKind.P2WPKH,)))
    block = block_of(maker, branch, spend)
    witness: Witness = ((bytes(31),), (bytes(32), b""), ())[maker.choose(3)]
    good = block.transactions[0]
    coinbase = Transaction(good.version, good.inputs, good.outputs, good.lock_time, (witness,))
    return Block(block.header, (coinbase, spend)).raw, "bad-witness-nonce-size"


@fault
def _witness_unexpected(maker: ChainMaker, branch: Branch) -> tuple[bytes, str]:
    spend = spend_one(any_coin(maker, branch, (SpendKind.P2WPKH, SpendKind.P2TR)))
    block = block_of(maker, branch, spend)
    plain = maker.coinbase(branch.height + 1)
    assert commitment_index(plain) is None
    return rehash(block, (plain, spend)).raw, "unexpected-witness"
