"""What faulty blocks are made of: coins to spend, signed spends, assembled blocks, and the book of faults by name."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from minicoin.core.primitives.block import Block
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.testing.chain_maker import Branch, ChainMaker
from minicoin.testing.spends import Spendable, SpendKind, output_script, sign_inputs

Fault = Callable[[ChainMaker, Branch], tuple[bytes, str]]
"""Gives a block's bytes and Bitcoin Core's reason to refuse it; the branch is left alone."""

FEE_SAT = 1000
P2PKH = output_script(SpendKind.P2PKH, 1)


def note_in(book: dict[str, Fault]) -> Callable[[Fault], Fault]:
    """A decorator that enters a fault under its function's name."""

    def note(function: Fault) -> Fault:
        book[function.__name__.strip("_")] = function
        return function

    return note


def any_coin(maker: ChainMaker, branch: Branch, kinds: Sequence[SpendKind] = tuple(SpendKind)) -> Spendable:
    """A coin of the branch of one of these kinds, worth spending."""
    coins = [coin for coin in branch.spendable if coin.kind in kinds and coin.output.value > 100 * FEE_SAT]
    return coins[maker.choose(len(coins))]


def spend_one(
    coin: Spendable,
    *,
    inputs: tuple[TxIn, ...] | None = None,
    outputs: tuple[TxOut, ...] | None = None,
    lock_time: int = 0,
) -> Transaction:
    """A signed spend of one coin, by default into one output."""
    entries = (TxIn(coin.outpoint),) if inputs is None else inputs
    made = (TxOut(coin.output.value - FEE_SAT, P2PKH),) if outputs is None else outputs
    return sign_inputs(Transaction(2, entries, made, lock_time), [coin])


def spend_output(parent: Transaction) -> Transaction:
    """A signed spend of the P2PKH output that `spend_one` makes."""
    output = parent.outputs[0]
    coin = Spendable(make_outpoint(parent.txid, 0), output, SpendKind.P2PKH, 1)
    return spend_one(coin)


def block_of(maker: ChainMaker, branch: Branch, *transactions: Transaction, **changes: int) -> Block:
    """A solved block of these transactions."""
    return maker.assemble(branch, maker.coinbase(branch.height + 1), transactions, **changes)


def with_header(block: Block, **changes: object) -> Block:
    """The block with header fields replaced and nothing made right again."""
    return Block(replace(block.header, **changes), block.transactions)  # type: ignore[arg-type]


def flip(item: bytes, at: int) -> bytes:
    """One bit of one byte changed."""
    return item[:at] + bytes((item[at] ^ 1,)) + item[at + 1 :]
