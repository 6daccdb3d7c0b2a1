"""Connects a block to the coins and disconnects it again: inputs, fees, relative locks, signature-operation cost, and
the changes to the coin set. Follows Bitcoin Core's ConnectBlock; running the scripts is left to the engine.

A block that is refused leaves the coins as they were.
"""

from collections.abc import Callable, Sequence
from struct import Struct
from typing import NamedTuple

from minicoin.core.chain.block_rules import reject_transaction
from minicoin.core.chain.coins import CoinsCache
from minicoin.core.chain.deployments import RuleSet
from minicoin.core.chain.tx_rules import check_inputs, has_relative_locks, sequence_locks
from minicoin.core.chain.undo import COIN_HEAD
from minicoin.core.limits import BLOCK_SIGOP_COST_MAX
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.script_flags import ScriptFlag
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxOut, make_outpoint, outpoint_text
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected, TxReason, TxRejected
from minicoin.core.script.sigops import WITNESS_SCALE, spending_sigop_cost
from minicoin.core.script.standard import is_unspendable
from minicoin.core.units import MONEY_MAX_SAT

_P2SH = ScriptFlag.P2SH.value
_WITNESS = ScriptFlag.WITNESS.value
_INDEX = Struct("<I")


class ConnectedBlock(NamedTuple):
    """What connecting found out."""

    undo: list[bytes]
    """The packed coins that its inputs spent, in order."""
    spent: list[list[TxOut]]
    """Their outputs, one list per transaction behind the coinbase."""
    fees_sat: int


def connect_block(
    block: Block, legacy_sigops: int, rules: RuleSet, coins: CoinsCache, median_time_at: Callable[[int], int]
) -> ConnectedBlock:
    """Spend and create the block's coins. Raises BlockRejected, with the coins left as they were. Scripts are not run.

    `median_time_at(height)` is the median time past of the block's ancestor of that height."""
    if rules.bip30:
        _check_unique(block, coins)
    coinbase = block.transactions[0]
    undo: list[bytes] = []
    spent: list[list[TxOut]] = []
    fees = 0
    cost = WITNESS_SCALE * legacy_sigops
    with_p2sh, with_witness = bool(rules.script_flags & _P2SH), bool(rules.script_flags & _WITNESS)
    _create_coins(coinbase, rules.height, coins)
    transaction = coinbase
    done = 1
    try:
        for transaction in block.transactions[1:]:
            packed = _spend_coins(transaction, coins, undo)
            fee, outputs = check_inputs(transaction, packed, rules.height, rules.coinbase_maturity)
            fees += fee
            if fees > MONEY_MAX_SAT:
                raise BlockRejected(BlockReason.FEES_OUT_OF_RANGE, f"{fees} sat")
            if rules.csv and has_relative_locks(transaction):
                check_relative_locks(transaction, packed, rules, median_time_at)
            if with_p2sh:
                cost += spending_sigop_cost(transaction, outputs, with_witness=with_witness)
            if cost > BLOCK_SIGOP_COST_MAX:
                raise BlockRejected(BlockReason.BAD_SIGOPS, f"cost {cost} of {BLOCK_SIGOP_COST_MAX}")
            _create_coins(transaction, rules.height, coins)
            spent.append(outputs)
            done += 1
        allowed = fees + rules.subsidy_sat
        claimed = sum(value for value, _ in coinbase.outputs)
        if claimed > allowed:
            raise BlockRejected(BlockReason.COINBASE_AMOUNT, f"claims {claimed} sat of {allowed}")
    except TxRejected as refusal:
        _roll_back(block, done, undo, coins)
        raise reject_transaction(transaction, refusal) from refusal
    except BaseException:
        # A store that fails half-way must not leave half a block in the coins either: a later flush would keep it.
        _roll_back(block, done, undo, coins)
        raise
    return ConnectedBlock(undo, spent, fees)


def disconnect_block(block: Block, undo: Sequence[bytes], coins: CoinsCache) -> None:
    """Take the block's changes back; `undo` is what connecting gave."""
    _roll_back(block, len(block.transactions), undo, coins)


def check_relative_locks(
    transaction: Transaction, packed: Sequence[bytes], rules: RuleSet, median_time_at: Callable[[int], int]
) -> None:
    """BIP68 for a block under `rules`. Raises TxRejected."""
    heights = [COIN_HEAD.unpack_from(coin)[0] >> 1 for coin in packed]
    height, time = sequence_locks(transaction, heights, median_time_at)
    if height >= rules.height or time >= rules.median_time_past:
        raise TxRejected(TxReason.NON_BIP68_FINAL, f"locked up to height {height}, time {time}")


def _spend_coins(transaction: Transaction, coins: CoinsCache, undo: list[bytes]) -> list[bytes]:
    start = len(undo)
    for outpoint, _, _ in transaction.inputs:
        packed = coins.spend(outpoint)
        if packed is None:
            raise TxRejected(TxReason.MISSING_OR_SPENT, outpoint_text(outpoint))
        undo.append(packed)
    return undo[start:]


def _create_coins(transaction: Transaction, height: int, coins: CoinsCache) -> None:
    code = height << 1
    put = coins.add
    if transaction.is_coinbase:
        code |= 1
        # Before BIP34 a coinbase could repeat an earlier one and takes its place then.
        put = coins.replace
    txid = transaction.txid
    for index, (value, script) in enumerate(transaction.outputs):
        if not is_unspendable(script):
            put(Outpoint(txid + _INDEX.pack(index)), COIN_HEAD.pack(code, value) + script)


def _roll_back(block: Block, done: int, undo: Sequence[bytes], coins: CoinsCache) -> None:
    """Take back the first `done` transactions, and the inputs that were already spent of the next one."""
    left = list(undo)
    spent_whole = sum(len(tx.inputs) for tx in block.transactions[1:done])
    for entry in block.transactions[done].inputs[: len(left) - spent_whole] if done < len(block.transactions) else ():
        coins.add(entry.outpoint, left[spent_whole])
        del left[spent_whole]
    for transaction in reversed(block.transactions[:done]):
        for index, (_, script) in enumerate(transaction.outputs):
            if not is_unspendable(script):
                coins.spend(make_outpoint(transaction.txid, index))
        if not transaction.is_coinbase:
            for entry in reversed(transaction.inputs):
                coins.add(entry.outpoint, left.pop())


def _check_unique(block: Block, coins: CoinsCache) -> None:
    for transaction in block.transactions:
        for index in range(len(transaction.outputs)):
            if coins.get(make_outpoint(transaction.txid, index)) is not None:
                raise BlockRejected(BlockReason.BIP30, f"{transaction!r} repeats one with unspent outputs")
