"""What a network model is told of chain and mempool, and what a peer may ask for afterwards."""

from types import SimpleNamespace

import pytest
from tests.unit.node.spending import funded, spend_coin

from minicoin.core.commands import SubmitTransaction
from minicoin.core.inventory import ledger_view
from minicoin.core.inventory.ledger_view import full_view, headers_view
from minicoin.core.overlay.contract import PoolPage
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.relay.transactions import RelayFeatures, RelayPolicy, TxRelay
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.core.wire.messages import InvType

COINS = 6


class Pool:
    """A node with transactions in its mempool, one ready peer, and the view of a model."""

    def __init__(self, **features):
        bench = funded(COINS)
        self.txids = [
            bench.ask(SubmitTransaction(spend_coin(bench, height, 10_000 * height))).txid
            for height in range(1, COINS + 1)
        ]
        self.mempool = bench.node.view.mempool
        self.relay = TxRelay(RelayPolicy(SECOND_US, SECOND_US, 1_000), Rng(b"relay"))
        self.withheld = {}
        usual = {"inbound": True, "uses_wtxid": True, "has_witness": True, "wants_transactions": True}
        self.relay.on_ready(1, RelayFeatures(**usual | {"takes_feefilter": True} | features), 0, bench.now)
        node = SimpleNamespace(
            tree=bench.node.view.tree, mempool=self.mempool, relay=self.relay, withheld=self.withheld
        )
        self.tree = node.tree
        self.view = full_view(node)
        self.peer = PeerView(1, NodeAddress("10.0.0.1", 8333), True)

    def page(self, since=0, count=100):
        return self.view.pool_page(self.peer, since, count)

    def sequences(self):
        return [self.mempool.get(txid).sequence for txid in self.txids]


@pytest.fixture
def pool():
    return Pool()


def test_pages_follow_each_other_in_the_order_of_admission(pool):
    wtxids = [pool.mempool.get(txid).wtxid for txid in pool.txids]
    first = pool.page(count=4)
    assert [vector.hash for vector in first.inventory] == wtxids[:4]
    assert {vector.type for vector in first.inventory} == {InvType.WTX}
    assert (first.until, first.has_more) == (pool.sequences()[3], True)
    second = pool.page(first.until, 4)
    assert [vector.hash for vector in second.inventory] == wtxids[4:]
    assert (second.until, second.has_more) == (pool.sequences()[-1], False)
    assert pool.page(second.until) == PoolPage((), second.until, False)


def test_who_is_told_may_ask_for_it_and_for_nothing_later(pool):
    until = pool.page(count=2).until
    assert pool.relay.may_ask_for(1, until) and not pool.relay.may_ask_for(1, until + 1)


def test_nobody_is_told_twice(pool):
    pool.page()
    assert pool.page().inventory == ()


def test_a_place_that_is_none_yet_has_nothing_behind_it(pool):
    assert pool.page(1 << 63) == PoolPage((), 1 << 63, False)


def test_what_nobody_may_hear_of_ends_a_page_until_it_is_released(pool):
    pool.withheld[pool.txids[2]] = None
    page = pool.page()
    assert (len(page.inventory), page.until, page.has_more) == (2, pool.sequences()[1], False)
    assert pool.page(page.until).inventory == ()
    pool.withheld.clear()
    assert len(pool.page(page.until).inventory) == COINS - 2


def test_a_peer_is_told_by_the_hash_and_of_the_fees_it_asked_for():
    pool = Pool(uses_wtxid=False)
    pool.relay.on_feefilter(1, 1 << 40)
    assert pool.page().inventory == ()
    pool.relay.on_feefilter(1, 0)
    assert [(vector.type, vector.hash) for vector in pool.page().inventory] == [
        (InvType.TX, txid) for txid in pool.txids
    ]


def test_who_wants_no_transactions_is_told_of_none():
    assert Pool(wants_transactions=False).page().inventory == ()


def test_only_the_newest_are_looked_through(pool, monkeypatch):
    monkeypatch.setattr(ledger_view, "POOL_PAGE_WINDOW_MAX", 3)
    assert len(pool.page().inventory) == 3
    assert pool.page().until == pool.sequences()[-1]


def test_the_last_blocks_newest_first_down_to_the_first_there_is(pool):
    tree = pool.tree
    height = tree.tip.height
    for view in (pool.view, headers_view(tree)):
        assert view.tip_height() == height
        assert view.recent_blocks(3) == tuple(tree.at_height(height - back).hash for back in range(3))
        assert len(view.recent_blocks(10_000)) == height + 1
    assert headers_view(tree).pool_page(pool.peer, 0, 100) == PoolPage()
