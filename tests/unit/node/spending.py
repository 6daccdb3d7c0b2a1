"""Transactions over coins that anybody may spend: the coinbases of blocks that pay to PAYABLE."""

from tests.unit.node.bench import NETWORK, Bench
from tests.unit.recording.recorded import ANYONE, PAYABLE

from minicoin.core.commands import Generate
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint


def funded(coins=3, policy=None):
    """A bench that has caught up, with this many coins to spend, in the blocks from height 1 on."""
    bench = Bench(policy)
    bench.ask(Generate(NETWORK.coinbase_maturity + coins - 1, PAYABLE))
    bench.seen.clear()
    return bench


def spend_coin(bench, height, fee=10_000, version=2):
    """Spends the coinbase of a block."""
    node = bench.node.view.tree.at_height(height)
    return spend_output(Block.parse(bench.engine.read_block(node.hash).raw).transactions[0], fee, version)


def spend_output(parent, fee=10_000, version=2):
    """Spends the first output of a transaction."""
    spends = (TxIn(make_outpoint(parent.txid, 0)),)
    value = parent.outputs[0].value - fee
    return Transaction(version, spends, (TxOut(value, PAYABLE),), witnesses=((ANYONE,),))
