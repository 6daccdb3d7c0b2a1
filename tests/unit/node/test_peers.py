"""Sessions of a node: faults and their price, floods in one read, early preferences, busy loops."""

import pytest
from tests.unit.node.bench import NETWORK, NOBODY, Bench

from minicoin.core.discovery.gossip import GossipPeerView
from minicoin.core.effects import Close, SaveState, Send
from minicoin.core.events import BytesReceived, ConnectionOpened
from minicoin.core.node.commands import Generate
from minicoin.core.node.policy import NodePolicy
from minicoin.core.node.queries import NodeQueries
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.units import MINUTE_US, SECOND_US
from minicoin.core.wire.frame import encode_frame
from minicoin.core.wire.messages import (
    Addr,
    BlockMessage,
    GetAddr,
    GetBlocks,
    GetData,
    Headers,
    Inv,
    InventoryVector,
    InvType,
    NetAddress,
    Ping,
    Pong,
    SendHeaders,
    Verack,
    Version,
)
from minicoin.testing.chain_maker import ChainMaker

MAGIC = NETWORK.magic


def version(bench, nonce=5):
    return Version(70016, 9, bench.now // SECOND_US, NetAddress(), NetAddress(), nonce, "/scripted/", 0)


def closes(bench):
    return [effect.reason for effect in bench.take(Close)]


def test_a_small_fault_does_not_swallow_what_follows_in_one_read():
    bench = Bench()
    bench.connect(1)
    bench.take(Send)
    again = encode_frame(MAGIC, version(bench))
    bench.handle(BytesReceived(1, again + again + encode_frame(MAGIC, Ping(9))))
    assert bench.take(Pong) == [Pong(9)]


def test_a_flood_of_duplicate_versions_is_banned_at_the_score_and_cannot_stop_the_node():
    bench = Bench()
    bench.connect(1)
    flood = encode_frame(MAGIC, version(bench)) * 600
    for _ in range(80):
        bench.handle(BytesReceived(1, flood[: 64 << 10]))
    assert closes(bench) == ["duplicate version message"]
    assert bench.node.parts.sessions == {}


@pytest.mark.parametrize("score", [100, 100_000])
def test_a_stream_that_cannot_be_read_ends_the_session_whatever_the_ban_score(score):
    bench = Bench(NodePolicy(ban_score=score))
    bench.connect(1)
    bench.take(Send)
    broken = bytearray(encode_frame(MAGIC, Ping(1)))
    broken[-1] ^= 1
    bench.handle(BytesReceived(1, bytes(broken)))
    assert len(closes(bench)) == 1
    assert bench.node.parts.sessions == {}


def test_faults_add_up_to_a_ban_that_is_saved_and_refuses_the_next_connection():
    bench = Bench()
    bench.connect(1, host="8.8.4.4")
    bench.take(Send)
    orphan = Headers((NETWORK.genesis.header,) * 2)
    for _ in range(5):
        bench.say(1, orphan)
    assert [effect.key for effect in bench.take(SaveState)] == ["bans"]
    assert bench.node.parts.sessions == {}
    bench.handle(ConnectionOpened(3, NodeAddress("8.8.4.4", 5), True, None))
    (reason,) = closes(bench)
    assert reason.startswith("banned")


def test_another_networks_dialler_hears_our_version_and_is_closed_with_a_reason():
    bench = Bench()
    bench.handle(ConnectionOpened(1, NodeAddress("127.0.0.1", 5), True, None))
    bench.take(Send)
    bench.handle(BytesReceived(1, encode_frame(b"\xf9\xbe\xb4\xd9", version(bench))))
    kinds = [type(effect) if isinstance(effect, Close) else type(effect.message) for effect in bench.seen_sends()]
    assert kinds == [Version, Close]


def test_sendheaders_before_verack_counts():
    bench = Bench()
    bench.handle(ConnectionOpened(1, NodeAddress("127.0.0.1", 5), True, None))
    for message in (version(bench), SendHeaders(), Verack()):
        bench.say(1, message)
    assert bench.node.parts.sync.peer(1).prefers_headers


def test_a_second_connection_of_one_node_is_closed():
    bench = Bench()
    bench.connect(1, nonce=77)
    bench.take(Send)
    bench.connect(3, nonce=77)
    assert "already connected to this peer" in closes(bench)
    assert list(bench.node.parts.sessions) == [1]


def test_a_mute_peer_is_dropped_after_the_handshakes_time():
    bench = Bench()
    bench.handle(ConnectionOpened(1, NodeAddress("127.0.0.1", 5), True, None))
    bench.take(Send)
    bench.wait(MINUTE_US)
    assert closes(bench) == ["no handshake within 60 s"]


def test_deadlines_always_make_progress_with_mute_and_lying_peers():
    bench = Bench()
    for conn in (1, 3, 5):
        bench.connect(conn)
        bench.say(conn, Inv((InventoryVector(InvType.WITNESS_BLOCK, bytes([conn]) * 32),)))
        bench.say(conn, Inv((InventoryVector(InvType.WTX, b"t" * 32),)))
    bench.wait(60 * MINUTE_US)
    assert bench.node.parts.sessions == {}


def test_the_last_of_500_blocks_names_the_tip():
    bench = Bench()
    bench.ask(Generate(510, NOBODY))
    bench.connect(1)
    bench.take(Send)
    bench.say(1, GetBlocks(70016, (NETWORK.genesis.hash,)))
    (inv,) = bench.take(Inv)
    assert len(inv.inventory) == 500
    bench.say(1, GetData((InventoryVector(InvType.WITNESS_BLOCK, inv.inventory[-1].hash),)))
    assert bench.take(Inv) == [Inv((InventoryVector(InvType.BLOCK, bench.node.parts.tree.tip.hash),))]


def addresses_after(bench):
    """(what was said of addresses, how many are kept) after a peer asked for some and told of one."""
    remote = NodeAddress("127.0.0.1", 20_001)
    bench.connect(1)
    bench.take(Send)
    bench.say(1, Addr((TimedAddress(remote, 9, bench.now // SECOND_US),)))
    bench.say(1, GetAddr())
    sent = [effect.message for effect in bench.seen_sends() if isinstance(effect, Send)]
    return [message for message in sent if isinstance(message, Addr)], bench.node.parts.book.size


def test_a_node_that_does_not_gossip_tells_and_keeps_no_address():
    told, kept = addresses_after(Bench(NodePolicy()))
    assert (len(told), kept) == (1, 1)
    assert addresses_after(Bench(NodePolicy(gossips=False))) == ([], 0)


def peer_of(bench, conn):
    (found,) = [peer for peer in NodeQueries(bench.node, bench.now).network.peers() if peer.session.conn == conn]
    return found


def test_a_peer_that_gives_a_new_block_is_remembered_for_it_and_one_that_repeats_it_is_not():
    bench = Bench()
    bench.connect(1)
    bench.connect(3)
    maker = ChainMaker(NETWORK)
    block = maker.next_block(maker.new_branch())
    bench.say(1, BlockMessage(block))
    bench.say(3, BlockMessage(block))
    assert peer_of(bench, 1).session.last_block_at == bench.now
    assert peer_of(bench, 3).session.last_block_at == 0


def test_addresses_looked_at_and_those_that_were_too_many_are_counted_per_peer():
    bench = Bench()
    bench.connect(1)
    told = tuple(TimedAddress(NodeAddress("127.0.0.1", 20_000 + number), 9, 0) for number in range(7))
    bench.say(1, Addr(told))
    assert peer_of(bench, 1).gossip == GossipPeerView(1, 6)


def test_a_peer_shows_what_it_was_told_of_our_fee_rate():
    bench = Bench()
    bench.connect(1)
    assert peer_of(bench, 1).relay.sent_feefilter_sat_per_kvb == bench.node.parts.mempool.min_feerate(bench.now)


def test_a_collision_in_the_address_book_is_resolved_by_the_clock():
    """A node with two addresses for one tried slot: nobody tests the holder, and its rival has the slot in the end."""
    bench = Bench()
    book = bench.node.parts.book
    rival = None
    for number in range(1, 4_000):
        address = NodeAddress(f"10.{number // 250}.7.{number % 250 + 1}", 18_444)
        book.add([TimedAddress(address, 1, bench.now // SECOND_US)], None, bench.now)
        book.mark_good(address, bench.now)
        if book.snapshot().collisions:
            (rival,) = book.snapshot().collisions
            break
    assert rival is not None
    bench.node.parts.connections.is_active = False
    bench.wait(5 * 60 * MINUTE_US)
    assert book.snapshot().collisions == ()
    book.mark_good(rival, bench.now)
    assert book.snapshot().collisions == (rival,)
    bench.wait(45 * MINUTE_US)
    assert book.snapshot().collisions == ()
    record = book.find(rival)
    assert record is not None
    assert record.is_tried
