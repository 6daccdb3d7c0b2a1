"""kill -9 at random moments of import, sync, mining and sending: the next start repairs what it finds by itself,
nothing that was acknowledged is lost, and the coins are those of a fresh replay.

Five kills, fifty with MINICOIN_SOAK. Kills of one activity hit the same directory again and again, some of them while
it is being opened after the kill before. The moments follow from a seed: MINICOIN_SEED.
"""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.node.commands import CreateWallet, Generate, NewAddress
from minicoin.core.node.policy import NodePolicy
from minicoin.core.node.queries import NodeQueries
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.transaction import Txid
from minicoin.core.script.standard import address_script
from minicoin.drivers.store.blockfiles import export_blocks
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.testing.chain_maker import ChainMaker

from .doomed import Acknowledged, Doomed, check_chain
from .node_under_test import NodeUnderTest, running_node, wait_until

NETWORK = lookup("bitcoin-regtest")
SEED = int(os.environ.get("MINICOIN_SEED", "0"))
TIMES = 10 if os.environ.get("MINICOIN_SOAK") else 1
BLOCKS = 400
QUIET = NodePolicy(listens=False)

pytestmark = pytest.mark.xdist_group("crash")


@pytest.fixture(scope="module")
def chain_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a chain of payments."""
    directory = tmp_path_factory.mktemp("chain")
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, 110)
    while branch.height < BLOCKS:
        maker.mine_spending(branch, 6, 1 + branch.height % 2, 3)
    chain = LocalChain(NETWORK, directory)
    for block in branch.blocks:
        assert chain.accept(RawBlock.parse(block.raw)) is None
    chain.close()
    return directory


@pytest.fixture(scope="module")
def wallet_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a wallet that has coins to spend."""
    directory = tmp_path_factory.mktemp("wallet")

    async def main() -> None:
        async with running_node(NETWORK, directory, QUIET, listens=False) as node:
            await node.ask(CreateWallet(b"a seed for tests"))
            address = await node.ask(NewAddress())
            script = address_script(str(address), NETWORK.address_format)
            await node.ask(Generate(NETWORK.coinbase_maturity + 20, script))

    trio.run(main)
    return directory


class Fate:
    """When the next process dies."""

    def __init__(self, activity: str, longest_s: float) -> None:
        self._rng = random.Random(f"{activity} {SEED}")
        self._longest_s = longest_s

    def strike(self, doomed: Doomed) -> bool:
        """Kill it; False where it was done before that."""
        if self._rng.random() < 0.8:
            doomed.wait_ready()
            return doomed.kill_after(self._rng.uniform(0.0, self._longest_s))
        # Somewhere in its start: the interpreter takes a part of a second to get to ours.
        return doomed.kill_after(self._rng.uniform(0.3, 1.2))

    def flush_every(self) -> dict[str, str]:
        """Few blocks or many between two writes of the coins."""
        return {"FLUSH_EVERY": str(self._rng.choice((1, 10, 100, 1_000)))}


def new_directory(parent: Path) -> Iterator[Path]:
    """Fresh ones, as often as the work in one is done."""
    for number in range(10_000):
        yield parent / f"node-{number}"


def test_import(chain_directory: Path, tmp_path: Path) -> None:
    file = tmp_path / "bootstrap.dat"
    chain = LocalChain(NETWORK, chain_directory)
    export_blocks(chain, file)
    chain.close()
    fate = Fate("import", 1.0)
    directories = new_directory(tmp_path)
    directory = next(directories)
    kills = 0
    while kills < TIMES:
        doomed = Doomed("import", directory, file, environment=fate.flush_every())
        was_killed = fate.strike(doomed)
        height = check_chain(NETWORK, directory, doomed.acknowledged.blocks)
        kills += was_killed
        if not was_killed:
            assert height == BLOCKS
            directory = next(directories)


def test_sync(chain_directory: Path, tmp_path: Path) -> None:
    served = shutil.copytree(chain_directory, tmp_path / "served")
    fate = Fate("sync", 1.5)
    directories = new_directory(tmp_path)

    async def main() -> None:
        directory = next(directories)
        async with running_node(NETWORK, served) as server:
            for _ in range(TIMES):
                doomed = Doomed("sync", directory, server.port, environment=fate.flush_every())
                await trio.to_thread.run_sync(fate.strike, doomed)
                if await reopened_height(directory, doomed.acknowledged) == BLOCKS:
                    directory = next(directories)

    trio.run(main)


def test_mining(wallet_directory: Path, tmp_path: Path) -> None:
    work_and_die("mine", shutil.copytree(wallet_directory, tmp_path / "node"), TIMES)


def test_sending(wallet_directory: Path, tmp_path: Path) -> None:
    work_and_die("send", shutil.copytree(wallet_directory, tmp_path / "node"), 2 * TIMES)


def work_and_die(activity: str, directory: Path, kills: int) -> None:
    fate = Fate(activity, 1.5)
    for _ in range(kills):
        doomed = Doomed(activity, directory, environment=fate.flush_every())
        assert fate.strike(doomed), "it works until it is killed"
        trio.run(reopened_height, directory, doomed.acknowledged)


async def reopened_height(directory: Path, acknowledged: Acknowledged) -> int:
    """A node opens the directory and knows everything it had acknowledged; the chain's height."""
    async with running_node(NETWORK, directory, QUIET, listens=False) as node:
        for block in acknowledged.blocks:
            await wait_until(lambda block=block: is_active(node, block), f"block {hash_to_hex(block)}")
        await wait_until(lambda: queries(node).wallet.rescan_height() is None, "the wallet caught up")
        addresses = {entry.address for entry in queries(node).wallet.addresses()}
        assert addresses.issuperset(acknowledged.addresses)
        for payment in acknowledged.payments:
            await wait_until(lambda txid=payment: is_known(node, txid), f"payment {hash_to_hex(payment)}")
    return await trio.to_thread.run_sync(check_chain, NETWORK, directory, acknowledged.blocks)


def queries(node: NodeUnderTest) -> NodeQueries:
    return NodeQueries(node.core, node.built.runtime.clock())


def is_active(node: NodeUnderTest, block: bytes) -> bool:
    found = node.tree.get(block)
    return found is not None and node.tree.is_active(found)


def is_known(node: NodeUnderTest, txid: Txid) -> bool:
    """In a block, or on its way into one."""
    wallet = queries(node).wallet
    return wallet.record(txid) is not None and (wallet.confirmations(txid) > 0 or txid in node.core.parts.mempool)
