"""Each notice is told by a node when what it says has happened, with what it is about, and in order."""

from tests.unit.node.bench import NETWORK, NOBODY, Bench

from minicoin.core import notices as n
from minicoin.core.effects import Dial, SearchNonce
from minicoin.core.events import (
    AddressesFound,
    BlockRefused,
    ConnectionClosed,
    ConnectionOpened,
    DialFailed,
    InboundFailed,
    NonceFound,
    WorkFailed,
)
from minicoin.core.mining.search import search
from minicoin.core.node import commands as c
from minicoin.core.node.node import MEMPOOL_KEY
from minicoin.core.node.policy import NodePolicy
from minicoin.core.primitives.address import AddressSource, NodeAddress, TimedAddress
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.primitives.verdicts import BlockReason, InvalidBlock, TxReason
from minicoin.core.script.standard import address_script
from minicoin.core.units import ConnId
from minicoin.core.wire.messages import Inv, InventoryVector, InvType

PEER = NodeAddress("127.0.0.1", 40_001)
OTHER = NodeAddress("10.1.2.3", 18444)


def told(bench: Bench, *kinds: type) -> list[n.Notice]:
    """Notices since the last look at anything, all or those of these kinds."""
    return bench.take(kinds or n.Notice)


def funded() -> Bench:
    """A node whose wallet has one mature coin."""
    bench = Bench()
    bench.ask(c.CreateWallet(b""))
    script = address_script(bench.ask(c.NewAddress("")), NETWORK.address_format)
    bench.ask(c.Generate(1, script))
    bench.ask(c.Generate(NETWORK.coinbase_maturity, NOBODY))
    told(bench)
    return bench


# --- the chain ---


def test_every_tip_is_told() -> None:
    bench = Bench()
    bench.ask(c.Generate(2, NOBODY))
    tip = bench.node.parts.tree.tip
    assert told(bench, n.TipMoved) == [n.TipMoved(tip.parent.hash, 1, 1), n.TipMoved(tip.hash, 2, 2)]


def test_blocks_that_leave_the_chain_are_counted() -> None:
    bench = Bench()
    first = bench.engine.tip
    bench.ask(c.Generate(2, NOBODY))
    block = bench.node.parts.tree.tip.parent.hash
    told(bench)
    bench.ask(c.InvalidateBlock(block))
    assert told(bench, n.Reorganised, n.TipMoved) == [n.Reorganised(2, 0, first)]


def test_a_block_that_breaks_a_rule() -> None:
    bench = Bench()
    bench.ask(c.Generate(1, NOBODY))
    tip = bench.node.parts.tree.tip.hash
    told(bench)
    invalid = InvalidBlock(tip, BlockReason.MERKLE_ROOT, "hashMerkleRoot mismatch", is_permanent=True)
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
    tip = bench.node.parts.tree.tip.hash
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


def test_a_transaction_that_enters() -> None:
    bench = funded()
    bench.ask(c.Pay((TxOut(20_000, NOBODY),)))
    (entry,) = bench.node.parts.mempool
    assert told(bench, n.TransactionAdded) == [n.TransactionAdded(entry.txid, entry.fee_sat, entry.vsize)]


def test_a_transaction_that_is_refused() -> None:
    bench = Bench()
    stranger = Transaction(2, (TxIn(make_outpoint(bytes(range(32)), 0), b"", 0),), (TxOut(1_000, NOBODY),), 0)
    bench.command(c.SubmitTransaction(stranger))
    refused = n.TransactionRefused(stranger.txid, TxReason.MISSING_OR_SPENT)
    assert told(bench, n.TransactionAdded, n.TransactionRefused) == [refused]


def test_a_mempool_that_cannot_be_read() -> None:
    bench = Bench().crash(**{MEMPOOL_KEY: b"nonsense"})
    (notice,) = told(bench, n.MempoolNotRestored)
    assert notice.error


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
    bench.say(1, Inv((InventoryVector(InvType.TX, bytes(32)),) * 50_001))
    penalty, closed = told(bench, n.PeerPenalised, n.PeerClosed)
    assert (penalty.conn, penalty.remote, penalty.score > 0) == (1, PEER, True)
    assert closed.remote == PEER


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
        n.AddressesLearned(AddressSource.DNS, "seed.example", 1),
        n.AddressesLearned(AddressSource.DNS, "seed.example", 0),
    ]


def test_where_we_are_ourselves() -> None:
    assert told(Bench(NodePolicy(external_address=OTHER)), n.OwnAddressLearned) == [n.OwnAddressLearned(OTHER)]


# --- the wallet ---


def test_a_wallet_that_the_disk_refuses() -> None:
    bench = funded()
    bench.save_error = "no space left"
    bench.command(c.NewAddress(""))
    assert told(bench, n.WalletNotSaved) == [n.WalletNotSaved("no space left")]


def test_a_payment_that_is_given_up() -> None:
    bench = funded()
    bench.ask(c.Pay((TxOut(20_000, NOBODY),)))
    (entry,) = bench.node.parts.mempool
    bench.node.transactions.withdraw(entry.transaction, 0, "test")
    bench.ask(c.AbandonTransaction(entry.txid))
    assert told(bench, n.PaymentAbandoned) == [n.PaymentAbandoned(entry.txid)]
