"""Sessions of a node: faults and their price, floods in one read, early preferences, busy loops."""

from dataclasses import replace

import pytest
from tests.unit.node.bench import NETWORK, NOBODY, Bench

from minicoin.core.commands import Generate
from minicoin.core.connmgr.bans import BanPolicy
from minicoin.core.crypto.hashing import sha256d
from minicoin.core.discovery.gossip import GossipPeerView
from minicoin.core.effects import Close, Dial, SaveState, Send
from minicoin.core.events import AddressesFound, BytesReceived, ConnectionClosed, ConnectionOpened
from minicoin.core.limits import HALF_OPEN_PER_ADDRESS_MAX
from minicoin.core.notices import MessageDropped, PeerClosed
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import AddressSource, NodeAddress, TimedAddress
from minicoin.core.queries.node import NodeQueries
from minicoin.core.units import DAY_US, MINUTE_US, SECOND_US
from minicoin.core.wire.frame import encode_frame
from minicoin.core.wire.messages import (
    Addr,
    BlockMessage,
    FilterAdd,
    FilterClear,
    FilterLoad,
    GetAddr,
    GetBlocks,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    GetData,
    Headers,
    Inv,
    InventoryVector,
    InvType,
    MemPool,
    NetAddress,
    Ping,
    Pong,
    SendAddrV2,
    SendHeaders,
    Verack,
    Version,
    WtxidRelay,
)
from minicoin.testing.chain_maker import ChainMaker

MAGIC = NETWORK.magic


def version(bench, nonce=5):
    return Version(70016, 9, bench.now // SECOND_US, NetAddress(), NetAddress(), nonce, "/scripted/", 0)


def closes(bench):
    return [effect.reason for effect in bench.take(Close)]


GREEDY = GetData((InventoryVector(InvType.BLOCK, NETWORK.genesis.hash),) * 20)
"""A small fault, where no more requests wait than `short_line` allows."""


@pytest.fixture
def short_line(monkeypatch):
    monkeypatch.setattr("minicoin.core.netsync.serving.SERVE_QUEUE_ITEMS_MAX", 10)


def test_headers_that_do_not_follow_each_other_are_no_small_fault():
    bench = Bench()
    bench.connect(1, host="8.8.4.4")
    bench.take(Send)
    bench.say(1, Headers((NETWORK.genesis.header,) * 2))
    assert closes(bench) == ["headers do not follow each other"]
    assert len(bench.node.view.connections.bans.listing()) == 1


@pytest.mark.usefixtures("short_line")
def test_a_small_fault_does_not_swallow_what_follows_in_one_read():
    bench = Bench()
    bench.connect(1)
    bench.take(Send)
    bench.handle(BytesReceived(1, encode_frame(MAGIC, GREEDY) + encode_frame(MAGIC, Ping(9))))
    assert bench.take(Pong) == [Pong(9)]
    assert peer_of(bench, 1).score == 20


def test_second_versions_and_veracks_are_ignored_however_many():
    bench = Bench()
    bench.connect(1)
    bench.take(Send)
    flood = (encode_frame(MAGIC, version(bench)) + encode_frame(MAGIC, Verack())) * 400
    for _ in range(20):
        bench.handle(BytesReceived(1, flood))
    assert bench.seen_sends() == []
    assert peer_of(bench, 1).score == 0


def broken(message):
    frame = bytearray(encode_frame(MAGIC, message))
    frame[-1] ^= 1
    return bytes(frame)


def test_a_damaged_message_is_dropped_and_the_connection_stays():
    bench = Bench()
    bench.connect(1)
    bench.take(Send)
    short = b"".join((MAGIC, b"ping".ljust(12, b"\0"), bytes(4), sha256d(b"")[:4]))
    bench.handle(BytesReceived(1, broken(Ping(1)) + short + encode_frame(MAGIC, Ping(9))))
    assert [effect.message for effect in bench.seen_sends()] == [Pong(9)]
    assert peer_of(bench, 1).score == 0


def test_a_flood_of_damaged_messages_makes_few_lines():
    bench = Bench()
    bench.connect(1)
    bench.take(Send)
    bench.handle(BytesReceived(1, broken(Ping(1)) * 1_000))
    told = [notice.count for notice in bench.take(MessageDropped)]
    assert told == [1 << power for power in range(10)]


@pytest.mark.parametrize("score", [100, 100_000])
@pytest.mark.parametrize("what", ["another magic", "too long", "too many"])
def test_a_stream_that_cannot_be_read_ends_the_session_whatever_the_ban_score(score, what):
    bench = Bench(NodePolicy(bans=BanPolicy(score)))
    bench.connect(1)
    bench.take(Send)
    payload = bytes(36 * 50_001 + 5)
    data = {
        "another magic": encode_frame(b"\xf9\xbe\xb4\xd9", Ping(1)),
        "too long": MAGIC + b"block".ljust(12, b"\0") + (4_000_001).to_bytes(4, "little") + bytes(4),
        "too many": MAGIC
        + b"inv".ljust(12, b"\0")
        + len(payload).to_bytes(4, "little")
        + sha256d(payload)[:4]
        + payload,
    }[what]
    bench.handle(BytesReceived(1, data))
    assert len(closes(bench)) == 1
    assert bench.node.view.sessions == {}


@pytest.mark.parametrize("late", [WtxidRelay(), SendAddrV2()], ids=str)
def test_features_negotiated_too_late_end_the_connection_without_blame(late):
    bench = Bench()
    bench.connect(1, host="8.8.4.4")
    bench.take(Send)
    bench.say(1, late)
    assert closes(bench) == [f"{type(late).__name__.lower()} after verack"]
    assert bench.node.view.connections.bans.listing() == ()


SERVICES_WE_LACK = [
    MemPool(),
    FilterLoad(b"\0", 1, 0, 0),
    FilterAdd(b"x"),
    FilterClear(),
    GetCFilters(0, 0, NETWORK.genesis.hash),
    GetCFHeaders(0, 0, NETWORK.genesis.hash),
    GetCFCheckpt(0, NETWORK.genesis.hash),
]


@pytest.mark.parametrize("message", SERVICES_WE_LACK, ids=lambda message: type(message).__name__)
def test_asking_for_a_service_that_we_do_not_offer_ends_the_connection_without_blame(message):
    bench = Bench()
    bench.connect(1, host="8.8.4.4")
    bench.take(Send)
    bench.say(1, message)
    (reason,) = closes(bench)
    assert "without NODE_" in reason
    assert bench.node.view.connections.bans.listing() == ()


@pytest.mark.usefixtures("short_line")
def test_faults_add_up_to_a_ban_that_is_saved_and_refuses_the_next_connection():
    bench = Bench()
    bench.connect(1, host="8.8.4.4")
    bench.take(Send)
    for _ in range(5):
        bench.say(1, GREEDY)
    assert [effect.key for effect in bench.take(SaveState)] == ["bans"]
    assert bench.node.view.sessions == {}
    bench.handle(ConnectionOpened(3, NodeAddress("8.8.4.4", 5), True, None))
    (reason,) = closes(bench)
    assert reason.startswith("banned")


def stranger(bench, *pieces):
    """What an inbound connection brings about whose first bytes are these."""
    bench.handle(ConnectionOpened(1, NodeAddress("8.8.4.4", 5), True, None))
    bench.take(Send)
    for piece in pieces:
        bench.handle(BytesReceived(1, piece))
    return bench.seen_sends()


def test_another_networks_dialler_hears_our_version_and_is_closed_with_a_reason_that_names_both():
    bench = Bench()
    sends = stranger(bench, encode_frame(b"\xf9\xbe\xb4\xd9", version(bench)))
    heard, closed = sends
    assert isinstance(heard.message, Version)
    assert closed.reason == (
        f"wrong network: it speaks bitcoin (magic f9beb4d9), this node regtest (magic {MAGIC.hex()})"
    )
    assert bench.node.view.connections.bans.listing() == ()


def test_whom_we_dialled_in_another_network_is_named_too():
    bench = Bench(NodePolicy(connect=(NodeAddress("127.0.0.1", 8333),)))
    bench.wait(SECOND_US)
    (dial,) = bench.take(Dial)
    bench.handle(ConnectionOpened(dial.conn, dial.address, False, None))
    bench.handle(BytesReceived(dial.conn, encode_frame(b"\x01\x02\x03\x04", version(bench))))
    (reason,) = closes(bench)
    assert reason.startswith("wrong network: it speaks a network unknown here (magic 01020304), this node regtest")


LIBP2P = (b"\x13/multistream/1.0.0\n",)
GREETINGS = {
    "an encrypted transport's": bytes.fromhex("9c3f01e4a7") * 13,
    "libp2p's": LIBP2P[0],
    "a browser's": b"GET / HTTP/1.1\r\nHost: node.example\r\n\r\n",
}


@pytest.mark.parametrize("greeting", GREETINGS.values(), ids=list(GREETINGS))
@pytest.mark.parametrize("step", [1, 7, 1_000])
def test_a_greeting_in_another_protocol_is_met_with_silence_and_a_close(greeting, step):
    """A default Bitcoin Core node tries its encrypted transport first, and this one if it heard nothing."""
    bench = Bench()
    sends = stranger(bench, *(greeting[at : at + step] for at in range(0, len(greeting), step)))
    assert [type(effect) for effect in sends] == [Close]
    what = "libp2p" if greeting in LIBP2P else "another protocol"
    assert sends[0].reason.startswith(f"it speaks {what}") and "over plain TCP" in sends[0].reason
    assert bench.node.view.connections.bans.listing() == ()
    bench.connect(3, host="8.8.4.4")
    assert peer_of(bench, 3).session.state == "ready"


def test_fifteen_bytes_of_a_greeting_are_waited_for_as_long_as_a_handshake_may_take():
    bench = Bench()
    assert stranger(bench, bytes(15)) == []
    bench.wait(MINUTE_US)
    assert closes(bench) == ["no handshake within 60 s"]


def test_sendheaders_before_verack_counts():
    bench = Bench()
    bench.handle(ConnectionOpened(1, NodeAddress("127.0.0.1", 5), True, None))
    for message in (version(bench), SendHeaders(), Verack()):
        bench.say(1, message)
    assert bench.node.view.sync.view(1).prefers_headers


def test_who_repeats_a_nonce_keeps_nobody_away():
    bench = Bench()
    bench.connect(1, nonce=77)
    bench.connect(3, nonce=77)
    assert list(bench.node.view.sessions) == [1, 3]
    assert closes(bench) == []


def dialled(bench):
    """The connection that a node opened which was told of one address, and the version it sent on it."""
    bench.wait(SECOND_US)
    (dial,) = bench.take(Dial)
    bench.handle(ConnectionOpened(dial.conn, dial.address, False, None))
    (ours,) = bench.take(Version)
    return dial, ours


def test_a_connection_to_ourselves_is_closed_at_both_ends_and_not_dialled_again():
    bench = Bench(NodePolicy(add_nodes=(NodeAddress("127.0.0.1", 7),)))
    dial, ours = dialled(bench)
    bench.handle(ConnectionOpened(1, NodeAddress("127.0.0.1", 40_001), True, None))
    bench.say(1, ours)
    assert closes(bench) == ["connected to ourselves", "connected to ourselves"]
    bench.handle(ConnectionClosed(dial.conn, "connected to ourselves"))
    bench.wait(30 * MINUTE_US)
    assert bench.take(Dial) == []


@pytest.mark.parametrize(
    ("peer_id", "doubt"), [(b"", "is it a node of this network?"), (b"peer", "does a second node run with this")]
)
def test_who_hangs_up_without_a_word_is_doubted_by_what_its_handshake_showed(peer_id, doubt):
    bench = Bench(NodePolicy(add_nodes=(NodeAddress("127.0.0.1", 7, peer_id=peer_id),)))
    dial, _ = dialled(bench)
    bench.handle(ConnectionClosed(dial.conn, "the peer closed the session"))
    (closed,) = bench.take(PeerClosed)
    assert doubt in closed.reason


def test_a_nonce_that_somebody_learned_from_us_ends_only_his_own_connections():
    bench = Bench(NodePolicy(add_nodes=(NodeAddress("127.0.0.1", 7), NodeAddress("127.0.0.1", 8))))
    bench.wait(SECOND_US)
    thief, friend = bench.take(Dial)
    bench.handle(ConnectionOpened(thief.conn, thief.address, False, None))
    (ours,) = bench.take(Version)
    bench.handle(ConnectionOpened(friend.conn, friend.address, False, None))
    bench.say(friend.conn, version(bench))
    bench.say(friend.conn, Verack())
    # Repeated to us, it gives away the repeater; said over and over it reaches nobody else.
    for conn in (1, 3):
        bench.handle(ConnectionOpened(conn, NodeAddress("127.0.0.1", 40_000 + conn), True, None))
        bench.say(conn, ours)
    assert friend.conn in bench.node.view.sessions
    assert thief.conn not in bench.node.view.sessions
    assert 3 in bench.node.view.sessions


WITHOUT = {"nothing": 0, "no witnesses": 1, "no blocks": 8}


@pytest.mark.parametrize("services", WITHOUT.values(), ids=list(WITHOUT))
def test_an_automatic_peer_that_does_not_offer_what_a_node_comes_for_is_left(services):
    bench = Bench()
    bench.handle(AddressesFound(AddressSource.DNS, "test", (TimedAddress(NodeAddress("127.0.0.1", 7), 9, 0),)))
    dial, _ = dialled(bench)
    bench.say(dial.conn, replace(version(bench), services=services))
    (reason,) = closes(bench)
    assert reason.startswith(f"offers services {services:016x}")
    assert bench.node.view.connections.bans.listing() == ()


@pytest.mark.parametrize(("days", "stays"), [(0, True), (2, False)])
def test_a_peer_with_recent_blocks_only_will_do_for_a_node_that_lacks_no_others(days, stays):
    bench = Bench()
    bench.now += days * DAY_US
    bench.handle(AddressesFound(AddressSource.DNS, "test", (TimedAddress(NodeAddress("127.0.0.1", 7), 9, 0),)))
    dial, _ = dialled(bench)
    bench.say(dial.conn, replace(version(bench), services=1 << 10 | 8))
    assert (closes(bench) == []) == stays


@pytest.mark.parametrize("services", [0, 9, 1 << 10 | 8])
def test_a_peer_that_a_person_named_or_that_came_by_itself_may_offer_anything(services):
    bench = Bench(NodePolicy(add_nodes=(NodeAddress("127.0.0.1", 7),)))
    dial, _ = dialled(bench)
    bench.handle(ConnectionOpened(1, NodeAddress("127.0.0.1", 40_001), True, None))
    for conn in (dial.conn, 1):
        bench.say(conn, replace(version(bench, conn), services=services))
        bench.say(conn, Verack())
    assert set(bench.node.view.sessions) == {dial.conn, 1}


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
    assert bench.node.view.sessions == {}


def test_the_last_of_500_blocks_names_the_tip():
    bench = Bench()
    bench.ask(Generate(510, NOBODY))
    bench.connect(1)
    bench.take(Send)
    bench.say(1, GetBlocks(70016, (NETWORK.genesis.hash,)))
    (inv,) = bench.take(Inv)
    assert len(inv.inventory) == 500
    bench.say(1, GetData((InventoryVector(InvType.WITNESS_BLOCK, inv.inventory[-1].hash),)))
    assert bench.take(Inv) == [Inv((InventoryVector(InvType.BLOCK, bench.node.view.tree.tip.hash),))]


def addresses_after(bench):
    """(what was said of addresses, how many are kept) after a peer asked for some and told of one."""
    remote = NodeAddress("127.0.0.1", 20_001)
    bench.connect(1)
    bench.take(Send)
    bench.say(1, Addr((TimedAddress(remote, 9, bench.now // SECOND_US),)))
    bench.say(1, GetAddr())
    sent = [effect.message for effect in bench.seen_sends() if isinstance(effect, Send)]
    return [message for message in sent if isinstance(message, Addr)], bench.node.view.book.size


def test_a_node_that_does_not_gossip_tells_and_keeps_no_address():
    told, kept = addresses_after(Bench(NodePolicy()))
    assert (len(told), kept) == (1, 1)
    assert addresses_after(Bench(NodePolicy(gossips=False))) == ([], 0)


def peer_of(bench, conn):
    (found,) = [peer for peer in NodeQueries(bench.node.view, bench.now).network.peers() if peer.session.conn == conn]
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


def test_a_collision_in_the_address_book_is_resolved_by_the_clock():
    """A node with two addresses for one tried slot: nobody tests the holder, and its rival has the slot in the end."""
    bench = Bench()
    book = bench.node.view.book
    rival = None
    for number in range(1, 4_000):
        address = NodeAddress(f"10.{number // 250}.7.{number % 250 + 1}", 18_444)
        book.add([TimedAddress(address, 1, bench.now // SECOND_US)], None, bench.now)
        book.mark_good(address, bench.now)
        if book.snapshot().collisions:
            (rival,) = book.snapshot().collisions
            break
    assert rival is not None
    bench.node.view.connections.is_active = False
    bench.wait(5 * 60 * MINUTE_US)
    assert book.snapshot().collisions == ()
    book.mark_good(rival, bench.now)
    assert book.snapshot().collisions == (rival,)
    bench.wait(45 * MINUTE_US)
    assert book.snapshot().collisions == ()
    record = book.find(rival)
    assert record is not None
    assert record.is_tried


def test_a_hundred_and_thirty_mute_connections_from_one_address_keep_nobody_out():
    bench = Bench()
    for conn in range(1, 261, 2):
        bench.handle(ConnectionOpened(conn, NodeAddress("8.8.4.4", conn), True, None))
        for closed in bench.take(Close):
            bench.handle(ConnectionClosed(closed.conn, closed.reason))
    bench.connect(1_001, host="9.9.9.9")
    bench.connect(1_003, host="8.8.4.4")
    assert [peer_of(bench, conn).session.state for conn in (1_001, 1_003)] == ["ready", "ready"]
    assert len(bench.node.view.sessions) <= HALF_OPEN_PER_ADDRESS_MAX + 2
