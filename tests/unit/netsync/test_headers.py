"""Which headers are kept: chains of little work heard twice, strays bounded in all, what reaches the disk."""

from dataclasses import dataclass, replace

import pytest
from tests.unit.netsync.scripted import NETWORK, Peer, Stage, chain, peer_view

from minicoin.core.chain.header_node import SAVED
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import SaveHeaders, Send, StoreBlock
from minicoin.core.limits import (
    HEADERS_PER_MESSAGE_MAX,
    NEAR_TIP_BLOCKS,
    PRESYNC_BIT_EVERY_HEADERS,
    PRESYNC_BUFFER_HEADERS,
    PRESYNCS_MAX,
)
from minicoin.core.netsync.presync import Presync
from minicoin.core.primitives.address import Services
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.target import bits_to_target, meets_target
from minicoin.core.units import DAY_US, SECOND_US, Micros
from minicoin.core.wire.messages import GetHeaders, Headers, Inv, InventoryVector, InvType

WORK = HeaderTree(NETWORK).genesis.chainwork
BITS = NETWORK.genesis.header.bits
TARGET = bits_to_target(BITS)


@dataclass(frozen=True)
class Body:
    """Of a block nobody will ever see more than the header."""

    header: BlockHeader

    @property
    def hash(self) -> BlockHash:
        return self.header.hash


def grow(parent, count, seed):
    """`count` headers on `parent`, seconds apart; the seed tells branches apart."""
    found = []
    for number in range(count):
        nonce = 0
        while True:
            time = parent.time + 1 + (seed % 7 if number == 0 else 0)
            header = BlockHeader(4, parent.hash, seed.to_bytes(32, "big"), time, BITS, nonce)
            if meets_target(header.hash, TARGET):
                break
            nonce += 1
        found.append(header)
        parent = header
    return found


def from_genesis(count, seed=1):
    return grow(NETWORK.genesis.header, count, seed)


def stage_at(height, **changes):
    """A node whose tip is `height` blocks up, a year after its last block's time."""
    stage = Stage(365 * 86_400, replace(NETWORK, **changes))
    headers = from_genesis(height)
    stage.tree.load(headers)
    if headers:
        stage.tree.set_tip(headers[-1].hash)
    return stage


def talk(stage, conn, headers, *, inbound=True):
    """A peer with these headers connects and answers what it is asked, until it is asked no more."""
    peer = stage.connect(conn, Peer([Body(header) for header in headers], bodies=False), inbound=inbound)
    while stage.wire.get(conn):
        stage.deliver(conn)
    return peer


def push(stage, conn, headers):
    """A peer says headers that nobody asked for, message by message."""
    for start in range(0, len(headers), HEADERS_PER_MESSAGE_MAX):
        stage.handle(conn, Headers(tuple(headers[start : start + HEADERS_PER_MESSAGE_MAX])))


def questions(peer):
    return [message.block_locator_hashes for message in peer.heard if isinstance(message, GetHeaders)]


# --- little work ---


def test_reconnecting_does_not_buy_room_for_headers_of_little_work():
    """Sixteen connections one after the other, 10,000 headers each, below a tip of more work: none is kept."""
    stage = stage_at(10_200)
    known = len(stage.tree)
    saved = []
    stage.perform = lambda effects, perform=stage.perform: (
        saved.extend(effect for effect in effects if isinstance(effect, SaveHeaders)),
        perform(effects),
    )
    for number in range(16):
        conn = 1 + 2 * number
        stage.connect(conn, Peer((), headers=False), inbound=True)
        push(stage, conn, from_genesis(10_000, seed=2 + number))
        assert stage.sync.peer(conn).best_known is None
        stage.disconnect(conn)
    assert len(stage.tree) == known
    assert saved == []


@pytest.mark.parametrize("is_trusted", [True, False])
def test_headers_of_little_work_are_kept_of_a_trusted_peer(is_trusted):
    stage = stage_at(10_200)
    stage.connect(1, Peer((), headers=False), inbound=True)
    stage.sync.peer(1).is_trusted = is_trusted
    headers = from_genesis(20, seed=2)
    push(stage, 1, headers)
    assert (headers[-1].hash in stage.tree) is is_trusted


def test_forks_near_the_tip_are_kept_and_deeper_ones_of_less_work_are_ignored_without_blame():
    stage = stage_at(400)
    fork = stage.tree.at_height(390).header
    stage.connect(1, Peer(()), inbound=True)
    near, deep = grow(fork, 3, 5), from_genesis(400 - NEAR_TIP_BLOCKS - 1, seed=9)
    push(stage, 1, near)
    assert near[-1].hash in stage.tree
    push(stage, 1, deep)
    assert deep[0].hash not in stage.tree
    # One more block, and the whole chain counts.
    deep += grow(deep[-1], 1, 9)
    push(stage, 1, deep)
    assert deep[-1].hash in stage.tree
    assert stage.closed == {}


def test_a_deep_reorganisation_longer_than_a_message_is_heard_twice_and_followed():
    stage = stage_at(2_500)
    rival = from_genesis(2_600, seed=2)
    peer = talk(stage, 1, rival)
    assert stage.tree.best_header.hash == rival[-1].hash
    # Once up to the work, once more from the start, and what lies behind the last full message.
    assert len(questions(peer)) >= 4
    assert stage.sync.peer(1).presync is None
    assert stage.sync.peer(1).best_known.hash == rival[-1].hash


@pytest.mark.parametrize("length", [4_600, 6_500])
def test_an_initial_download_passes_the_networks_minimum_work(length):
    stage = stage_at(0, minimum_chainwork=4_500 * WORK)
    honest = from_genesis(length)
    talk(stage, 2, honest, inbound=False)
    assert stage.tree.best_header.hash == honest[-1].hash
    assert len(stage.tree) == length + 1


def test_a_chain_that_ends_below_the_minimum_work_leaves_nothing():
    stage = stage_at(0, minimum_chainwork=4_500 * WORK)
    talk(stage, 2, from_genesis(4_400), inbound=False)
    assert len(stage.tree) == 1
    assert stage.sync.peer(2).presync is None
    assert stage.sync.peer(2).is_header_synced
    # Somebody else is asked.
    other = talk(stage, 4, from_genesis(4_600, seed=3), inbound=False)
    assert questions(other)
    assert stage.tree.best_header.height == 4_600


def test_other_headers_the_second_time_are_noticed_and_not_kept(monkeypatch):
    for name, value in (("PRESYNC_BIT_EVERY_HEADERS", 5), ("PRESYNC_BUFFER_HEADERS", 1_000)):
        monkeypatch.setattr(f"minicoin.core.netsync.presync.{name}", value)
    stage = stage_at(0, minimum_chainwork=4_500 * WORK)
    peer = stage.connect(1, Peer((), headers=False), inbound=True)
    push(stage, 1, from_genesis(6_000, seed=1))
    assert stage.sync.peer(1).presynced_height == -1
    assert stage.sync.peer(1).presync is not None
    assert questions(peer)[-1][0] == NETWORK.genesis.hash
    push(stage, 1, from_genesis(4_000, seed=2))
    assert len(stage.tree) == 1
    # What it said now is heard as a chain of its own, for the first time.
    assert stage.sync.peer(1).presynced_height == 4_000


def test_an_announcement_meanwhile_does_not_end_the_hearing():
    stage = stage_at(0, minimum_chainwork=4_500 * WORK)
    honest = from_genesis(4_700)
    peer = stage.connect(2, Peer([Body(header) for header in honest], bodies=False))
    stage.deliver(2)
    assert stage.sync.peer(2).presync is not None
    fresh = grow(honest[-1], 1, 1)
    peer.blocks += [Body(header) for header in fresh]
    stage.handle(2, Headers(tuple(fresh)))
    while stage.wire[2]:
        stage.deliver(2)
    assert stage.tree.best_header.hash == fresh[-1].hash
    assert stage.sync.peer(2).best_known.hash == fresh[-1].hash


def test_an_answer_that_comes_late_goes_on_where_it_was():
    stage = stage_at(0, minimum_chainwork=2_500 * WORK)
    honest = from_genesis(3_000)
    peer = stage.connect(2, Peer((), headers=False, bodies=False))
    push(stage, 2, honest[:2_000])
    stage.wait(60 * SECOND_US)
    asked = len(questions(peer))
    peer.headers = True
    peer.blocks = [Body(header) for header in honest]
    push(stage, 2, honest[2_000:])
    while stage.wire[2]:
        stage.deliver(2)
    assert stage.tree.best_header.hash == honest[-1].hash
    assert len(questions(peer)) > asked


def test_places_for_hearing_are_bounded_and_a_peer_we_chose_gets_one():
    stage = stage_at(0, minimum_chainwork=4_500 * WORK)
    first = from_genesis(2_000)
    for number in range(PRESYNCS_MAX + 1):
        stage.connect(1 + 2 * number, Peer((), headers=False), inbound=True)
        push(stage, 1 + 2 * number, first)
    hearing = [peer.conn for peer in stage.sync.peers() if peer.presync is not None]
    assert hearing == [1 + 2 * number for number in range(PRESYNCS_MAX)]
    stage.connect(2, Peer((), headers=False))
    push(stage, 2, first)
    hearing = [peer.conn for peer in stage.sync.peers() if peer.presync is not None]
    assert hearing == [*(3 + 2 * number for number in range(PRESYNCS_MAX - 1)), 2]


# --- announcements by hash ---


def unknown_block(number):
    return Inv((InventoryVector(InvType.BLOCK, BlockHash(bytes([number]) * 32)),))


def test_far_behind_a_block_that_is_announced_has_one_more_peer_asked_and_each_peer_once():
    stage = stage_at(5)
    peers = {conn: stage.connect(conn, Peer((), headers=False)) for conn in (2, 4, 6)}
    assert [len(questions(peer)) for peer in peers.values()] == [1, 0, 0]
    for conn in peers:
        stage.handle(conn, unknown_block(1))
    assert [len(questions(peer)) for peer in peers.values()] == [1, 1, 0]
    stage.handle(4, Headers(()))
    for conn in peers:
        stage.handle(conn, unknown_block(2))
    assert [len(questions(peer)) for peer in peers.values()] == [1, 1, 1]


def test_a_peer_that_offers_no_blocks_is_asked_once_for_what_it_announces_by_hash():
    stage = stage_at(5)
    peer = stage.connect(2, Peer(()), services=Services.WITNESS)
    for number in range(3):
        stage.handle(2, unknown_block(1 + number))
        stage.settle()
    assert len(questions(peer)) == 1


# --- the state of one chain ---


def hear(headers, presync, size=2_000):
    answers = []
    for start in range(0, len(headers), size):
        part = headers[start : start + size]
        answers.append(presync.take(part, is_full=len(part) == size))
    return answers


def test_what_waits_is_released_from_the_buffer_and_all_of_it_at_the_work(monkeypatch):
    monkeypatch.setattr("minicoin.core.netsync.presync.PRESYNC_BUFFER_HEADERS", 300)
    monkeypatch.setattr("minicoin.core.netsync.presync.PRESYNC_BIT_EVERY_HEADERS", 20)
    tree = HeaderTree(NETWORK)
    headers = from_genesis(1_000)
    presync = Presync(tree.genesis, 1_001 * WORK, tree.proof, b"salt" * 4, Micros(headers[-1].time * SECOND_US))
    first = hear(headers, presync, 250)
    assert all(answer.fits and answer.goes_on and not answer.ready for answer in first)
    assert presync.last == tree.genesis.hash
    assert presync.height is None
    second = hear(headers, presync, 250)
    assert [len(answer.ready) for answer in second] == [0, 200, 250, 550]
    assert [answer.goes_on for answer in second] == [True, True, True, False]
    assert [header for answer in second for header in answer.ready] == headers


def test_a_step_that_the_rules_forbid_ends_it():
    tree = HeaderTree(NETWORK)
    headers = from_genesis(10)
    claims_more = replace(headers[5], bits=BITS - 1)
    presync = Presync(tree.genesis, 1_000 * WORK, tree.proof, b"salt" * 4, Micros(headers[-1].time * SECOND_US))
    assert not presync.take([*headers[:5], claims_more], is_full=True).fits


def test_a_chain_longer_than_time_allows_ends_it(monkeypatch):
    monkeypatch.setattr("minicoin.core.netsync.presync.PRESYNC_BIT_EVERY_HEADERS", 1)
    monkeypatch.setattr("minicoin.core.netsync.presync.BLOCK_TIME_AHEAD_S", 0)
    tree = HeaderTree(NETWORK)
    headers = from_genesis(200)
    now = Micros((NETWORK.genesis.header.time + 20) * SECOND_US)
    presync = Presync(tree.genesis, 1_000 * WORK, tree.proof, b"salt" * 4, now)
    assert presync.take(headers[:100], is_full=True).fits
    assert not presync.take(headers[100:], is_full=True).fits


def test_forging_takes_bitcoin_cores_many_tries():
    """So many bits lie above a header when it leaves the buffer."""
    assert PRESYNC_BUFFER_HEADERS // PRESYNC_BIT_EVERY_HEADERS == 23


# --- strays ---


@pytest.fixture
def few_strays(monkeypatch):
    monkeypatch.setattr("minicoin.core.chain.headers.STRAY_HEADERS_MAX", 100)
    monkeypatch.setattr("minicoin.core.chain.headers.STRAY_HEADERS_KEPT", 75)


@pytest.mark.usefixtures("few_strays")
@pytest.mark.parametrize("length", [1, 5, 60])
def test_strays_are_bounded_in_all_whoever_sent_them(length):
    """Cheap headers with as much work as our tip, connection after connection."""
    stage = stage_at(20)
    fork = stage.tree.at_height(10).header
    for number in range(400 // length):
        stage.connect(1, Peer((), headers=False), inbound=True)
        push(stage, 1, grow(fork, length, 2 + number))
        stage.disconnect(1)
        ahead = stage.tree.best_header.height - 20
        assert len(stage.tree) <= 21 + 100 + max(ahead, 0) + length
    assert stage.tree.tip.height == 20
    check_consistent(stage.tree)


@pytest.mark.usefixtures("few_strays")
def test_what_a_peer_shows_outlives_what_nobody_shows_and_a_peer_we_chose_outlives_all():
    stage = stage_at(20)
    fork = stage.tree.at_height(10).header
    chosen, shown = grow(fork, 12, 500), grow(fork, 12, 501)
    best = grow(fork, 40, 502)
    for conn, headers, inbound in ((2, chosen, False), (3, shown, True), (5, best, True)):
        stage.connect(conn, Peer((), headers=False), inbound=inbound)
        push(stage, conn, headers)
    flood(stage, fork, range(2, 80))
    assert chosen[-1].hash in stage.tree
    assert shown[-1].hash in stage.tree
    # Now every connection stays, and what they show is too much by itself.
    for number in range(20):
        stage.connect(7 + 2 * number, Peer((), headers=False), inbound=True)
        push(stage, 7 + 2 * number, grow(fork, 12, 600 + number))
    assert chosen[-1].hash in stage.tree
    assert best[-1].hash in stage.tree
    assert len(stage.tree) <= 21 + 40 + 100 + 12
    for peer in stage.sync.peers():
        assert peer.best_known is None or stage.tree.get(peer.best_known.hash) is peer.best_known
    check_consistent(stage.tree)


@pytest.mark.usefixtures("few_strays")
def test_the_header_of_a_block_that_the_worker_has_is_not_forgotten():
    stage = stage_at(20)
    (rival,) = grow(stage.tree.at_height(19).header, 1, 500)
    stage.connect(3, Peer((), headers=False), inbound=True)
    stage.perform(stage.sync.on_block(3, RawBlock(rival, rival.raw), stage.now))
    assert stage.to_store == [rival.hash]
    stage.disconnect(3)
    flood(stage, stage.tree.at_height(10).header, range(2, 80))
    stage.store_one()
    assert stage.tree.get(rival.hash).is_stored


@pytest.mark.usefixtures("few_strays")
def test_a_branch_whose_headers_were_forgotten_is_followed_when_it_is_shown_again():
    stage = stage_at(20)
    fork = stage.tree.at_height(10).header
    branch = grow(fork, 10, 500)
    stage.connect(1, Peer((), headers=False), inbound=True)
    push(stage, 1, branch)
    stage.disconnect(1)
    flood(stage, fork, range(2, 40))
    assert branch[-1].hash not in stage.tree
    branch += grow(branch[-1], 20, 500)
    talk(stage, 2, [*(stage.tree.at_height(height).header for height in range(1, 11)), *branch])
    assert stage.tree.best_header.hash == branch[-1].hash


def flood(stage, fork, seeds):
    for number in seeds:
        stage.connect(101, Peer((), headers=False), inbound=True)
        push(stage, 101, grow(fork, 11, number))
        stage.disconnect(101)


def check_consistent(tree):
    """What the tree says of parents, children and leaves agrees."""
    nodes = list(tree.nodes())
    with_children = {node.parent.hash for node in nodes if node.parent is not None}
    assert {leaf.hash for leaf in tree.leaves()} == {node.hash for node in nodes} - with_children
    for node in nodes:
        found, child = [], node.child
        while child is not None:
            found.append(child)
            child = child.sibling
        assert all(tree.get(child.hash) is child and child.parent is node for child in found)
        assert len(found) == sum(other.parent is node for other in nodes)


# --- what reaches the disk ---


def saves(effects):
    return [header.hash for effect in effects if isinstance(effect, SaveHeaders) for header in effect.headers]


def test_headers_reach_the_disk_with_their_blocks_and_in_order():
    blocks = chain(5)
    stage = Stage()
    stage.sync.on_ready(peer_view(2), stage.now)
    effects = stage.sync.on_headers(2, tuple(block.header for block in blocks), stage.now)
    assert saves(effects) == []
    assert [effect for effect in effects if isinstance(effect, Send)]
    raw = type("Raw", (), {"header": blocks[2].header, "hash": blocks[2].hash, "raw": blocks[2].raw})()
    effects = stage.sync.on_block(2, raw, stage.now)
    kinds = [type(effect) for effect in effects if isinstance(effect, SaveHeaders | StoreBlock)]
    assert kinds == [SaveHeaders, StoreBlock]
    # The third travels with its block.
    assert saves(effects) == [block.hash for block in blocks[:2]]
    assert [bool(stage.tree.get(block.hash).status & SAVED) for block in blocks] == [True] * 3 + [False] * 2


def test_the_best_chain_of_a_network_with_a_minimum_work_reaches_the_disk_before_its_blocks():
    stage = stage_at(0, minimum_chainwork=20 * WORK)
    stage.sync.on_ready(peer_view(2), stage.now)
    headers = from_genesis(30)
    effects = stage.sync.on_headers(2, tuple(headers), stage.now)
    assert saves(effects) == [header.hash for header in headers]
    rival = from_genesis(25, seed=2)
    assert saves(stage.sync.on_headers(2, tuple(rival), stage.now)) == []
    assert stage.now > DAY_US
