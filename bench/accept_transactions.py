"""Transactions accepted into the mempool per second: command, verification in the worker, verdict, announcement.

A real node without peers, on a chain made for it: one block of 2,000 P2WPKH coins, each then spent by a transaction of
its own.
"""

import tempfile
import time
from pathlib import Path

import trio

from minicoin.app.build import NodeSetup, build_node
from minicoin.core.answers import Refused
from minicoin.core.commands import SubmitTransaction
from minicoin.core.effects import Reply
from minicoin.core.limits import TX_WAITERS_MAX
from minicoin.core.notices import Notice
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.units import Micros
from minicoin.drivers.reports import Report
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.testing.chain_maker import Branch, ChainMaker
from minicoin.testing.spends import Spendable, SpendKind, output_script, sign_inputs

NETWORK = lookup("bitcoin-regtest")
TRANSACTIONS = 2_000
_KEYS = 64
_FEE_SAT = 1_000
_PATIENCE_SECONDS = 120
_AT_ONCE = min(TX_WAITERS_MAX, 200)


def rows() -> list[tuple[str, str]]:
    """What was measured, as (what, result)."""
    branch, coins = _make_chain()
    transactions = [_spend(coin) for coin in coins]
    with tempfile.TemporaryDirectory() as directory:
        chain = LocalChain(NETWORK, Path(directory))
        for block in branch.blocks:
            refused = chain.accept(RawBlock.parse(block.raw))
            assert refused is None, refused
        chain.close()
        seconds, lag_ms = trio.run(_submit_all, Path(directory), transactions)
    result = f"{TRANSACTIONS / seconds:,.0f} transactions/s ({TRANSACTIONS} P2WPKH); loop lag p99 {lag_ms:.1f} ms"
    return [("accepted into mempool", result)]


def _make_chain() -> tuple[Branch, list[Spendable]]:
    """A chain whose last block makes one P2WPKH coin for every transaction to come."""
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, NETWORK.coinbase_maturity + 5)
    source = branch.spendable[0]
    share = (source.output.value - 200 * TRANSACTIONS) // TRANSACTIONS
    outputs = tuple(TxOut(share, output_script(SpendKind.P2WPKH, key % _KEYS)) for key in range(TRANSACTIONS))
    split = sign_inputs(Transaction(2, (TxIn(source.outpoint),), outputs), [source])
    fees = source.output.value - share * TRANSACTIONS
    maker.extend(branch, maker.next_block(branch, [split], fees_sat=fees))
    coins = [
        Spendable(make_outpoint(split.txid, index), output, SpendKind.P2WPKH, index % _KEYS)
        for index, output in enumerate(outputs)
    ]
    return branch, coins


def _spend(coin: Spendable) -> Transaction:
    script = output_script(SpendKind.P2WPKH, coin.key)
    half = (coin.output.value - _FEE_SAT) // 2
    unsigned = Transaction(2, (TxIn(coin.outpoint),), (TxOut(half, script), TxOut(half, script)))
    return sign_inputs(unsigned, [coin])


async def _submit_all(directory: Path, transactions: list[Transaction]) -> tuple[float, float]:
    """(seconds, p99 of the loop's lag in ms)."""
    built = await build_node(NodeSetup(NETWORK, directory, NodePolicy(listens=False)), _ignore)
    async with trio.open_nursery() as nursery:
        await nursery.start(built.run)
        # Like clients that wait for answers: a bounded number of submissions is on its way at any time.
        slots = trio.Semaphore(_AT_ONCE)
        failures: list[str] = []

        def take(reply: Reply) -> None:
            slots.release()
            if isinstance(reply.answer, Refused):
                failures.append(reply.answer.text)

        started = time.perf_counter()
        with trio.fail_after(_PATIENCE_SECONDS):
            for transaction in transactions:
                await slots.acquire()
                built.runtime.command_nowait(SubmitTransaction(transaction), take)
            for _ in range(_AT_ONCE):
                await slots.acquire()
        seconds, lag_ms = time.perf_counter() - started, built.runtime.lag.snapshot().p99_ms
        assert not failures, failures[:3]
        assert len(built.runtime.node.view.mempool) == len(transactions)
        built.runtime.stop_nowait()
        await built.runtime.finished.wait()
    return seconds, lag_ms


def _ignore(now: Micros, notice: Notice | Report) -> None:
    """A node without a log."""


def main() -> None:
    """Print the rows."""
    for what, result in rows():
        print(f"{what:<20} {result}")


if __name__ == "__main__":
    main()
