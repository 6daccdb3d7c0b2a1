"""BlockSync against scripted peers: a small stage with a header tree, an instant engine and peers that do as told."""

from collections import Counter
from functools import cache

from tests.unit.alarms import check_alarm

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Close, SaveHeaders, Send, StoreBlock
from minicoin.core.limits import BLOCK_WINDOW, BLOCKS_IN_FLIGHT_PER_PEER_MAX
from minicoin.core.netsync.following import HeaderFollower
from minicoin.core.netsync.sync import BlockSync
from minicoin.core.params.builtin import lookup
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import (
    BlockMessage,
    GetBlocks,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InventoryVector,
    InvType,
    NotFound,
)
from minicoin.testing.chain_maker import ChainMaker

NETWORK = lookup("regtest")
FULL = Services.NETWORK | Services.WITNESS


@cache
def chain(length, seed=1, fork_of=0, fork_at=0):
    """`length` blocks above the genesis; with `fork_of` another seed's chain up to `fork_at`, then its own blocks."""
    maker = ChainMaker(NETWORK, seed)
    branch = maker.new_branch()
    if fork_of:
        for block in chain(fork_at, fork_of):
            maker.extend(branch, block)
    while branch.height < length:
        # Seconds apart, so that a clock at the genesis block finds none of them early; the seed tells branches apart.
        maker.extend(branch, maker.next_block(branch, time=branch.tip.time + seed))
    return tuple(branch.blocks)


def raw(block):
    return RawBlock(block.header, block.raw)


class Peer:
    """A peer with a chain. What it does not do is its character."""

    def __init__(self, blocks, *, headers=True, bodies=True, lacks=()):
        self.blocks = list(blocks)
        self.headers = headers
        self.bodies = bodies
        self.lacks = {block.hash for block in lacks}
        self.asked = Counter()
        self.heard = []

    def fork(self, locator):
        places = {block.hash: index + 1 for index, block in enumerate(self.blocks)}
        return next((places[known] for known in locator if known in places), 0)

    def answer(self, message):
        self.heard.append(message)
        match message:
            case GetHeaders() if self.headers:
                start = self.fork(message.block_locator_hashes)
                return [Headers(tuple(block.header for block in self.blocks[start : start + 2000]))]
            case GetBlocks():
                return self._inv(message)
            case GetData():
                return self._blocks(message)
        return []

    def _inv(self, message):
        hashes = [block.hash for block in self.blocks[self.fork(message.block_locator_hashes) :]][:500]
        if message.hash_stop in hashes:
            hashes = hashes[: hashes.index(message.hash_stop)]
        return [Inv(tuple(InventoryVector(InvType.BLOCK, found) for found in hashes))] if hashes else []

    def _blocks(self, message):
        known = {block.hash: block for block in self.blocks}
        replies = []
        for vector in message.inventory:
            self.asked[vector.hash] += 1
            if vector.hash in known and vector.hash not in self.lacks:
                if self.bodies:
                    replies.append(BlockMessage(raw(known[vector.hash])))
            else:
                replies.append(NotFound((vector,)))
        return replies


def peer_view(conn, *, inbound=False, services=FULL, kind=SlotKind.MANUAL):
    """A peer as node tells of it."""
    return PeerView(conn, NodeAddress("127.0.0.1", 1_000 + conn), inbound, services, kind)


class OpenSync(BlockSync):
    """A BlockSync that shows which chain its window is filled for."""

    @property
    def target(self):
        return self._downloads.target()

    def want_nothing(self):
        self._downloads.window.wanted.clear()


class Stage:
    """The node's part around BlockSync: performs effects, stores and activates at once, keeps score."""

    def __init__(self, clock_ahead_s=600, network=NETWORK):
        self.tree = HeaderTree(network)
        self.sync = OpenSync(self.tree, HeaderFollower(self.tree, Rng(b"sync")))
        # Near the genesis block every chain is recent; a year ahead it is an old one.
        self.now = Micros((NETWORK.genesis.header.time + clock_ahead_s) * SECOND_US)
        self.peers = {}
        self.wire = {}
        self.closed = {}
        self.stored = Counter()
        self.to_store = []
        self.faults = []
        self.in_flight_peak = Counter()

    @property
    def height(self):
        return self.tree.tip.height

    def connect(self, conn, peer, *, inbound=False, services=FULL, automatic=False, full_relay=False):
        self.peers[conn] = peer
        self.wire[conn] = []
        kind = SlotKind.FULL_RELAY if full_relay else SlotKind.BLOCK_ONLY if automatic else SlotKind.MANUAL
        self.perform(self.sync.on_ready(peer_view(conn, inbound=inbound, services=services, kind=kind), self.now))
        return peer

    def disconnect(self, conn, reason="gone"):
        if conn in self.peers:
            del self.peers[conn], self.wire[conn]
            self.closed[conn] = reason
            self.perform(self.sync.on_closed(conn, self.now))

    def perform(self, effects):
        for effect in effects:
            match effect:
                case Send(conn, message):
                    if conn in self.peers:
                        self.wire[conn] += self.peers[conn].answer(message)
                case StoreBlock(block, height):
                    assert self.tree.get(block.hash).height == height
                    self.stored[block.hash] += 1
                    self.to_store.append(block.hash)
                case Close(conn, reason):
                    self.disconnect(conn, reason)
                case SaveHeaders(headers):
                    assert all(header.hash in self.tree for header in headers)
                case _:
                    raise AssertionError(effect)
        for conn in self.peers:
            owed = self.sync.peer(conn).owed_blocks
            self.in_flight_peak[conn] = max(self.in_flight_peak[conn], owed)
            assert owed <= BLOCKS_IN_FLIGHT_PER_PEER_MAX + 1
        assert self.sync.snapshot(self.now).wanted <= BLOCK_WINDOW + 100
        check_alarm(self.sync)

    def store_one(self):
        """The worker finishes one block; the engine follows."""
        block = self.to_store.pop(0)
        self.tree.mark_stored(block)
        self.perform(self.sync.on_stored(block, self.now))
        best = self.tree.best_candidate()
        if best.chainwork > self.tree.tip.chainwork:
            self.tree.set_tip(best.hash)
            self.perform(self.sync.on_chain_moved(self.now))

    def deliver(self, conn, index=0):
        """One message of a peer arrives."""
        message = self.wire[conn].pop(index)
        self.handle(conn, message)

    def handle(self, conn, message):
        sync = self.sync
        match message:
            case Headers(headers):
                self.perform(sync.on_headers(conn, headers, self.now))
            case Inv(vectors):
                self.perform(sync.on_inv(conn, [vector.hash for vector in vectors], self.now))
            case BlockMessage(block):
                self.perform(sync.on_block(conn, block, self.now))
            case NotFound(vectors):
                for vector in vectors:
                    self.perform(sync.on_notfound(conn, vector.hash, self.now))

    def settle(self):
        """Until nothing moves without time passing."""
        while self.to_store or any(self.wire.values()):
            while self.to_store:
                self.store_one()
            for conn in list(self.wire):
                if self.wire.get(conn):
                    self.deliver(conn)

    def wait(self, duration_us=3600 * SECOND_US, until=lambda: False):
        """Time passes, from deadline to deadline; a deadline that makes no progress is a busy loop."""
        end = self.now + duration_us
        calls = 0
        self.settle()
        while not until() and (deadline := self.sync.next_deadline()) is not None and deadline <= end:
            calls += 1
            assert calls < 20_000, "the deadlines never end"
            self.now = Micros(max(self.now, deadline))
            self.perform(self.sync.on_deadline(self.now))
            after = self.sync.next_deadline()
            assert after is None or after > self.now, "a deadline that stays due is a busy loop"
            self.settle()
        if not until():
            self.now = Micros(end)
