"""Networks that members sign, as processes over libp2p on this machine: payments a second, and when one is final.

Each payment is a P2WPKH coin of the allocation, spent by a transaction that was signed before; they go to the members
in turn. All members verify each of them on one machine: what one node accepts, divided by the members, is what it
could give them at best, and stands beside it.
"""

import re
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import accept_transactions

from minicoin.app.consortium.founding import Terms, make_network
from minicoin.app.consortium.lab import make_lab
from minicoin.app.lab.process import LabNode
from minicoin.app.networks import write_network
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.params.models import ANY_ROLE
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.testing.spends import Spendable, SpendKind, output_script, sign_inputs

SIGNERS = (4, 5, 7, 10)
PAYMENTS = 900
_ALONE = 20
_INTERVAL_S = 1
_COIN_SAT = 100_000
_FEE_SAT = 1_000
_KEYS = 64


def rows() -> list[tuple[str, str]]:
    """One row a number of signers."""
    ((_, accepted),) = accept_transactions.rows()
    found = re.match(r"([\d,]+) transactions/s", accepted)
    assert found is not None
    alone = float(found[1].replace(",", ""))
    return [(f"{count} signers", _measure(count, alone)) for count in SIGNERS]


def _measure(count: int, alone: float) -> str:
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        nodes = _start(count, Path(directory), stack)
        transactions = _spends(nodes[0])
        seconds_alone = [_final_after(nodes[turn % count], raw) for turn, raw in enumerate(transactions[:_ALONE])]
        rest = transactions[_ALONE:]
        started = time.perf_counter()
        _send_all(nodes, rest)
        # The last ones that each member was given, at that member: others may not have heard of them yet.
        for turn in range(count):
            _wait_final(nodes[turn], rest[turn::count][-1])
        rate = len(rest) / (time.perf_counter() - started)
    best = alone / count
    p50 = statistics.median(seconds_alone)
    return (
        f"{rate:,.0f} payments/s; one node accepts {alone:,.0f}/s, {best:,.0f} for each; ratio {rate / best:.2f}; "
        f"a payment alone is final after p50 {p50 * 1000:.0f} ms"
    )


def _start(count: int, directory: Path, stack: ExitStack) -> list[LabNode]:
    banks = make_lab("bench", directory, count)
    allocation = tuple((output_script(SpendKind.P2WPKH, number % _KEYS), _COIN_SAT) for number in range(PAYMENTS))
    terms = Terms("bench", "bench", 1_700_000_000, _INTERVAL_S, 60, is_open=False, is_private=True)
    path = directory / "bench.toml"
    write_network(make_network(terms, [bank.request for bank in banks], allocation), path)
    nodes: list[LabNode] = []
    for bank in banks:
        dials = tuple(node.join_address for node in nodes)
        nodes.append(LabNode(bank.datadir.name, str(path), directory, ANY_ROLE, dials))
        stack.callback(nodes[-1].wait_stopped)
        stack.callback(nodes[-1].stop)
        nodes[-1].wait_up()
    while any(int(str(node.call("getblockcount"))) < 1 for node in nodes):
        time.sleep(0.05)
    return nodes


def _spends(node: LabNode) -> list[Transaction]:
    block = Block.parse(bytes.fromhex(str(node.call("getblock", node.call("getblockhash", 1), 0))))
    coinbase = block.transactions[0]
    spends: list[Transaction] = []
    for number in range(PAYMENTS):
        coin = Spendable(
            make_outpoint(coinbase.txid, number), coinbase.outputs[number], SpendKind.P2WPKH, number % _KEYS
        )
        output = TxOut(_COIN_SAT - _FEE_SAT, output_script(SpendKind.P2WPKH, number % _KEYS))
        spends.append(sign_inputs(Transaction(2, (TxIn(coin.outpoint),), (output,)), [coin]))
    return spends


def _final_after(node: LabNode, transaction: Transaction) -> float:
    # Until a block may follow the last one: then the payment's starts at once.
    time.sleep(_INTERVAL_S + 0.2)
    started = time.perf_counter()
    node.call("sendrawtransaction", transaction.raw.hex())
    _wait_final(node, transaction)
    return time.perf_counter() - started


def _wait_final(node: LabNode, transaction: Transaction) -> None:
    node.call("waitforfinal", hash_to_hex(transaction.txid))


def _send_all(nodes: list[LabNode], transactions: list[Transaction]) -> None:
    def send(turn: int) -> None:
        for transaction in transactions[turn :: len(nodes)]:
            nodes[turn].call("sendrawtransaction", transaction.raw.hex())

    threads = [threading.Thread(target=send, args=(turn,)) for turn in range(len(nodes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    for what, result in rows():
        print(f"{what}: {result}")
