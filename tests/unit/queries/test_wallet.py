"""The wallet's sums beside the mempool's, and a node that has none."""

from tests.unit.queries.made import BLOCKS

from minicoin.core.primitives.block import ZERO_HASH
from minicoin.core.primitives.transaction import Txid
from minicoin.core.queries.node import NodeQueries
from minicoin.core.units import COIN_SAT
from minicoin.world.world import World


def test_the_sums_agree(queries: NodeQueries) -> None:
    entries = queries.mempool.entries()
    totals = queries.mempool.snapshot()
    assert totals.fees_sat == sum(entry.fee_sat for entry in entries)
    assert sum(bucket.fees_sat for bucket in queries.mempool.histogram()) == totals.fees_sat
    wallet = queries.wallet.snapshot()
    assert wallet is not None
    coins = queries.wallet.coins()
    assert sum(coin.output.value for coin in coins) == BLOCKS * 50 * COIN_SAT - totals.fees_sat
    assert queries.wallet.unspent() == {coin.outpoint for coin in coins}
    for entry in entries:
        assert all(queries.mempool.spender(spend.outpoint) == entry.txid for spend in entry.transaction.inputs)


def test_a_transaction_of_others(queries: NodeQueries) -> None:
    assert queries.wallet.record(Txid(ZERO_HASH)) is None
    assert queries.wallet.history_of(Txid(ZERO_HASH)) == ()


def test_a_node_without_wallet_reads_empty(world: World) -> None:
    bare = NodeQueries(world.add_node("bare").node.view, world.now).wallet
    assert bare.snapshot() is None
    assert bare.addresses() == bare.change_addresses() == bare.coins() == bare.history(5) == ()
    assert bare.unspent() == frozenset()
