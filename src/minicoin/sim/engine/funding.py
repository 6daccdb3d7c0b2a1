"""The chain every node starts with where there are payments: coins that anybody may spend, mature and split.

They pay to the witness script OP_TRUE (P2WSH), so that payments are valid by every rule and need no signature.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.faults import MisuseError
from minicoin.core.mining.search import search
from minicoin.core.mining.template import Candidate, build_template, make_job
from minicoin.core.primitives.block import Block, BlockHash, RawBlock
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.script.standard import witness_script
from minicoin.core.units import Micros
from minicoin.world.ledger import BlockBook, SharedLedger

WITNESS_SCRIPT: Final = b"\x51"
PAY_SCRIPT: Final = witness_script(0, sha256(WITNESS_SCRIPT).digest())
WITNESS: Final = (WITNESS_SCRIPT,)
_SPLIT_MAX: Final = 1_500
_TRIES: Final = 1 << 20
_FEE_SAT: Final = 200_000


@dataclass(frozen=True, slots=True)
class FundedCoin:
    """A coin of the load generator."""

    outpoint: Outpoint
    value_sat: int


@dataclass(frozen=True, slots=True)
class Funding:
    """The blocks from height 1 on, and the coins they leave."""

    chain: tuple[BlockHash, ...]
    coins: tuple[FundedCoin, ...]


def spend(coins: tuple[FundedCoin, ...], values: tuple[int, ...], filling: bytes = b"") -> Transaction:
    """A payment of these coins to anybody, with an output that carries `filling` where there is some."""
    outputs = [TxOut(value, PAY_SCRIPT) for value in values]
    if filling:
        outputs.append(TxOut(0, filling))
    return pay_out(coins, tuple(outputs))


def pay_out(coins: tuple[FundedCoin, ...], outputs: tuple[TxOut, ...]) -> Transaction:
    """A payment of these coins to whomever the outputs name."""
    inputs = tuple(TxIn(coin.outpoint, b"") for coin in coins)
    return Transaction(2, inputs, outputs, 0, (WITNESS,) * len(coins))


def fund(book: BlockBook, coins: int, now: Micros) -> Funding:
    """Mine until `coins` coins are there to spend. Raises MisuseError where a block cannot hold the split."""
    tree = HeaderTree(book.network)
    ledger = SharedLedger(book)
    chain: list[BlockHash] = []
    first: Transaction | None = None
    for _ in range(book.network.coinbase_maturity):
        block = _mine(tree, ledger, (), now)
        chain.append(block.hash)
        first = first or block.transactions[0]
    assert first is not None
    source = FundedCoin(make_outpoint(first.txid, 0), first.outputs[0].value)
    split = _split(source, coins)
    block = _mine(tree, ledger, tuple(Candidate(transaction, _FEE_SAT, 0) for transaction in split), now)
    chain.append(block.hash)
    leaves = split[1:] or split
    funded = [
        FundedCoin(make_outpoint(leaf.txid, index), output.value)
        for leaf in leaves
        for index, output in enumerate(leaf.outputs)
    ]
    return Funding(tuple(chain), tuple(funded[:coins]))


def _split(source: FundedCoin, coins: int) -> tuple[Transaction, ...]:
    """One transaction, or one whose outputs are split by others."""
    if coins <= _SPLIT_MAX:
        return (spend((source,), _shares(source.value_sat - _FEE_SAT, coins)),)
    groups = -(-coins // _SPLIT_MAX)
    root = spend((source,), _shares(source.value_sat - _FEE_SAT, groups))
    leaves = [
        spend(
            (FundedCoin(make_outpoint(root.txid, index), output.value),),
            _shares(output.value - _FEE_SAT, _SPLIT_MAX),
        )
        for index, output in enumerate(root.outputs)
    ]
    return (root, *leaves)


def _shares(value_sat: int, count: int) -> tuple[int, ...]:
    each = value_sat // count
    if each < 10_000:
        raise MisuseError(f"{value_sat} satoshi are too few to be split into {count} coins: raise subsidy_sat")
    return (each,) * count


def _mine(tree: HeaderTree, ledger: SharedLedger, candidates: tuple[Candidate, ...], now: Micros) -> Block:
    job = make_job(build_template(tree, tree.tip, candidates, PAY_SCRIPT, now), 1)
    found = search(job, 0, _TRIES)
    if found is None:
        raise MisuseError("the simulated world mines networks of trivial work only")
    return _append(tree, ledger, found, now)


def _append(tree: HeaderTree, ledger: SharedLedger, found: RawBlock, now: Micros) -> Block:
    node = tree.add(found.header, now)
    parent = tree.tip.hash
    ledger.store_block(found, node.height)
    _, invalid = ledger.activate(parent, (found.hash,))
    if invalid is not None:
        raise MisuseError(f"the funding chain is invalid: {invalid}")
    tree.mark_stored(found.hash)
    tree.set_tip(found.hash)
    return Block.parse(found.raw)
