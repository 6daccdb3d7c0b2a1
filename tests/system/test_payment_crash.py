"""kill -9 around the answer to a payment, again and again on one directory, with the next payments following: what was
answered is never lost, never given up, never paid twice; what was not answered was made once or not at all.

Five kills, three of a node alone and two of one with a peer; a hundred with MINICOIN_SOAK. Some fall right between the
disk and the answer, the others at random moments (MINICOIN_SEED).
"""

import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio
from tests.soak import IS_SOAK
from tests.waiting import wait_until, wait_until_async

from minicoin.core.commands import CreateWallet, Generate, NewAddress
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.transaction import Txid
from minicoin.core.script.standard import address_script
from minicoin.core.wallet.records import HistoryCategory, RecordState
from minicoin.core.wallet.wallet import Wallet

from .doomed import Doomed
from .node_under_test import NodeUnderTest, running_node
from .saved_chains import NETWORK

SEED = os.environ.get("MINICOIN_SEED", "0")
KILLS_ALONE, KILLS_WITH_PEER = (50, 50) if IS_SOAK else (3, 2)
OP_TRUE = b"\x51"
NOBODY = b"\x00\x14" + bytes(20)
FIRST_AMOUNT_SAT = 100_000
# As many as one coin of the wallet can carry in a chain, and more than a round makes.
ROUNDS_PER_BLOCK = 4


@dataclass
class Ledger:
    """What was promised so far."""

    answered: list[Txid] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    @property
    def next_amount(self) -> int:
        return FIRST_AMOUNT_SAT + len(self.asked)


def wallet_of(node: NodeUnderTest) -> Wallet:
    wallet = node.core.view.wallet
    assert wallet is not None
    return wallet


def worth(node: NodeUnderTest) -> int:
    balance = wallet_of(node).balance()
    return balance.confirmed_sat + balance.immature_sat + balance.pending_sat + balance.held_sat


def sent(node: NodeUnderTest) -> Counter[int]:
    history = wallet_of(node).history(100_000)
    return Counter(-entry.amount_sat for entry in history if entry.category is HistoryCategory.SEND)


def is_kept(node: NodeUnderTest, txid: Txid) -> bool:
    """In a block, or on its way into one."""
    record = wallet_of(node).record(txid)
    assert record is not None, "a payment that was answered is lost"
    assert record.state in (RecordState.PENDING, RecordState.CONFIRMED), record.state
    return record.state is RecordState.CONFIRMED or txid in node.core.view.mempool


def work_and_die(chance: random.Random, ledger: Ledger, directory: Path, port: int, script: bytes) -> None:
    """A process that pays until it is killed, at one of its first answers or at any moment around them."""
    count = chance.randint(1, 3)
    environment = {"DIE_AT_ANSWER": str(count)} if chance.random() < 0.5 else {}
    doomed = Doomed("pay", directory, port, script.hex(), ledger.next_amount, environment=environment)
    if environment:
        doomed.wait_killed()
    else:
        wait_until(lambda: len(doomed.acknowledged.asked) >= count, "it pays")
        assert doomed.kill_after(chance.choice((0.0, chance.uniform(0.0, 0.05)))), "it works until it is killed"
    ledger.answered += doomed.acknowledged.payments
    ledger.asked += doomed.acknowledged.asked


@asynccontextmanager
async def reopened(directory: Path, ledger: Ledger, port: int = 0) -> AsyncIterator[NodeUnderTest]:
    """A node that opened the directory and knows everything that was promised."""
    policy = NodePolicy(connect=(NodeAddress("127.0.0.1", port),) if port else (), listens=False)
    async with running_node(NETWORK, directory, policy, listens=False) as node:
        await wait_until_async(lambda: wallet_of(node).rescan_height is None, "the wallet caught up")
        for txid in ledger.answered:
            await wait_until_async(lambda txid=txid: is_kept(node, txid), f"payment {hash_to_hex(txid)}")
        # And what was made without an answer: a block takes it along.
        for record in wallet_of(node).unconfirmed():
            await wait_until_async(lambda txid=record.txid: is_kept(node, txid), "a payment without an answer")
        made = sent(node)
        assert set(made) <= set(ledger.asked)
        assert set(made.values()) <= {1}, "a payment was made twice"
        yield node


async def settle(node: NodeUnderTest, before: int, ledger: Ledger) -> None:
    """In the end every payment stands in a block, once, and nothing is missing but what was paid."""
    wallet = wallet_of(node)
    await node.ask(Generate(1, OP_TRUE))
    assert wallet.unconfirmed() == ()
    paid = sent(node)
    assert len(ledger.answered) <= len(paid) <= len(ledger.asked)
    fees = {
        entry.txid: -(entry.fee_sat or 0) for entry in wallet.history(100_000) if entry.category is HistoryCategory.SEND
    }
    assert worth(node) == before - sum(paid) - sum(fees.values())


async def make_rich(directory: Path) -> int:
    """A wallet with coins to spend; their worth."""
    async with running_node(NETWORK, directory, NodePolicy(listens=False), listens=False) as node:
        await node.ask(CreateWallet(b"a seed for tests"))
        script = address_script((await node.ask(NewAddress())).address, NETWORK.address_format)
        await node.ask(Generate(10, script))
        await node.ask(Generate(NETWORK.coinbase_maturity, OP_TRUE))
        return worth(node)


def test_a_node_alone(tmp_path: Path) -> None:
    chance, ledger, directory = random.Random(f"alone {SEED}"), Ledger(), tmp_path / "node"

    async def main() -> None:
        before = await make_rich(directory)
        for number in range(KILLS_ALONE):
            await trio.to_thread.run_sync(work_and_die, chance, ledger, directory, 0, NOBODY)
            async with reopened(directory, ledger) as node:
                if number % ROUNDS_PER_BLOCK == ROUNDS_PER_BLOCK - 1:
                    await node.ask(Generate(1, OP_TRUE))
        async with reopened(directory, ledger) as node:
            await settle(node, before, ledger)

    trio.run(main)
    assert ledger.answered


def test_a_node_with_a_peer(tmp_path: Path) -> None:
    chance, ledger, directory = random.Random(f"with peer {SEED}"), Ledger(), tmp_path / "node"

    async def main() -> None:
        before = await make_rich(directory)
        async with running_node(NETWORK, tmp_path / "peer") as peer:
            await peer.ask(CreateWallet(b"a peer for tests"))
            script = address_script((await peer.ask(NewAddress())).address, NETWORK.address_format)
            async with reopened(directory, ledger, peer.port) as node:
                await agree(node, peer)
            for number in range(KILLS_WITH_PEER):
                await trio.to_thread.run_sync(work_and_die, chance, ledger, directory, peer.port, script)
                async with reopened(directory, ledger, peer.port) as node:
                    await agree(node, peer)
                    if number % ROUNDS_PER_BLOCK == ROUNDS_PER_BLOCK - 1:
                        await mine(peer, node)
            async with reopened(directory, ledger, peer.port) as node:
                await agree(node, peer)
                await mine(peer, node)
                assert received(peer) == sent(node)
                await settle(node, before, ledger)

    trio.run(main)
    assert ledger.answered


async def agree(node: NodeUnderTest, peer: NodeUnderTest) -> None:
    """The peer has the chain, and has heard of everything that waits."""
    await wait_until_async(lambda: peer.tip == node.tip, "the peer has the chain")
    waiting = [record.txid for record in wallet_of(node).unconfirmed()]
    await wait_until_async(lambda: all(txid in peer.core.view.mempool for txid in waiting), "the peer was told")


async def mine(peer: NodeUnderTest, node: NodeUnderTest) -> None:
    await peer.ask(Generate(1, OP_TRUE))
    await wait_until_async(lambda: peer.tip == node.tip, "the block came")


def received(peer: NodeUnderTest) -> Counter[int]:
    history = wallet_of(peer).history(100_000)
    return Counter(entry.amount_sat for entry in history if entry.confirmations > 0)
