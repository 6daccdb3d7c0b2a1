"""Follows the chain with most work over all ready peers: the front of the package, which node talks to.

Owns the table of peers and what arrived; headers, downloads and the classic path decide whom to ask. chain owns
validity (the header tree refuses bad headers, the worker bad blocks); node owns connections and hands events in, in
order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Effect, SaveHeaders, Send, StoreBlock
from minicoin.core.faults import PeerFault
from minicoin.core.forms.derived import make_codec
from minicoin.core.limits import HEADERS_TIMEOUT_US, TIP_AGE_MAX_US, UNASKED_BLOCKS_AHEAD_MAX
from minicoin.core.netsync.arrivals import Arrivals
from minicoin.core.netsync.classic import ClassicPath
from minicoin.core.netsync.digest import write_peers, write_tree
from minicoin.core.netsync.downloads import Downloads
from minicoin.core.netsync.headers import HeaderSync
from minicoin.core.netsync.lagging import LaggingPeers
from minicoin.core.netsync.orphans import OrphanBlocks
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.netsync.serve import answer_getblocks, answer_getheaders
from minicoin.core.part import Part, PeerView, Route, route
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.slot_kind import AUTOMATIC, SlotKind
from minicoin.core.primitives.verdicts import InvalidBlock
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.core.wire.messages import (
    BlockMessage,
    GetBlocks,
    GetHeaders,
    Headers,
    Inv,
    InventoryVector,
    InvType,
    SendHeaders,
)


@dataclass(frozen=True, slots=True)
class SyncSnapshot:
    """What getblockchaininfo and the metrics show of synchronisation."""

    in_flight: int
    wanted: int
    orphans: int
    storing: int
    is_initial: bool


_SNAPSHOT: Final = make_codec(SyncSnapshot, {})


class BlockSync(Part):
    """Synchronisation with all ready peers."""

    def __init__(self, tree: HeaderTree, rng: Rng, tip_age_max_us: int = TIP_AGE_MAX_US) -> None:
        self.alarm = Alarm()
        self._tip_age_max_us = tip_age_max_us
        self._tree = tree
        self._peers: dict[ConnId, SyncPeer] = {}
        self._arrivals = Arrivals()
        self._orphans = OrphanBlocks()
        self._downloads = Downloads(tree, self._peers, self._arrivals, self.alarm)
        self._headers = HeaderSync(tree, self._peers, self._downloads, self.alarm, rng)
        self._lagging = LaggingPeers(tree, self._peers, self._headers, self.alarm)
        self._classic = ClassicPath(tree, self._downloads, self.alarm)
        self._left_initial = False

    # --- peers ---

    def on_ready(self, peer: PeerView, now: Micros) -> list[Effect]:
        """A handshake ended. A seed is asked for addresses and left alone with the rest."""
        if peer.kind is SlotKind.SEED:
            return []
        known = SyncPeer(
            peer.conn,
            peer.is_inbound,
            peer.services,
            is_automatic=peer.kind in AUTOMATIC,
            is_full_relay=peer.kind is SlotKind.FULL_RELAY,
            is_trusted=bool(peer.permissions & Permission.NOBAN),
            # Said before verack, it counts all the same.
            prefers_headers=peer.prefers_headers,
        )
        self._peers[peer.conn] = known
        # With a second peer, a block that is late may be asked of that one.
        self._downloads.watch()
        effects = self._headers.ask(now)
        self._lagging.consider(known, now)
        return effects

    def on_closed(self, conn: ConnId, now: Micros) -> list[Effect]:
        """Whatever the peer owed us is asked of others."""
        peer = self._peers.pop(conn, None)
        if peer is None:
            return []
        self._downloads.release(peer)
        return [*self._headers.ask(now), *self._continue(now)]

    def peer(self, conn: ConnId) -> SyncPeer | None:
        return self._peers.get(conn)

    def peers(self) -> list[SyncPeer]:
        return list(self._peers.values())

    def is_initial(self, now: Micros) -> bool:
        """Whether we are still catching up (initial block download). Once left, never entered again.

        Remembers the answer, so it belongs into an event; what only looks takes snapshot().
        """
        self._left_initial = self._left_initial or self._is_current(now)
        return not self._left_initial

    def snapshot(self, now: Micros) -> SyncSnapshot:
        """Changes nothing: a question from outside must not move the node, nor be missed by a replay."""
        window = self._downloads.window
        is_initial = not (self._left_initial or self._is_current(now))
        return SyncSnapshot(
            len(window.in_flight), len(window.wanted), len(self._orphans), len(self._arrivals), is_initial
        )

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        totals = bytearray()
        _SNAPSHOT.write(self.snapshot(now), totals)
        return (
            ("headers", write_tree(self._tree, is_brief=is_brief)),
            ("synchronisation", bytes(totals) + write_peers(self._peers.values())),
        )

    def _is_current(self, now: Micros) -> bool:
        # Blocks decide, as in Bitcoin Core: headers that nobody backs with blocks must not keep us from joining in.
        tip = self._tree.tip
        is_fresh = tip.header.time * SECOND_US >= now - self._tip_age_max_us
        return is_fresh and tip.chainwork >= self._tree.network.minimum_chainwork

    @property
    def awaited(self) -> BlockHash | None:
        """The lowest block that the chain we go for lacks: the same one as long as nobody delivers it."""
        lowest = self._downloads.window.lowest_wanted()
        return None if lowest is None else lowest.hash

    def source_of(self, block: BlockHash) -> ConnId | None:
        """Who delivered a block, for blame."""
        return self._arrivals.take_source(block)

    # --- messages ---

    def routes(self) -> tuple[Route, ...]:
        return (
            route(Headers, self.take_headers),
            route(GetHeaders, self.take_getheaders),
            route(GetBlocks, self.take_getblocks),
            route(BlockMessage, self.take_block),
            route(SendHeaders, self.take_sendheaders),
        )

    def take_headers(self, peer: PeerView, message: Headers, now: Micros) -> list[Effect]:
        return self.on_headers(peer.conn, message.headers, now)

    def take_block(self, peer: PeerView, message: BlockMessage, now: Micros) -> list[Effect]:
        return self.on_block(peer.conn, message.block, now)

    def take_getheaders(self, peer: PeerView, message: GetHeaders, now: Micros) -> Iterable[Effect]:
        """A peer asks for headers; one that the operator trusts has them whatever ours are worth."""
        known = self._peers.get(peer.conn)
        if known is None:
            return ()
        is_trusted = bool(peer.permissions & Permission.DOWNLOAD)
        answer = answer_getheaders(self._tree, known, message, is_trusted=is_trusted)
        return () if answer is None else (Send(peer.conn, answer),)

    def take_getblocks(self, peer: PeerView, message: GetBlocks, now: Micros) -> Iterable[Effect]:
        """A peer asks for hashes, on the classic path."""
        known = self._peers.get(peer.conn)
        answer = None if known is None else answer_getblocks(self._tree, known, message)
        return () if answer is None else (Send(peer.conn, answer),)

    def take_sendheaders(self, peer: PeerView, message: SendHeaders, now: Micros) -> Iterable[Effect]:
        """From now on blocks are announced to the peer by their headers (BIP130)."""
        known = self._peers.get(peer.conn)
        if known is not None:
            known.prefers_headers = True
        return ()

    def on_served(self, conn: ConnId, block: BlockHash) -> Iterable[Effect]:
        """A peer was sent a block it had asked for. After the last of 500 it is told our tip: that makes a peer on the
        classic path ask for the next 500."""
        peer = self._peers.get(conn)
        if peer is None or peer.continue_hash != block:
            return ()
        peer.continue_hash = None
        return (Send(conn, Inv((InventoryVector(InvType.BLOCK, self._tree.tip.hash),))),)

    def on_headers(self, conn: ConnId, headers: tuple[BlockHeader, ...], now: Micros) -> list[Effect]:
        """Raises PeerFault for headers that break the rules or do not follow each other."""
        peer = self._peers.get(conn)
        if peer is None:
            return []
        effects = self._headers.take(peer, headers, now)
        self._lagging.protect(peer)
        self._lagging.consider(peer, now)
        effects += self._downloads.fetch_directly(peer, now)
        # Known headers change nothing but where a block may be had that nobody was asked for yet.
        if effects or self._downloads.has_work:
            effects = [*effects, *self._downloads.schedule(now)]
        return [*effects, *self._downloads.ask_branches((peer,), now), *self._downloads.take_over(peer, now)]

    def on_inv(self, conn: ConnId, blocks: list[BlockHash], now: Micros) -> list[Effect]:
        """Block hashes of one inv message."""
        peer = self._peers.get(conn)
        if peer is None or not blocks:
            return []
        unknown: list[BlockHash] = []
        for block in blocks:
            node = self._tree.get(block)
            if node is not None:
                peer.learn(node)
            elif block not in self._orphans:
                unknown.append(block)
        if not unknown:
            # Known headers may still lack their block where this peer is the first to have it.
            peer.classic_continues = peer.is_classic
            return [*self._continue(now), *self._downloads.take_over(peer, now)]
        self._headers.note_unknown(peer, unknown[-1])
        if peer.is_classic:
            return self._classic.take_inv(peer, unknown, now)
        return self._headers.ask_about(peer, unknown[-1], now)

    def on_block(self, conn: ConnId, block: RawBlock, now: Micros) -> list[Effect]:
        """A block arrived, asked for or not. Raises PeerFault for an invalid header."""
        peer = self._peers.get(conn)
        if peer is None:
            return []
        was_asked = peer.take_owed(block.hash, now)
        node = self._tree.get(block.hash)
        effects: list[Effect] = []
        if node is None:
            if self._tree.get(block.header.previous) is None:
                return self._on_orphan(peer, block, now)
            node = self._headers.accept(block.header, now)
            if node is None:
                return []
        peer.learn(node)
        effects += self._store(block, node, conn, now, is_wanted=was_asked)
        effects += self._adopt_orphans(block.hash, conn, now)
        if peer.is_classic:
            effects += self._classic.ask(peer, now)
        return [*effects, *self._downloads.schedule(now)]

    def on_notfound(self, conn: ConnId, block: BlockHash, now: Micros) -> list[Effect]:
        """The peer does not have it after all."""
        peer = self._peers.get(conn)
        if peer is None:
            return []
        self._downloads.give_up(peer, block, now)
        return self._continue(now)

    def submit(self, block: RawBlock, now: Micros) -> list[Effect]:
        """A block of our own (mined or submitted). Raises BlockRejected for its header."""
        node = self._tree.get(block.hash) or self._tree.add(block.header, now)
        if node.is_stored or block.hash in self._arrivals:
            return []
        self._arrivals.begin(block, None)
        self._downloads.arrived(block.hash, None, now)
        return [*self._save(node), StoreBlock(block, node.height)]

    def submit_header(self, header: BlockHeader, now: Micros) -> list[Effect]:
        """A header from our operator. Raises BlockRejected."""
        is_known = self._tree.get(header.hash) is not None
        self._tree.add(header, now)
        return [] if is_known else [SaveHeaders((header,)), *self._continue(now)]

    # --- the worker's answers ---

    def on_stored(self, block: BlockHash, now: Micros) -> list[Effect]:
        """The worker has it on disk."""
        self._arrivals.stored(block)
        # A window that began anew meanwhile may want it again.
        self._downloads.arrived(block, None, now)
        return self._continue(now)

    def on_refused(self, invalid: InvalidBlock, now: Micros) -> tuple[ConnId | None, list[Effect]]:
        """The worker refused it before storing: who sent it, and how to go on."""
        source = self._arrivals.refused(invalid.hash)
        peer = self._peers.get(source) if source is not None else None
        if peer is not None and not invalid.is_permanent:
            # A mutated body says nothing about the header: fetch the block again, from somebody else.
            peer.note_lack(invalid.hash)
        self._downloads.window.forget()
        return source, self._continue(now)

    def on_chain_moved(self, now: Micros) -> list[Effect]:
        """The tip moved or a branch was refused: the window moves too, and somebody may be behind now."""
        self._lagging.consider_all(now)
        return self._continue(now)

    def on_branch_invalid(self) -> None:
        """The best header may be another one now."""
        self._downloads.window.forget()

    # --- time ---

    def on_deadline(self, now: Micros) -> list[Effect]:
        """Replace peers that stall, turn to the classic path where no headers come."""
        effects: list[Effect] = []
        for peer in self._headers.take_late(now):
            peer.is_classic = True
            effects += [self._classic.getblocks(peer), *self._headers.ask(now)]
        effects += self._lagging.check(now)
        effects += self._downloads.check_late(now)
        return [*effects, *self._downloads.schedule(now)]

    def next_deadline(self) -> Micros | None:
        """The earliest time-out."""
        asked = (peer.headers_asked_at for peer in self._peers.values())
        times = [at + HEADERS_TIMEOUT_US for at in asked if at is not None]
        times += [*self._downloads.deadlines(), *self._lagging.deadlines()]
        return Micros(min(times)) if times else None

    # --- inside ---

    def _on_orphan(self, peer: SyncPeer, block: RawBlock, now: Micros) -> list[Effect]:
        self._headers.check_work(block.header)
        self._orphans.add(block, peer.conn)
        if peer.is_classic:
            return [self._classic.getblocks(peer, self._orphans.root(block.hash))]
        return [] if peer.headers_asked_at is not None else [self._headers.ask_peer(peer, now)]

    def _adopt_orphans(self, parent: BlockHash, conn: ConnId, now: Micros) -> list[Effect]:
        effects: list[Effect] = []
        for orphan, source in self._orphans.take_children(parent):
            try:
                effects += self.on_block(source if source in self._peers else conn, orphan, now)
            except PeerFault:
                # Whoever delivered the parent must not pay for another's orphan, nor lose what it brought.
                continue
        return effects

    def _store(self, block: RawBlock, node: HeaderNode, conn: ConnId, now: Micros, *, is_wanted: bool) -> list[Effect]:
        if node.is_stored or node.is_failed or block.hash in self._arrivals:
            self._note_delivery(conn, node)
            self._downloads.arrived(block.hash, conn, now)
            return []
        # What the window wants is welcome from anybody: a reorg's first blocks have less work than our tip.
        if not (is_wanted or block.hash in self._downloads.window.wanted or self._is_welcome(node)):
            return []
        self._note_delivery(conn, node)
        self._downloads.arrived(block.hash, conn, now)
        self._arrivals.begin(block, conn)
        return [*self._save(node), StoreBlock(block, node.height)]

    def _note_delivery(self, conn: ConnId, node: HeaderNode) -> None:
        """Late or not: who gives us blocks is no stranger."""
        peer = self._peers.get(conn)
        if peer is not None and not node.is_failed:
            peer.has_delivered = True

    def _save(self, node: HeaderNode) -> list[Effect]:
        """The store takes no block whose ancestors' headers it does not have."""
        unsaved = self._tree.take_unsaved(node)
        return [SaveHeaders(unsaved)] if unsaved else []

    def _is_welcome(self, node: HeaderNode) -> bool:
        """Whether a block nobody asked for is worth the disk: where it equals or beats our chain, soon."""
        tip = self._tree.tip
        least_work = max(tip.chainwork, self._tree.network.minimum_chainwork)
        is_near = node.height <= tip.height + UNASKED_BLOCKS_AHEAD_MAX
        return node.chainwork >= least_work and is_near and self._downloads.has_room()

    def _continue(self, now: Micros) -> list[Effect]:
        effects = [*self._downloads.schedule(now), *self._downloads.ask_branches(self._peers.values(), now)]
        for peer in self._peers.values():
            if peer.is_classic and (peer.classic_wanted or peer.classic_continues):
                effects += self._classic.ask(peer, now)
        return effects
