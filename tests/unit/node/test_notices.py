"""Each notice is told by a node when what it says has happened, with what it is about, and in order."""

import pytest
from tests.unit.node.bench import NETWORK, NOBODY, Bench
from tests.unit.recording.recorded import ANYONE, PAYABLE

from minicoin.core import commands as c
from minicoin.core import notices as n
from minicoin.core.effects import Dial, SearchNonce
from minicoin.core.events import (
    AddressesFound,
    AddressesWithdrawn,
    BlockRefused,
    BytesReceived,
    ConnectionClosed,
    ConnectionOpened,
    DialFailed,
    InboundFailed,
    NonceFound,
    Saved,
    WorkFailed,
)
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.mining.search import search
from minicoin.core.payments.keeper import WALLET_KEY
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import AddressSource, NodeAddress, TimedAddress
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxIn, TxOut, make_outpoint
from minicoin.core.primitives.verdicts import BlockReason, InvalidBlock, TxReason
from minicoin.core.rng import Rng
from minicoin.core.script.standard import address_script
from minicoin.core.units import HOUR_US, SECOND_US, ConnId
from minicoin.core.wire.frame import encode_frame
from minicoin.core.wire.messages import AddrV2, Ping, Tx
from minicoin.testing.chain_maker import ChainMaker

PEER = NodeAddress("127.0.0.1", 40_001)
OTHER = NodeAddress("10.1.2.3", 18444)


def told(bench: Bench, *kinds: type) -> list[n.Notice]:
    """Notices since the last look at anything, all or those of these kinds."""
    return bench.take(kinds or n.Notice)


def funded() -> Bench:
    """A node whose wallet has one mature coin."""
    bench = Bench()
    bench.ask(c.CreateWallet(b""))
    script = address_script(bench.ask(c.NewAddress("")).address, NETWORK.address_format)
    bench.ask(c.Generate(1, script))
    bench.ask(c.Generate(NETWORK.coinbase_maturity, NOBODY))
    told(bench)
    return bench


# --- the chain ---


def test_every_tip_is_told() -> None:
    bench = Bench()
    bench.ask(c.Generate(2, NOBODY))
    tip = bench.node.view.tree.tip
    assert told(bench, n.TipMoved) == [n.TipMoved(tip.parent.hash, 1, 1), n.TipMoved(tip.hash, 2, 2)]


def test_a_reorganisation_is_told_block_by_block() -> None:
    """Down from the old tip to the fork, up from there to the new one, then that the tip moved."""
    bench = Bench()
    bench.ask(c.Generate(2, NOBODY))
    second = bench.node.view.tree.tip
    maker = ChainMaker(NETWORK)
    made = maker.new_branch()
    for _ in range(3):
        maker.extend(made, maker.next_block(made, time=made.tip.time + 1))
    told(bench)
    for block in made.blocks:
        bench.command(c.SubmitBlock(block))
    theirs = [block.hash for block in made.blocks]
    assert told(bench, n.BlockDisconnected, n.BlockConnected, n.Reorganised, n.TipMoved) == [
        n.BlockDisconnected(second.hash, 2),
        n.BlockDisconnected(second.parent.hash, 1),
        *(n.BlockConnected(block, height) for height, block in enumerate(theirs, 1)),
        n.Reorganised(2, 3, theirs[-1]),
        n.TipMoved(theirs[-1], 3, 3),
    ]


def test_a_chain_that_only_loses_blocks() -> None:
    bench = Bench()
    bench.ask(c.Generate(1, NOBODY))
    tip = bench.node.view.tree.tip
    told(bench)
    bench.ask(c.InvalidateBlock(tip.hash))
    ground = tip.parent.hash
    assert told(bench, n.BlockDisconnected, n.BlockConnected, n.Reorganised, n.TipMoved) == [
        n.BlockDisconnected(tip.hash, 1),
        n.Reorganised(1, 0, ground),
        n.TipMoved(ground, 0, 0),
    ]


def test_a_block_that_breaks_a_rule() -> None:
    bench = Bench()
    bench.ask(c.Generate(1, NOBODY))
    tip = bench.node.view.tree.tip.hash
    told(bench)
    invalid = InvalidBlock(tip, BlockReason.BAD_MERKLE_ROOT, "hashMerkleRoot mismatch", is_permanent=True)
    bench.handle(BlockRefused(tip, invalid))
    assert told(bench, n.BlockMarkedInvalid) == [n.BlockMarkedInvalid(tip, invalid.reason, invalid.detail)]


def test_a_worker_that_cannot_go_on() -> None:
    bench = Bench()
    bench.handle(WorkFailed("store", "no space left"))
    assert told(bench) == [n.ChainHalted("store", "no space left")]


# --- mining ---


def test_a_block_of_our_own_is_told_before_it_is_the_tip() -> None:
    bench = Bench()
    bench.ask(c.Generate(1, NOBODY))
    tip = bench.node.view.tree.tip.hash
    assert told(bench, n.BlockMined, n.TipMoved) == [n.BlockMined(tip), n.TipMoved(tip, 1, 1)]


def test_a_block_of_our_own_that_is_of_no_use() -> None:
    bench = Bench(is_working=False)
    bench.command(c.Generate(1, NOBODY))
    (job,) = bench.take(SearchNonce)
    found = search(job, 0, 1 << 20)
    bench.handle(NonceFound(job.job, found))
    bench.handle(BlockRefused(found.hash, InvalidBlock(found.hash, BlockReason.TIME_TOO_NEW, "", is_permanent=False)))
    assert told(bench, n.MinedBlockRefused) == [n.MinedBlockRefused(BlockReason.TIME_TOO_NEW)]


# --- the mempool ---


class Coins:
    """A node with mature coins that anybody can spend."""

    def __init__(self, count: int, **limits: int) -> None:
        self.bench = Bench(NodePolicy(mempool=MempoolPolicy(**limits)))
        self.bench.ask(c.Generate(count, PAYABLE))
        self.bench.ask(c.Generate(NETWORK.coinbase_maturity, NOBODY))
        told(self.bench)

    def coin(self, height: int) -> tuple[Outpoint, int]:
        """The coinbase of a block, with its value."""
        block = self.bench.node.view.tree.at_height(height).hash
        coinbase = Block.parse(self.bench.engine.read_block(block).raw).transactions[0]
        return make_outpoint(coinbase.txid, 0), coinbase.outputs[0].value

    def pooled(self) -> list[Txid]:
        return [entry.txid for entry in self.bench.node.view.mempool]

    def submit(self, transaction: Transaction) -> Transaction:
        self.bench.ask(c.SubmitTransaction(transaction))
        return transaction


def spend(coin: tuple[Outpoint, int], fee: int = 10_000, outputs: int = 1) -> Transaction:
    """To whoever comes."""
    outpoint, value = coin
    share = TxOut((value - fee) // outputs, PAYABLE)
    return Transaction(2, (TxIn(outpoint),), (share,) * outputs, witnesses=((ANYONE,),))


def output(transaction: Transaction, index: int = 0) -> tuple[Outpoint, int]:
    return make_outpoint(transaction.txid, index), transaction.outputs[index].value


def of_pool(bench: Bench) -> list[n.Notice]:
    return told(bench, n.TransactionAdded, n.TransactionRemoved, n.TransactionRefused)


def removed(transaction: Transaction, reason: n.RemovalReason, **why: bytes) -> n.TransactionRemoved:
    return n.TransactionRemoved(transaction.txid, reason, **why)


def added(transaction: Transaction, fee: int = 10_000) -> n.TransactionAdded:
    return n.TransactionAdded(transaction.txid, fee, -(-transaction.weight // 4))


def test_a_transaction_that_enters() -> None:
    coins = Coins(1)
    payment = coins.submit(spend(coins.coin(1)))
    assert of_pool(coins.bench) == [added(payment)]


def test_a_transaction_that_is_refused() -> None:
    bench = Coins(1).bench
    bench.connect(1)
    told(bench)
    strange = Transaction(9, (TxIn(make_outpoint(Txid(bytes(range(32))), 0)),), (TxOut(1_000, PAYABLE),))
    bench.say(1, Tx(strange))
    assert of_pool(bench) == [n.TransactionRefused(strange.txid, TxReason.VERSION)]


def test_a_block_takes_a_transaction() -> None:
    coins = Coins(1)
    payment = coins.submit(spend(coins.coin(1)))
    coins.bench.ask(c.Generate(1, NOBODY))
    tip = coins.bench.node.view.tree.tip.hash
    assert of_pool(coins.bench) == [added(payment), removed(payment, n.RemovalReason.CONFIRMED, block=tip)]


def test_a_block_holds_another_spend() -> None:
    coins = Coins(1)
    loser = coins.submit(spend(coins.coin(1)))
    child = coins.submit(spend(output(loser)))
    of_pool(coins.bench)
    coins.bench.ask(c.GenerateBlock(NOBODY, (spend(coins.coin(1), fee=20_000),)))
    reason = n.RemovalReason.CONFLICT
    assert of_pool(coins.bench) == [removed(loser, reason), removed(child, reason)]


def test_a_reorganisation_takes_transactions_out_and_puts_them_in_again() -> None:
    coins = Coins(1)
    parent = coins.submit(spend(coins.coin(1)))
    coins.bench.ask(c.Generate(1, NOBODY))
    child = coins.submit(spend(output(parent)))
    of_pool(coins.bench)
    coins.bench.ask(c.InvalidateBlock(coins.bench.node.view.tree.tip.hash))
    assert of_pool(coins.bench) == [removed(child, n.RemovalReason.REORG), added(parent), added(child)]


def test_a_reorganisation_takes_the_ground_from_under_a_transaction() -> None:
    coins = Coins(1)
    young = coins.submit(spend(coins.coin(1)))
    of_pool(coins.bench)
    coins.bench.ask(c.InvalidateBlock(coins.bench.node.view.tree.tip.parent.hash))
    assert of_pool(coins.bench) == [removed(young, n.RemovalReason.REORG)]


def test_a_transaction_that_pays_more_takes_the_place_of_others() -> None:
    coins = Coins(1)
    loser = coins.submit(spend(coins.coin(1)))
    child = coins.submit(spend(output(loser)))
    of_pool(coins.bench)
    winner = coins.submit(spend(coins.coin(1), fee=50_000))
    reason = n.RemovalReason.REPLACED
    assert of_pool(coins.bench) == [
        removed(loser, reason, replaced_by=winner.txid),
        removed(child, reason, replaced_by=winner.txid),
        added(winner, 50_000),
    ]


def test_the_cheapest_makes_room() -> None:
    coins = Coins(3, bytes_max=5_000)
    bench, fee = coins.bench, 10_000
    cheapest = coins.submit(spend(coins.coin(1), fee))
    (entry,) = bench.node.view.mempool
    many = 5_000 // entry.usage_bytes
    chain = [output(coins.submit(spend(coins.coin(2), 10 * fee)))]
    of_pool(bench)
    while cheapest.txid in coins.pooled():
        chain.append(output(coins.submit(spend(chain[-1], 10 * fee))))
    *entered, evicted = of_pool(bench)
    assert len(entered) == many - 1
    assert evicted == removed(cheapest, n.RemovalReason.EVICTED)


def test_what_no_block_takes_for_too_long() -> None:
    coins = Coins(1, expiry_us=HOUR_US)
    payment = coins.submit(spend(coins.coin(1)))
    of_pool(coins.bench)
    coins.bench.wait(HOUR_US - SECOND_US)
    assert of_pool(coins.bench) == []
    coins.bench.wait(2 * SECOND_US)
    assert of_pool(coins.bench) == [removed(payment, n.RemovalReason.EXPIRED)]


def test_a_payment_that_the_disk_refuses() -> None:
    bench = funded()
    bench.saves = False
    bench.command(c.Pay((TxOut(20_000, NOBODY),)))
    (entry,) = bench.node.view.mempool
    of_pool(bench)
    bench.handle(Saved(WALLET_KEY, "no space left"))
    assert of_pool(bench) == [n.TransactionRemoved(entry.txid, n.RemovalReason.WITHDRAWN)]


def test_a_mempool_that_cannot_be_read() -> None:
    bench = Bench().crash(**{MEMPOOL_KEY: b"nonsense"})
    (notice,) = told(bench, n.MempoolNotRestored)
    assert notice.error


class Follower:
    """What somebody knows of a node who hears its notices and never looks at it."""

    def __init__(self, bench: Bench) -> None:
        self.chain = _chain(bench)
        self.pool = dict.fromkeys(entry.txid for entry in bench.node.view.mempool)
        self.reasons: set[n.RemovalReason] = set()

    def hear(self, notice: n.Notice) -> None:
        match notice:
            case n.BlockDisconnected(block, height):
                assert (self.chain.pop(), len(self.chain)) == (block, height)
            case n.BlockConnected(block, height):
                self.chain.append(block)
                assert len(self.chain) == height + 1
            case n.TipMoved(block, height):
                assert (self.chain[-1], len(self.chain)) == (block, height + 1)
            case n.TransactionAdded(txid):
                assert txid not in self.pool
                self.pool[txid] = None
            case n.TransactionRemoved(txid, reason):
                del self.pool[txid]
                self.reasons.add(reason)
            case _:
                pass


def _chain(bench: Bench) -> list[BlockHash]:
    tree = bench.node.view.tree
    return [tree.at_height(height).hash for height in range(tree.tip.height + 1)]


@pytest.mark.parametrize("seed", [b"1", b"2", b"3"])
def test_whoever_hears_all_notices_knows_the_chain_and_the_mempool(seed: bytes) -> None:
    rng = Rng(seed)
    coins = Coins(25, bytes_max=8_000, expiry_us=HOUR_US)
    bench, follower = coins.bench, Follower(coins.bench)
    values = dict(coins.coin(height) for height in range(1, 26))
    failed: list[BlockHash] = []

    def choose() -> tuple[Outpoint, int]:
        """A coin that something spends already, as often as not, or one of the youngest."""
        fought = [entry.transaction.inputs[0].outpoint for entry in bench.node.view.mempool if not entry.parents]
        names = fought if fought and rng.below(2) else list(values)[-25:]
        name = names[rng.below(len(names))]
        return name, values[name]

    for _ in range(250):
        height = bench.node.view.tree.tip.height
        # What is mined in the same second is the same block, and that may be marked invalid.
        bench.wait(SECOND_US)
        match rng.below(16):
            case 0:
                bench.command(c.Generate(1, NOBODY))
            case 1:
                bench.command(c.GenerateBlock(NOBODY, (spend(choose(), 30_000),)))
            case 2 | 5 if height > NETWORK.coinbase_maturity + 25:
                failed.append(bench.node.view.tree.at_height(height - rng.below(3)).hash)
                bench.ask(c.InvalidateBlock(failed[-1]))
            case 3 if failed:
                bench.ask(c.ReconsiderBlock(failed.pop()))
            case 4:
                bench.wait(HOUR_US // 2)
            case _:
                payment = spend(choose(), 10_000 * (1 + rng.below(40)), 1 + rng.below(4))
                bench.command(c.SubmitTransaction(payment))
                if payment.txid in coins.pooled():
                    values |= dict(output(payment, index) for index in range(len(payment.outputs)))
        for notice in told(bench):
            follower.hear(notice)
        assert follower.chain == _chain(bench)
        assert list(follower.pool) == coins.pooled()
    assert follower.reasons == set(n.RemovalReason) - {n.RemovalReason.WITHDRAWN}


# --- peers ---


def test_the_life_of_a_peer_in_order() -> None:
    bench = Bench()
    bench.connect(1)
    bench.handle(ConnectionClosed(ConnId(1), "the peer left"))
    conn = ConnId(1)
    assert told(bench, n.PeerOpened, n.PeerReady, n.PeerClosed) == [
        n.PeerOpened(conn, PEER, True),
        n.PeerReady(conn, PEER, "/scripted/", 0),
        n.PeerClosed(conn, PEER, "the peer left"),
    ]


def test_a_peer_that_breaks_the_protocol() -> None:
    bench = Bench()
    bench.connect(1)
    told(bench)
    bench.handle(ConnectionClosed(ConnId(1), "it opened too many streams", 20))
    assert told(bench, n.PeerPenalised, n.PeerClosed) == [
        n.PeerPenalised(ConnId(1), PEER, "it opened too many streams", 20),
        n.PeerClosed(ConnId(1), PEER, "it opened too many streams"),
    ]


def test_messages_that_are_passed_over() -> None:
    bench = Bench()
    bench.connect(1)
    told(bench)
    frame = bytearray(encode_frame(NETWORK.magic, Ping(1)))
    frame[-1] ^= 1
    for _ in range(3):
        bench.handle(BytesReceived(ConnId(1), bytes(frame)))
    first, second = told(bench, n.MessageDropped, n.PeerClosed)
    assert (first.conn, first.remote, first.count, second.count) == (1, PEER, 1, 2)
    assert "checksum" in first.reason


def test_a_peer_for_which_there_is_no_room() -> None:
    bench = Bench(NodePolicy(allowed_peers=(b"somebody",)))
    bench.handle(ConnectionOpened(ConnId(1), PEER, True, None))
    (refused,) = told(bench, n.PeerOpened, n.PeerRefused)
    assert (refused.conn, refused.remote, refused.reason) == (1, PEER, "not one of the allowed peers")


def test_a_dial_that_leads_nowhere() -> None:
    bench = Bench(NodePolicy(connect=(OTHER,)))
    (dial,) = bench.take(Dial)
    bench.handle(DialFailed(dial.conn, OTHER, "refused"))
    assert told(bench, n.PeerUnreachable) == [n.PeerUnreachable(OTHER, "refused", is_chosen=True)]


def test_a_caller_that_never_was_a_peer() -> None:
    bench = Bench()
    bench.handle(InboundFailed(OTHER, "garbage"))
    assert told(bench) == [n.InboundLost(OTHER, "garbage")]


def test_the_network_switched_off_and_on() -> None:
    bench = Bench()
    bench.connect(1)
    told(bench)
    bench.ask(c.SetNetworkActive(False))
    bench.ask(c.SetNetworkActive(True))
    off, closed, on = told(bench, n.NetworkSwitched, n.PeerClosed)
    assert (off, closed.conn, on) == (n.NetworkSwitched(False), 1, n.NetworkSwitched(True))


# --- addresses ---


def test_addresses_from_outside_the_network() -> None:
    bench = Bench()
    timed = TimedAddress(OTHER, 9, 0)
    bench.handle(AddressesFound(AddressSource.DNS, "seed.example", (timed,)))
    bench.handle(AddressesFound(AddressSource.DNS, "seed.example", (timed,)))
    assert told(bench, n.AddressesLearned) == [
        n.AddressesLearned(AddressSource.DNS, "seed.example", (OTHER,)),
        n.AddressesLearned(AddressSource.DNS, "seed.example", ()),
    ]


def test_addresses_that_their_source_takes_back() -> None:
    bench = Bench()
    bench.handle(AddressesFound(AddressSource.REGISTRY, "etcd", (TimedAddress(OTHER, 9, 0),)))
    told(bench)
    for gone in ((OTHER,), ()):
        bench.handle(AddressesWithdrawn(AddressSource.REGISTRY, "etcd", (OTHER,)))
        assert told(bench) == [n.AddressesForgotten(AddressSource.REGISTRY, "etcd", gone)]


def test_addresses_from_peers() -> None:
    bench = Bench()
    bench.connect(1)
    told(bench)
    heard = TimedAddress(OTHER, 9, bench.now // SECOND_US)
    bench.say(1, AddrV2((heard,)))
    bench.say(1, AddrV2((heard,)))
    assert told(bench, n.AddressesLearned) == [n.AddressesLearned(AddressSource.GOSSIP, str(PEER), (OTHER,))]


def test_an_address_that_the_operator_names() -> None:
    bench = Bench()
    bench.ask(c.AddPeerAddress(OTHER))
    assert told(bench, n.AddressesLearned) == [n.AddressesLearned(AddressSource.OPERATOR, "addpeeraddress", (OTHER,))]


def test_where_we_are_ourselves() -> None:
    assert told(Bench(NodePolicy(external_address=OTHER)), n.OwnAddressLearned) == [n.OwnAddressLearned(OTHER)]


# --- the wallet ---


def test_what_touches_the_wallet() -> None:
    bench = funded()
    bench.ask(c.Pay((TxOut(20_000, NOBODY),)))
    (entry,) = bench.node.view.mempool
    assert told(bench, n.WalletChanged) == [n.WalletChanged((entry.txid,))]
    bench.ask(c.Generate(1, NOBODY))
    assert told(bench, n.WalletChanged) == [n.WalletChanged((entry.txid,))]
    bench.ask(c.Generate(1, NOBODY))
    assert told(bench, n.WalletChanged) == []


def test_a_wallet_that_the_disk_refuses() -> None:
    bench = funded()
    bench.save_error = "no space left"
    bench.command(c.NewAddress(""))
    assert told(bench, n.WalletNotSaved) == [n.WalletNotSaved("no space left")]


def test_a_payment_that_is_given_up() -> None:
    bench = funded()
    tree = bench.node.view.tree
    while not any(entry.transaction.lock_time == tree.tip.height for entry in bench.node.view.mempool):
        bench.ask(c.Pay((TxOut(20_000, NOBODY),)))
    paid = list(bench.node.view.mempool)[-1]
    # Not final without the tip, so the mempool lets go of it.
    bench.ask(c.InvalidateBlock(tree.tip.hash))
    bench.ask(c.AbandonTransaction(paid.txid))
    assert told(bench, n.PaymentAbandoned) == [n.PaymentAbandoned(paid.txid)]
