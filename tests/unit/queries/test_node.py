"""Pages, bounds and purity of what outside may read; its meaning is tested where RPC tells it."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from minicoin.core.commands import CreateWallet, Generate, NewAddress, Pay
from minicoin.core.limits import QUERY_PAGE_HEADERS_MAX
from minicoin.core.params.builtin import REGTEST
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.primitives.block import ZERO_HASH, BlockHash
from minicoin.core.primitives.transaction import Txid, TxOut
from minicoin.core.queries import mempool
from minicoin.core.queries.node import NodeQueries
from minicoin.core.script.standard import address_script
from minicoin.core.units import COIN_SAT, seconds
from minicoin.drivers.kernel import KernelVerifier
from minicoin.testing.virtual import VirtualNode, VirtualWorld

BLOCKS = 110
PAYMENTS = 5


@pytest.fixture(scope="module")
def world() -> Iterator[VirtualWorld]:
    """One node with a chain, a wallet and a few payments in its mempool."""
    verifier = KernelVerifier(1)
    made = VirtualWorld(REGTEST, lambda: verifier)
    node = made.add("one")
    made.ask(node, CreateWallet(b""))
    script = address_script(made.ask(node, NewAddress()).address, REGTEST.address_format)
    made.ask(node, Generate(BLOCKS, script))
    for _ in range(PAYMENTS):
        made.ask(node, Pay((TxOut(COIN_SAT, script),)))
    yield made
    verifier.close()


@pytest.fixture
def node(world: VirtualWorld) -> VirtualNode:
    return world.nodes["one"]


@pytest.fixture
def queries(world: VirtualWorld, node: VirtualNode) -> NodeQueries:
    return NodeQueries(node.node.view, world.now)


def test_headers_come_in_pages_within_the_chain(queries: NodeQueries) -> None:
    chain = queries.chain
    assert [view.height for view in chain.headers_from(BLOCKS - 1, 10)] == [BLOCKS - 1, BLOCKS]
    assert [view.height for view in chain.headers_from(-5, 7)] == [0, 1]
    assert chain.headers_from(BLOCKS + 1, 5) == ()
    assert len(chain.headers_from(0, 10**9)) == min(BLOCKS + 1, QUERY_PAGE_HEADERS_MAX)


def test_a_header_knows_its_neighbours(queries: NodeQueries) -> None:
    chain = queries.chain
    views = chain.headers_from(0, BLOCKS + 1)
    for lower, upper in pairwise(views):
        assert lower.next == upper.hash
        assert upper.header.previous == lower.hash
        assert upper.chainwork == lower.chainwork + 2
        assert lower.confirmations == upper.confirmations + 1
    assert (views[-1].confirmations, views[-1].next) == (1, None)
    assert chain.header(views[3].hash) == chain.header_at(3) == views[3]


def test_what_is_unknown(queries: NodeQueries) -> None:
    nowhere = BlockHash(b"\x01" * 32)
    assert queries.chain.header(nowhere) is None
    assert queries.chain.header_at(-1) is queries.chain.header_at(BLOCKS + 1) is None
    assert queries.chain.hash_at(BLOCKS + 1) is None
    assert queries.chain.confirmations(nowhere) == -1
    assert queries.mempool.entry(Txid(ZERO_HASH)) is None
    assert queries.mempool.ancestors(Txid(ZERO_HASH)) is None
    assert queries.wallet.record(Txid(ZERO_HASH)) is None


@pytest.mark.parametrize(("blocks", "height", "spanned"), [(10, -1, 10), (10, 50, 10), (10**6, -1, BLOCKS), (10, 3, 3)])
def test_work_is_counted_over_the_blocks_there_are(queries, blocks: int, height: int, spanned: int) -> None:
    assert queries.chain.work_span(blocks, height).work == 2 * spanned


def test_work_of_no_blocks(queries: NodeQueries) -> None:
    assert queries.chain.work_span(10, 0) == queries.chain.work_span(10, BLOCKS + 1)
    assert queries.chain.work_span(10, 0).seconds == 0


def test_mempool_pages_hold_every_entry_once_and_in_order(queries: NodeQueries, monkeypatch) -> None:
    monkeypatch.setattr(mempool, "QUERY_PAGE_ENTRIES_MAX", 2)
    seen = []
    after = -1
    while page := queries.mempool.entries(after):
        assert len(page) <= 2
        seen += [entry.txid for entry in page]
        after = page[-1].sequence
    assert len(set(seen)) == len(seen) == PAYMENTS == queries.mempool.snapshot().count
    assert [txid for _, txid in queries.mempool.txids()] == seen
    assert queries.mempool.txids(after) == ()


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
        own = queries.wallet.own_outputs(entry.transaction)
        assert own == tuple(range(len(entry.transaction.outputs)))
        assert all(queries.mempool.spender(spend.outpoint) == entry.txid for spend in entry.transaction.inputs)


def test_known_addresses_come_in_pages(world: VirtualWorld, node: VirtualNode, queries: NodeQueries) -> None:
    now = seconds(world.now)
    heard = [TimedAddress(NodeAddress(f"10.0.{number}.1", 7000), 1, now - number) for number in range(6)]
    node.node.parts.book.add(heard, None, world.now)
    assert queries.network.known_count() == 6
    assert queries.network.known_addresses(2) == tuple(heard[:2])
    assert queries.network.known_addresses(100, 2) == tuple(heard[2:])
    assert queries.network.known_addresses(100, 6) == ()


def test_reading_changes_nothing(world: VirtualWorld, node: VirtualNode, queries: NodeQueries) -> None:
    before = (node.node.snapshot(world.now), node.node.next_deadline())
    for group in (queries.chain, queries.mempool, queries.network, queries.wallet):
        for name in dir(group):
            reader = getattr(group, name)
            if not name.startswith("_") and callable(reader):
                try:
                    reader()
                except TypeError:
                    continue
    assert node.node.drain_effects() == []
    assert (node.node.snapshot(world.now), node.node.next_deadline()) == before


def test_a_node_without_wallet_reads_empty(world: VirtualWorld) -> None:
    bare = NodeQueries(world.add("bare").node.view, world.now).wallet
    assert not bare.is_present
    assert bare.snapshot() is None
    assert bare.addresses() == bare.change_addresses() == bare.coins() == bare.history(5) == ()
    assert bare.unspent() == frozenset()
