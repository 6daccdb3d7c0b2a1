"""Data directories that tests of crashes and full disks start from, and what a node must know that reopens one."""

from pathlib import Path

import trio
from tests.waiting import wait_until_async

from minicoin.core.commands import CreateWallet, Generate, NewAddress
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.transaction import Txid
from minicoin.core.queries.node import NodeQueries
from minicoin.core.script.standard import address_script
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.testing.chain_maker import ChainMaker

from .doomed import Acknowledged, check_chain
from .node_under_test import NodeUnderTest, running_node

NETWORK = lookup("bitcoin-regtest")
BLOCKS = 400
QUIET = NodePolicy(listens=False)


def make_chain(directory: Path) -> None:
    """A chain of payments."""
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, 110)
    while branch.height < BLOCKS:
        maker.mine_spending(branch, 6, 1 + branch.height % 2, 3)
    chain = LocalChain(NETWORK, directory)
    for block in branch.blocks:
        assert chain.accept(RawBlock.parse(block.raw)) is None
    chain.close()


async def make_wallet(directory: Path) -> None:
    """A wallet that has coins to spend."""
    async with running_node(NETWORK, directory, QUIET, listens=False) as node:
        await node.ask(CreateWallet(b"a seed for tests"))
        fresh = await node.ask(NewAddress())
        script = address_script(fresh.address, NETWORK.address_format)
        await node.ask(Generate(NETWORK.coinbase_maturity + 20, script))


async def reopened_height(directory: Path, acknowledged: Acknowledged) -> int:
    """A node opens the directory and knows everything it had acknowledged; the chain's height."""
    async with running_node(NETWORK, directory, QUIET, listens=False) as node:
        for block in acknowledged.blocks:
            await wait_until_async(lambda block=block: _is_active(node, block), f"block {hash_to_hex(block)}")
        await wait_until_async(lambda: _queries(node).wallet.rescan_height() is None, "the wallet caught up")
        addresses = {entry.address for entry in _queries(node).wallet.addresses()}
        assert addresses.issuperset(acknowledged.addresses)
        for payment in acknowledged.payments:
            await wait_until_async(lambda txid=payment: _is_known(node, txid), f"payment {hash_to_hex(payment)}")
    return await trio.to_thread.run_sync(check_chain, NETWORK, directory, acknowledged.blocks)


def _queries(node: NodeUnderTest) -> NodeQueries:
    return NodeQueries(node.core.view, node.built.runtime.clock())


def _is_active(node: NodeUnderTest, block: bytes) -> bool:
    found = node.tree.get(block)
    return found is not None and node.tree.is_active(found)


def _is_known(node: NodeUnderTest, txid: Txid) -> bool:
    """In a block, or on its way into one."""
    status = _queries(node).wallet.status(txid)
    return status is not None and (status.confirmations > 0 or txid in node.core.view.mempool)
