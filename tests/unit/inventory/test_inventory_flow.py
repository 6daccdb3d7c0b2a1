"""What peers may have: answers to getdata and getheaders that leave nobody waiting and mark no node."""

import pytest
from tests.unit.node.bench import NETWORK, NOBODY, Bench

from minicoin.core.commands import Generate, InvalidateBlock, ReconsiderBlock, SubmitTransaction
from minicoin.core.effects import Close, Send
from minicoin.core.events import ConnectionOpened
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import ZERO_HASH, Block, RawBlock
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut
from minicoin.core.relay.feefilter import FEEFILTER_NOTHING
from minicoin.core.units import DAY_US, MINUTE_US, SECOND_US
from minicoin.core.wire.messages import (
    BlockMessage,
    FeeFilter,
    GetBlockTxn,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InventoryVector,
    InvType,
    NetAddress,
    NotFound,
    SendCmpct,
    Tx,
    Verack,
    Version,
)
from minicoin.testing.chain_maker import ChainMaker

UNSERVED = [InvType.FILTERED_BLOCK, InvType.CMPCT_BLOCK, 0, 6, 77, 0x4000_0003, 0xFFFF_FFFF]
ASKABLE = [InvType.BLOCK, InvType.WITNESS_BLOCK, InvType.TX, InvType.WITNESS_TX, InvType.WTX]


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.connect(1)
    made.take(Send)
    return made


def ask(bench, *vectors, conn=1):
    """What a getdata is answered with."""
    bench.say(conn, GetData(tuple(InventoryVector(*vector) for vector in vectors)))
    return [effect.message for effect in bench.seen_sends()]


def notfound(*vectors):
    return NotFound(tuple(InventoryVector(*vector) for vector in vectors))


# --- nobody waits in vain ---


def test_compact_blocks_are_not_offered():
    bench = Bench()
    bench.connect(1)
    assert bench.take(SendCmpct) == []


@pytest.mark.parametrize("kind", UNSERVED)
def test_a_kind_that_is_not_served_is_not_found_though_the_block_is_here(bench, kind):
    tip = bench.node.view.tree.tip.hash
    assert ask(bench, (kind, tip)) == [notfound((kind, tip))]


@pytest.mark.parametrize("kind", ASKABLE)
def test_what_is_not_here_is_not_found_in_the_form_asked_for(bench, kind):
    assert ask(bench, (kind, b"?" * 32)) == [notfound((kind, b"?" * 32))]


def test_a_block_that_the_store_has_lost_is_not_found_in_the_form_asked_for(bench):
    bench.engine.read_block = lambda block, stripped=False: None
    tip = bench.node.view.tree.tip.hash
    for kind in (InvType.BLOCK, InvType.WITNESS_BLOCK):
        assert ask(bench, (kind, tip)) == [notfound((kind, tip))]


def test_of_a_mixed_request_each_item_is_answered(bench):
    tip = bench.node.view.tree.tip.hash
    missing, block = ask(bench, (InvType.CMPCT_BLOCK, tip), (InvType.WITNESS_BLOCK, tip), (InvType.WTX, b"?" * 32))
    assert missing == notfound((InvType.CMPCT_BLOCK, tip), (InvType.WTX, b"?" * 32))
    assert isinstance(block, BlockMessage)


def test_parts_of_a_block_are_answered_by_the_whole(bench):
    tip = bench.node.view.tree.tip.hash
    bench.say(1, GetBlockTxn(tip, (0,)))
    (answer,) = [effect.message for effect in bench.seen_sends()]
    assert isinstance(answer, BlockMessage) and answer.block.hash == tip
    bench.say(1, GetBlockTxn(b"?" * 32, (0,)))
    assert [effect.message for effect in bench.seen_sends()] == [notfound((InvType.WITNESS_BLOCK, b"?" * 32))]


# --- headers and blocks off the best chain ---


def header_of(bench, block):
    """What a getheaders that names one block is answered with."""
    bench.say(1, GetHeaders(70016, (), block))
    return [effect.message for effect in bench.seen_sends()]


def fork(bench, *, stored=True):
    """A block beside the first of two: its header, and its body if `stored`."""
    bench.ask(Generate(2, NOBODY))
    maker = ChainMaker(NETWORK, seed=9)
    rival = RawBlock.parse(maker.next_block(maker.new_branch(), time=NETWORK.genesis.header.time + 30).raw)
    bench.connect(3)
    bench.say(3, Headers((rival.header,)))
    if stored:
        bench.say(3, BlockMessage(rival))
    bench.take(Send)
    return rival


def test_a_header_that_nobody_validated_is_for_no_stranger(bench):
    rival = fork(bench, stored=False)
    assert rival.hash in bench.node.view.tree
    assert header_of(bench, rival.hash) == []
    assert ask(bench, (InvType.WITNESS_BLOCK, rival.hash)) == [notfound((InvType.WITNESS_BLOCK, rival.hash))]


def stale_tip(bench):
    """A block that was the tip and is not any more, but valid."""
    bench.ask(Generate(1, NOBODY))
    tree = bench.node.view.tree
    old = tree.tip
    bench.ask(InvalidateBlock(old.hash))
    bench.now += SECOND_US
    bench.ask(Generate(2, NOBODY))
    bench.ask(ReconsiderBlock(old.hash))
    assert not tree.is_active(old)
    bench.take(Send)
    return old


def test_a_stale_block_that_was_valid_is_given_while_it_is_young(bench):
    old = stale_tip(bench)
    (answer,) = ask(bench, (InvType.WITNESS_BLOCK, old.hash))
    assert isinstance(answer, BlockMessage) and answer.block.hash == old.hash
    assert header_of(bench, old.hash) == [Headers((old.header,))]


def test_a_stale_block_is_for_nobody_a_month_later(bench):
    old = stale_tip(bench)
    bench.now += 30 * DAY_US + MINUTE_US
    bench.ask(Generate(1, NOBODY))
    bench.connect(1)
    bench.take(Send)
    assert ask(bench, (InvType.WITNESS_BLOCK, old.hash)) == [notfound((InvType.WITNESS_BLOCK, old.hash))]
    assert header_of(bench, old.hash) == []
    # What is on the best chain is for everybody, however old.
    assert len(ask(bench, (InvType.WITNESS_BLOCK, NETWORK.genesis.hash))) == 1


def test_a_stale_block_is_for_nobody_once_a_month_s_work_is_built_beside_it(bench, monkeypatch):
    old = stale_tip(bench)
    monkeypatch.setattr("minicoin.core.netsync.serve.STALE_BLOCK_SERVED_S", 5 * NETWORK.spacing_s)
    assert len(header_of(bench, old.hash)) == 1
    bench.ask(Generate(5, NOBODY))
    bench.take(Send)
    assert header_of(bench, old.hash) == []


def test_a_block_that_the_operator_refuses_is_for_nobody(bench):
    old = stale_tip(bench)
    bench.ask(InvalidateBlock(old.hash))
    assert header_of(bench, old.hash) == []


def test_a_chain_that_no_peer_would_take_is_not_begun(bench, monkeypatch):
    monkeypatch.setattr(type(bench.node.view.tree.network), "minimum_chainwork", 1 << 100)
    bench.say(1, GetHeaders(70016, (NETWORK.genesis.hash,), ZERO_HASH))
    assert [effect.message for effect in bench.seen_sends()] == [Headers(())]


# --- transactions ---


@pytest.fixture(scope="module")
def funded():
    """(blocks, a transaction with a witness, one that spends it)."""
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, NETWORK.coinbase_maturity + 20)
    while True:
        coin = branch.spendable.pop(0)
        parent, created = maker.spend([coin], outputs=1)
        if parent.has_witness:
            child, _ = maker.spend(created, outputs=1)
            return branch, maker, parent, child


@pytest.fixture
def paying(funded):
    """A node on that chain, not catching up."""
    return _synced(funded, MINUTE_US)


def _synced(funded, tip_age_us):
    branch, *_ = funded
    bench = Bench()
    bench.now = branch.tip.time * SECOND_US + tip_age_us
    bench.connect(1)
    bench.say(1, Headers(tuple(block.header for block in branch.blocks)))
    for block in branch.blocks:
        bench.say(1, BlockMessage(RawBlock.parse(block.raw)))
    assert bench.node.view.tree.tip.height == branch.height
    bench.take(Send)
    return bench


def _coinbase(raw):
    return Block.parse(raw).transactions[0].txid


def test_what_was_confirmed_is_remembered_from_when_the_node_has_caught_up(funded):
    branch, *_ = funded
    bench = _synced(funded, 3 * DAY_US)
    bench.ask(Generate(1, NOBODY))
    bench.take(Send)
    early = _coinbase(branch.blocks[-1].raw)
    late = _coinbase(bench.engine.read_block(bench.node.view.tree.tip.hash).raw)
    bench.say(1, Inv((InventoryVector(InvType.TX, early), InventoryVector(InvType.TX, late))))
    bench.wait(MINUTE_US // 6)
    asked = [vector.hash for message in bench.take(GetData) for vector in message.inventory]
    assert asked == [early]


def submit(bench, transaction):
    bench.ask(SubmitTransaction(transaction))
    bench.take(Send)


def test_a_transaction_that_was_not_announced_yet_is_not_found_whoever_asks(paying, funded):
    _, _, parent, _ = funded
    submit(paying, parent)
    for kind, name in ((InvType.WTX, parent.wtxid), (InvType.TX, parent.txid), (InvType.WITNESS_TX, parent.txid)):
        assert ask(paying, (kind, name)) == [notfound((kind, name))]
    # Naming it first helps nobody: it is the question that would tell.
    paying.say(1, Inv((InventoryVector(InvType.WTX, parent.wtxid),)))
    paying.take(Send)
    assert ask(paying, (InvType.WTX, parent.wtxid)) == [notfound((InvType.WTX, parent.wtxid))]


def test_once_something_was_announced_what_entered_before_it_may_be_asked_for(paying, funded):
    _, _, parent, child = funded
    submit(paying, parent)
    submit(paying, child)
    paying.wait(MINUTE_US)
    assert paying.take(Inv)
    assert ask(paying, (InvType.WTX, parent.wtxid)) == [Tx(parent)]
    assert ask(paying, (InvType.WITNESS_TX, child.txid)) == [Tx(child)]


def test_a_fresh_peer_may_have_what_was_here_when_it_came(paying, funded):
    _, _, parent, child = funded
    submit(paying, parent)
    paying.connect(3)
    paying.take(Send)
    submit(paying, child)
    assert ask(paying, (InvType.WITNESS_TX, parent.txid), conn=3) == [Tx(parent)]
    assert ask(paying, (InvType.WITNESS_TX, child.txid), conn=3) == [notfound((InvType.WITNESS_TX, child.txid))]


def test_who_asks_without_the_witness_flag_gets_no_witness(paying, funded):
    _, _, parent, _ = funded
    submit(paying, parent)
    paying.connect(3)
    paying.take(Send)
    (answer,) = ask(paying, (InvType.TX, parent.txid), conn=3)
    assert answer.transaction.raw == parent.stripped != parent.raw
    assert ask(paying, (InvType.WITNESS_TX, parent.txid), conn=3) == [Tx(parent)]


def test_what_a_block_took_out_of_the_pool_may_still_be_asked_for_until_the_next(paying, funded):
    _, _, parent, _ = funded
    submit(paying, parent)
    paying.connect(3)
    paying.ask(Generate(1, NOBODY))
    assert len(paying.node.view.mempool) == 0
    paying.take(Send)
    assert ask(paying, (InvType.WTX, parent.wtxid), conn=3) == [Tx(parent)]
    # By the other hash's kind it is another question.
    assert ask(paying, (InvType.WTX, parent.txid), conn=3) == [notfound((InvType.WTX, parent.txid))]
    paying.ask(Generate(1, NOBODY))
    paying.take(Send)
    assert ask(paying, (InvType.WTX, parent.wtxid), conn=3) == [notfound((InvType.WTX, parent.wtxid))]


def test_what_comes_back_out_of_a_block_may_be_asked_for_at_once(paying, funded):
    _, _, parent, child = funded
    submit(paying, parent)
    paying.ask(Generate(2, NOBODY))
    confirmed = paying.node.view.tree.tip.parent
    submit(paying, child)
    paying.take(Send)
    assert ask(paying, (InvType.WTX, parent.wtxid)) == [notfound((InvType.WTX, parent.wtxid))]
    paying.ask(InvalidateBlock(confirmed.hash))
    paying.take(Send)
    assert len(paying.node.view.mempool) == 2
    assert ask(paying, (InvType.WTX, parent.wtxid)) == [Tx(parent)]
    # Who spends it stood in no block, whatever the reorganisation did to it.
    assert ask(paying, (InvType.WTX, child.wtxid)) == [notfound((InvType.WTX, child.wtxid))]


def shake(bench, conn, *, relay=True, services=9, number=70016):
    """An inbound peer with features of its own."""
    bench.handle(ConnectionOpened(conn, NodeAddress("127.0.0.1", 40_000 + conn), True, None))
    net = NetAddress()
    bench.say(conn, Version(number, services, bench.now // SECOND_US, net, net, conn, "/scripted/", 0, relay))
    bench.say(conn, Verack())


def test_a_peer_that_wants_no_transactions_is_given_none(paying, funded):
    _, _, parent, _ = funded
    submit(paying, parent)
    shake(paying, 3, relay=False)
    paying.take(Send)
    assert ask(paying, (InvType.WITNESS_TX, parent.txid), conn=3) == [notfound((InvType.WITNESS_TX, parent.txid))]


BROKEN = {
    "no outputs": lambda good: Transaction(2, good.inputs, ()),
    "a negative sum": lambda good: Transaction(2, good.inputs, (TxOut(1 << 62, b"\x51"),)),
    "the same coin twice": lambda good: Transaction(2, good.inputs * 2, good.outputs),
    "more out than in": lambda good: Transaction(2, good.inputs, (TxOut(20_999_999 * 10**8, b"\x51" * 30),)),
    "a script that fails": lambda good: Transaction(
        2, tuple(TxIn(spent.outpoint) for spent in good.inputs), good.outputs
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
def test_nobody_is_blamed_for_an_invalid_transaction(paying, funded, broken):
    """A soft fork that one side does not know would part honest nodes otherwise."""
    _, _, parent, _ = funded
    paying.connect(3, host="8.8.4.4")
    for _ in range(200):
        paying.say(3, Tx(broken(parent)))
    assert 3 in paying.node.view.sessions
    assert paying.take(Close) == []
    assert paying.node.view.connections.get(3).score == 0
    assert len(paying.node.view.mempool) == 0


def test_a_transaction_taken_from_a_peer_is_remembered_in_its_favour(paying, funded):
    _, _, parent, _ = funded
    paying.say(1, Tx(parent))
    assert paying.node.view.sessions[1].last_transaction_at == paying.now
    assert len(paying.node.view.mempool) == 1


@pytest.mark.parametrize("unwanted", ["inv", "tx"])
def test_transactions_on_a_connection_that_carries_none_end_it_without_blame(funded, unwanted):
    _, _, parent, _ = funded
    bench = Bench(NodePolicy(blocks_only=True))
    conn = bench.connect(5)
    inv = Inv((InventoryVector(InvType.BLOCK, b"b" * 32), InventoryVector(InvType.WTX, parent.wtxid)))
    bench.say(conn, Tx(parent) if unwanted == "tx" else inv)
    (closed,) = bench.take(Close)
    assert "where none were asked for" in closed.reason
    assert bench.node.view.connections.bans.listing() == ()


# --- fee filter ---


def test_a_node_that_catches_up_asks_for_no_transactions_and_says_when_it_is_done():
    bench = Bench()
    bench.now += 3 * DAY_US
    bench.connect(1)
    bench.wait(SECOND_US)
    assert [message.feerate for message in bench.take(FeeFilter)] == [FEEFILTER_NOTHING]
    maker = ChainMaker(NETWORK)
    recent = maker.next_block(maker.new_branch(), time=bench.now // SECOND_US)
    bench.say(1, BlockMessage(RawBlock.parse(recent.raw)))
    bench.wait(SECOND_US)
    assert [message.feerate for message in bench.take(FeeFilter)] == [bench.node.view.mempool.policy.min_relay_feerate]


def test_a_peer_without_witnesses_is_asked_for_transactions_without_the_flag(paying):
    shake(paying, 3, services=1, number=70015)
    paying.take(Send)
    paying.say(3, Inv((InventoryVector(InvType.TX, b"t" * 32),)))
    paying.wait(MINUTE_US)
    assert [vector.type for message in paying.take(GetData) for vector in message.inventory] == [InvType.TX]
