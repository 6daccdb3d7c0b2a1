"""Decides whom to ask for which headers and blocks, and what an answer means.

Owns the peers' chain knowledge, the download window and the orphans. chain owns validity (the header tree refuses
bad headers, the worker bad blocks); node owns connections and hands events in, in order. Headers-first after Bitcoin
Core's design; getblocks/inv for peers that send no headers in time (btcd while it is not current, old nodes).
"""

import itertools
from dataclasses import dataclass, field

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Close, Effect, SaveHeaders, Send, StoreBlock
from minicoin.core.faults import PeerFault
from minicoin.core.limits import (
    BLOCK_STALL_US,
    BLOCK_TIMEOUT_US,
    BLOCKS_IN_FLIGHT_PER_PEER_MAX,
    BLOCKS_PER_INV_REPLY_MAX,
    HEADERS_PER_MESSAGE_MAX,
    HEADERS_TIMEOUT_US,
    LACKS_PER_PEER_MAX,
    LOW_WORK_HEADERS_PER_PEER_MAX,
    UNPARSED_BLOCK_BYTES_MAX,
    UNPARSED_BLOCKS_MAX,
)
from minicoin.core.netsync.orphans import OrphanBlocks
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.netsync.window import BlockWindow
from minicoin.core.primitives.address import Services
from minicoin.core.primitives.block import ZERO_HASH, BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected, InvalidBlock
from minicoin.core.units import DAY_US, SECOND_US, ConnId, Micros
from minicoin.core.wire.messages import GetBlocks, GetData, GetHeaders, InventoryVector, InvType

_STALLS_BEFORE_DISCONNECT = 3
_UNCONNECTING_HEADERS_MAX = 10
_RECENT_US = DAY_US
# Deliverers remembered until the block is activated: more than a window cannot be waiting.
_SOURCES_MAX = 4_096


@dataclass(frozen=True, slots=True)
class SyncSnapshot:
    """What getblockchaininfo and the metrics show of synchronisation."""

    in_flight: int
    wanted: int
    orphans: int
    storing: int
    is_initial: bool


@dataclass(slots=True)
class _Storing:
    """A block handed to the worker and not yet answered."""

    source: ConnId | None
    size: int
    height: int = field(default=0)


class BlockSync:
    """Synchronisation with all ready peers."""

    def __init__(self, tree: HeaderTree) -> None:
        self._tree = tree
        self._peers: dict[ConnId, SyncPeer] = {}
        self._window = BlockWindow(tree)
        self._orphans = OrphanBlocks()
        self._storing: dict[BlockHash, _Storing] = {}
        self._storing_bytes = 0
        self._sources: dict[BlockHash, ConnId] = {}
        self._left_initial = False
        self._stall_check_at = Micros(0)

    # --- peers ---

    def on_ready(self, conn: ConnId, services: Services, *, inbound: bool, now: Micros) -> list[Effect]:
        """A handshake ended."""
        self._peers[conn] = SyncPeer(conn, inbound, services)
        return self._ask_headers(now)

    def on_closed(self, conn: ConnId, now: Micros) -> list[Effect]:
        """Whatever the peer owed us is asked of others."""
        peer = self._peers.pop(conn, None)
        if peer is None:
            return []
        for block in list(peer.in_flight):
            self._window.release(block, conn)
        return [*self._ask_headers(now), *self.schedule(now)]

    def peer(self, conn: ConnId) -> SyncPeer | None:
        return self._peers.get(conn)

    def peers(self) -> list[SyncPeer]:
        return list(self._peers.values())

    def is_initial(self, now: Micros) -> bool:
        """Whether we are still catching up (initial block download). Once left, never entered again."""
        if not self._left_initial:
            tip = self._tree.tip
            behind = self._tree.best_header.height - tip.height
            fresh = tip.header.time * SECOND_US >= now - _RECENT_US
            self._left_initial = fresh and behind <= 2
        return not self._left_initial

    def snapshot(self, now: Micros) -> SyncSnapshot:
        return SyncSnapshot(
            len(self._window.in_flight),
            len(self._window.wanted),
            len(self._orphans),
            len(self._storing),
            self.is_initial(now),
        )

    def source_of(self, block: BlockHash) -> ConnId | None:
        """Who delivered a block, for blame."""
        return self._sources.pop(block, None)

    # --- headers ---

    def on_headers(self, conn: ConnId, headers: tuple[BlockHeader, ...], now: Micros) -> list[Effect]:
        """Raises PeerFault for headers that break the rules or do not follow each other."""
        peer = self._peers.get(conn)
        if peer is None:
            return []
        was_asked = peer.headers_asked_at is not None
        peer.headers_asked_at = None
        peer.is_classic = False
        if not headers:
            peer.is_header_synced = True
            return [*self._ask_headers(now), *self.schedule(now)]
        if self._tree.get(headers[0].previous) is None:
            return self._on_unconnecting(peer, headers, now)
        peer.unconnecting_headers = 0
        fresh = self._accept_headers(peer, headers, now)
        effects: list[Effect] = [SaveHeaders(fresh)] if fresh else []
        # The last of them may be early by our clock: those in front of it count all the same.
        nodes = (self._tree.get(header.hash) for header in reversed(headers))
        last = next((node for node in nodes if node is not None), None)
        if last is not None:
            peer.learn(last)
        if len(headers) == HEADERS_PER_MESSAGE_MAX and last is not None and last.hash == headers[-1].hash:
            effects.append(self._getheaders(peer, last, now))
        elif was_asked:
            peer.is_header_synced = True
            effects += self._ask_headers(now)
        self._resolve_announcements()
        return [*effects, *self.schedule(now)]

    def _on_unconnecting(self, peer: SyncPeer, headers: tuple[BlockHeader, ...], now: Micros) -> list[Effect]:
        for earlier, later in itertools.pairwise(headers):
            if later.previous != earlier.hash:
                raise PeerFault("headers do not follow each other", score=20)
        peer.unconnecting_headers += 1
        if peer.unconnecting_headers % _UNCONNECTING_HEADERS_MAX == 0:
            raise PeerFault("headers that connect to nothing", score=20)
        peer.announced_unknown = headers[-1].hash
        return [self._getheaders(peer, self._tree.best_header, now)]

    def _accept_headers(self, peer: SyncPeer, headers: tuple[BlockHeader, ...], now: Micros) -> tuple[BlockHeader, ...]:
        fresh: list[BlockHeader] = []
        tip_work = self._tree.tip.chainwork
        previous = headers[0].previous
        for header in headers:
            if header.previous != previous:
                raise PeerFault("headers do not follow each other", score=20)
            previous = header.hash
            if self._tree.get(header.hash) is not None:
                continue
            node = self._add_header(header, now)
            if node is None:
                break
            fresh.append(header)
            if node.chainwork < tip_work:
                peer.low_work_headers += 1
        last = self._tree.get(headers[-1].hash)
        if last is not None and last.chainwork >= tip_work:
            peer.low_work_headers = 0
        if peer.low_work_headers > LOW_WORK_HEADERS_PER_PEER_MAX:
            raise PeerFault("too many headers without enough work", score=100)
        return tuple(fresh)

    def _add_header(self, header: BlockHeader, now: Micros) -> HeaderNode | None:
        """None where the header is early or builds on a block we found invalid by its body."""
        try:
            return self._tree.add(header, now)
        except BlockRejected as rejected:
            # Whoever relays a header may not have looked into its ancestors' bodies, nor heard our operator's word.
            if not rejected.is_permanent or rejected.reason is BlockReason.INVALID_PARENT:
                return None
            raise PeerFault(f"invalid header: {rejected}", score=100) from rejected

    def _ask_headers(self, now: Micros) -> list[Effect]:
        """One peer while we are far behind, every peer once we are not."""
        is_recent = self._tree.best_header.header.time * SECOND_US >= now - _RECENT_US
        is_busy = any(peer.headers_asked_at is not None for peer in self._peers.values())
        effects: list[Effect] = []
        # Peers we chose before those that chose us: an attacker cannot place itself among the former.
        for peer in sorted(self._peers.values(), key=lambda peer: (peer.inbound, peer.conn)):
            if peer.is_header_synced or peer.headers_asked_at is not None or not peer.serves_blocks:
                continue
            if is_busy and not is_recent:
                break
            # From the parent of our best header, so that an answer shows that the peer has it.
            effects.append(self._getheaders(peer, self._tree.best_header.parent or self._tree.best_header, now))
            is_busy = True
        return effects

    def _getheaders(self, peer: SyncPeer, start: HeaderNode, now: Micros) -> Send:
        peer.headers_asked_at = now
        return Send(peer.conn, GetHeaders(70016, self._tree.locator(start), ZERO_HASH))

    def _resolve_announcements(self) -> None:
        for peer in self._peers.values():
            if peer.announced_unknown is None:
                continue
            node = self._tree.get(peer.announced_unknown)
            if node is not None:
                peer.learn(node)
                peer.announced_unknown = None

    # --- inv and the classic path ---

    def on_inv(self, conn: ConnId, blocks: list[BlockHash], now: Micros) -> list[Effect]:
        """Block hashes of one inv message."""
        peer = self._peers.get(conn)
        if peer is None or not blocks:
            return []
        unknown = [block for block in blocks if self._tree.get(block) is None and block not in self._orphans]
        for block in blocks:
            node = self._tree.get(block)
            if node is not None:
                peer.learn(node)
        if not unknown:
            # Known headers may still lack their block where this peer is the first to have it.
            peer.classic_continues = peer.is_classic
            return self._continue(now)
        peer.announced_unknown = unknown[-1]
        if not peer.is_classic:
            if peer.headers_asked_at is not None:
                return []
            return [self._getheaders(peer, self._tree.best_header, now)]
        room = BLOCKS_PER_INV_REPLY_MAX - len(peer.classic_wanted)
        waiting = set(peer.classic_wanted)
        for block in unknown[: max(room, 0)]:
            if block not in peer.classic_asked and block not in waiting and block not in peer.lacks:
                peer.classic_wanted.append(block)
        peer.classic_continues = True
        return self._ask_classic(peer, now)

    def _ask_classic(self, peer: SyncPeer, now: Micros) -> list[Effect]:
        vectors: list[InventoryVector] = []
        while peer.classic_wanted and peer.owed_blocks < BLOCKS_IN_FLIGHT_PER_PEER_MAX and self._has_room():
            block = peer.classic_wanted.popleft()
            known = self._tree.get(block)
            if known is not None:
                # Its header came from somewhere else meanwhile: the window asks for it.
                peer.learn(known)
                continue
            peer.classic_asked[block] = now
            vectors.append(self._block_vector(peer, block))
        if vectors:
            return [Send(peer.conn, GetData(tuple(vectors)))]
        if peer.classic_continues and not peer.classic_wanted and not peer.classic_asked:
            peer.classic_continues = False
            # Without progress the answer would be the same, for ever.
            if peer.classic_from is not self._getblocks_start(peer):
                return [self._getblocks(peer)]
        return []

    def _getblocks(self, peer: SyncPeer, stop: BlockHash = ZERO_HASH) -> Send:
        start = peer.classic_from = self._getblocks_start(peer)
        return Send(peer.conn, GetBlocks(70016, self._tree.locator(start), stop))

    def _getblocks_start(self, peer: SyncPeer) -> HeaderNode:
        """What the peer has shown, not what others have: its answer tells which blocks it can deliver."""
        return peer.best_known or self._tree.tip

    # --- blocks ---

    def on_block(self, conn: ConnId, block: RawBlock, now: Micros) -> list[Effect]:
        """A block arrived, asked for or not. Raises PeerFault for an invalid header."""
        peer = self._peers.get(conn)
        if peer is None:
            return []
        was_asked = peer.in_flight.pop(block.hash, None) is not None
        was_asked = peer.classic_asked.pop(block.hash, None) is not None or was_asked
        peer.stalls = 0 if was_asked else peer.stalls
        node = self._tree.get(block.hash)
        effects: list[Effect] = []
        if node is None:
            if self._tree.get(block.header.previous) is None:
                self._check_work(block.header)
                self._orphans.add(block, conn)
                missing = self._getblocks(peer, self._orphans.root(block.hash)) if peer.is_classic else None
                if missing is not None:
                    return [missing]
                if peer.headers_asked_at is not None:
                    return []
                return [self._getheaders(peer, self._tree.best_header, now)]
            node = self._add_header(block.header, now)
            if node is None:
                return []
            effects.append(SaveHeaders((block.header,)))
        peer.learn(node)
        effects += self._store(block, node, conn, is_wanted=was_asked)
        effects += self._adopt_orphans(block.hash, conn, now)
        if peer.is_classic:
            effects += self._ask_classic(peer, now)
        return [*effects, *self.schedule(now)]

    def _check_work(self, header: BlockHeader) -> None:
        """An orphan's place is unknown, but not its work: room is not to be had for nothing."""
        try:
            self._tree.proof.check_header(header)
        except BlockRejected as rejected:
            raise PeerFault(f"invalid header: {rejected}", score=100) from rejected

    def _adopt_orphans(self, parent: BlockHash, conn: ConnId, now: Micros) -> list[Effect]:
        effects: list[Effect] = []
        for orphan, source in self._orphans.take_children(parent):
            try:
                effects += self.on_block(source if source in self._peers else conn, orphan, now)
            except PeerFault:
                # Whoever delivered the parent must not pay for another's orphan, nor lose what it brought.
                continue
        return effects

    def _store(self, block: RawBlock, node: HeaderNode, conn: ConnId | None, *, is_wanted: bool) -> list[Effect]:
        if node.is_stored or node.is_failed or block.hash in self._storing:
            self._take_from_window(block.hash)
            return []
        # What the window wants is welcome from anybody: a reorg's first blocks have less work than our tip.
        is_wanted = is_wanted or block.hash in self._window.wanted
        # Unasked blocks are welcome only where they extend or beat our chain: disk space is not free.
        if not is_wanted and node.chainwork <= self._tree.tip.chainwork:
            return []
        if not is_wanted and not self._has_room():
            return []
        self._take_from_window(block.hash)
        self._storing[block.hash] = _Storing(conn, len(block.raw), node.height)
        self._storing_bytes += len(block.raw)
        return [StoreBlock(block, node.height)]

    def _take_from_window(self, block: BlockHash) -> None:
        """It is here: nobody owes it any more."""
        for other in self._window.arrived(block):
            holder = self._peers.get(other)
            if holder is not None:
                holder.in_flight.pop(block, None)

    def submit(self, block: RawBlock, now: Micros) -> list[Effect]:
        """A block of our own (mined or submitted). Raises BlockRejected for its header."""
        node = self._tree.get(block.hash) or self._tree.add(block.header, now)
        if node.is_stored or block.hash in self._storing:
            return []
        self._storing[block.hash] = _Storing(None, len(block.raw), node.height)
        self._storing_bytes += len(block.raw)
        self._take_from_window(block.hash)
        return [SaveHeaders((block.header,)), StoreBlock(block, node.height)]

    def on_stored(self, block: BlockHash, now: Micros) -> list[Effect]:
        """The worker has it on disk."""
        storing = self._storing.pop(block, None)
        # A window that began anew meanwhile may want it again.
        self._take_from_window(block)
        if storing is not None:
            self._storing_bytes -= storing.size
            if storing.source is not None:
                self._sources[block] = storing.source
                if len(self._sources) > _SOURCES_MAX:
                    del self._sources[next(iter(self._sources))]
        return self._continue(now)

    def on_refused(self, invalid: InvalidBlock, now: Micros) -> tuple[ConnId | None, list[Effect]]:
        """The worker refused it before storing: who sent it, and how to go on."""
        storing = self._storing.pop(invalid.hash, None)
        source = None
        if storing is not None:
            self._storing_bytes -= storing.size
            source = storing.source
        if not invalid.is_permanent:
            # A mutated body says nothing about the header: fetch the block again, from somebody else.
            peer = self._peers.get(source) if source is not None else None
            if peer is not None:
                _note_lack(peer, invalid.hash)
        self._window.forget()
        return source, self._continue(now)

    def on_chain_moved(self, now: Micros) -> list[Effect]:
        """The tip moved or a branch was refused: the window moves too."""
        return self._continue(now)

    def on_branch_invalid(self) -> None:
        """The best header may be another one now."""
        self._window.forget()

    def _continue(self, now: Micros) -> list[Effect]:
        effects = self.schedule(now)
        for peer in self._peers.values():
            if peer.is_classic and (peer.classic_wanted or peer.classic_continues):
                effects += self._ask_classic(peer, now)
        return effects

    def on_notfound(self, conn: ConnId, block: BlockHash, now: Micros) -> list[Effect]:
        """The peer does not have it after all."""
        peer = self._peers.get(conn)
        if peer is None:
            return []
        if peer.classic_asked.pop(block, None) is not None:
            _note_lack(peer, block)
        if peer.in_flight.pop(block, None) is not None:
            _note_lack(peer, block)
            self._window.release(block, conn)
        return self._continue(now)

    def schedule(self, now: Micros) -> list[Effect]:
        """Ask for the lowest wanted blocks, spread over the peers that have them."""
        self._window.refill()
        if not self._window.has_unassigned or not self._has_room():
            return []
        peers = [
            peer
            for peer in self._peers.values()
            if peer.best_known is not None and peer.serves_blocks and peer.owed_blocks < BLOCKS_IN_FLIGHT_PER_PEER_MAX
        ]
        asked: dict[ConnId, list[InventoryVector]] = {}
        for node in self._window.unassigned():
            if not peers or not self._has_room():
                break
            if node.hash in self._storing:
                continue
            peer = self._choose(peers, node)
            if peer is None:
                continue
            peer.in_flight[node.hash] = now
            self._window.assign(node, peer.conn)
            asked.setdefault(peer.conn, []).append(self._block_vector(peer, node.hash))
            if peer.owed_blocks >= BLOCKS_IN_FLIGHT_PER_PEER_MAX:
                peers.remove(peer)
        return [Send(conn, GetData(tuple(vectors))) for conn, vectors in asked.items()]

    def _choose(self, peers: list[SyncPeer], node: HeaderNode) -> SyncPeer | None:
        """The peer with the least in flight among those that have the block."""
        best: SyncPeer | None = None
        for peer in peers:
            if best is not None and len(peer.in_flight) >= len(best.in_flight):
                continue
            known = peer.best_known
            if known is None or known.height < node.height or node.hash in peer.lacks:
                continue
            if self._tree.ancestor(known, node.height) is node:
                best = peer
        return best

    def _has_room(self) -> bool:
        pending = len(self._storing) + len(self._window.in_flight)
        return pending < UNPARSED_BLOCKS_MAX and self._storing_bytes < UNPARSED_BLOCK_BYTES_MAX

    def _block_vector(self, peer: SyncPeer, block: BlockHash) -> InventoryVector:
        return InventoryVector(InvType.WITNESS_BLOCK if peer.serves_witness else InvType.BLOCK, block)

    # --- time ---

    def on_deadline(self, now: Micros) -> list[Effect]:
        """Replace peers that stall, turn to the classic path where no headers come."""
        effects: list[Effect] = []
        for peer in list(self._peers.values()):
            if peer.headers_asked_at is not None and now >= peer.headers_asked_at + HEADERS_TIMEOUT_US:
                peer.headers_asked_at = None
                peer.is_header_synced = True
                peer.is_classic = True
                effects += [self._getblocks(peer), *self._ask_headers(now)]
            effects += self._check_classic(peer, now)
        effects += self._check_stalls(now)
        return [*effects, *self.schedule(now)]

    def _check_classic(self, peer: SyncPeer, now: Micros) -> list[Effect]:
        late = [block for block, asked in peer.classic_asked.items() if now >= asked + BLOCK_TIMEOUT_US]
        if late:
            return [Close(peer.conn, "block not delivered in time")]
        return []

    def _check_stalls(self, now: Micros) -> list[Effect]:
        effects: list[Effect] = []
        lowest = self._window.lowest_wanted()
        self._stall_check_at = Micros(now + BLOCK_STALL_US)
        for peer in list(self._peers.values()):
            late = [block for block, asked in peer.in_flight.items() if now >= asked + BLOCK_TIMEOUT_US]
            if late:
                effects.append(Close(peer.conn, "block not delivered in time"))
                continue
            if lowest is None or lowest.hash not in peer.in_flight:
                continue
            if now < peer.in_flight[lowest.hash] + BLOCK_STALL_US:
                continue
            # It holds up the whole window: ask another peer, if one has the block, and remember.
            others = [
                other
                for other in self._peers.values()
                if other is not peer and lowest.hash not in other.in_flight and other.serves_blocks
            ]
            other = self._choose(others, lowest)
            if other is None:
                continue
            peer.stalls += 1
            # At the end of the dict, whose first entry is the oldest request: next_deadline counts on it.
            del peer.in_flight[lowest.hash]
            peer.in_flight[lowest.hash] = now
            other.in_flight[lowest.hash] = now
            self._window.assign(lowest, other.conn)
            effects.append(Send(other.conn, GetData((self._block_vector(other, lowest.hash),))))
            if peer.stalls >= _STALLS_BEFORE_DISCONNECT:
                effects.append(Close(peer.conn, "stalls the download of blocks"))
        return effects

    def next_deadline(self) -> Micros | None:
        """The earliest time-out."""
        times: list[int] = []
        lowest = self._window.lowest_wanted()
        for peer in self._peers.values():
            if peer.headers_asked_at is not None:
                times.append(peer.headers_asked_at + HEADERS_TIMEOUT_US)
            if peer.in_flight:
                times.append(next(iter(peer.in_flight.values())) + BLOCK_TIMEOUT_US)
                if lowest is not None and lowest.hash in peer.in_flight and len(self._peers) > 1:
                    times.append(max(peer.in_flight[lowest.hash] + BLOCK_STALL_US, self._stall_check_at))
            if peer.classic_asked:
                times.append(next(iter(peer.classic_asked.values())) + BLOCK_TIMEOUT_US)
        return Micros(min(times)) if times else None


def _note_lack(peer: SyncPeer, block: BlockHash) -> None:
    peer.lacks[block] = None
    if len(peer.lacks) > LACKS_PER_PEER_MAX:
        del peer.lacks[next(iter(peer.lacks))]
