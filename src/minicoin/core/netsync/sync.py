"""Follows the chain with most work over all ready peers, blocks and all: the front of the package where a node has
blocks. One without has the front below this one alone, HeaderFollower (following.py).

Owns what arrived; downloads and the classic path decide whom to ask for blocks, the follower whom for headers. chain
owns validity (the header tree refuses bad headers, the worker bad blocks); node owns connections and hands events in,
in order.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Effect, SaveHeaders, Send, StoreBlock
from minicoin.core.faults import PeerFault
from minicoin.core.limits import UNASKED_BLOCKS_AHEAD_MAX
from minicoin.core.netsync.arrivals import Arrivals
from minicoin.core.netsync.certified import CertifiedHeaders
from minicoin.core.netsync.classic import ClassicPath
from minicoin.core.netsync.digest import SyncSnapshot, write_digest
from minicoin.core.netsync.downloads import Downloads
from minicoin.core.netsync.following import HeaderFollower
from minicoin.core.netsync.orphans import OrphanBlocks
from minicoin.core.netsync.peers import SyncPeer, SyncPeerView
from minicoin.core.netsync.serve import answer_getblocks, headers_message
from minicoin.core.part import Part, PeerView, Route, route
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.verdicts import InvalidBlock
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.messages import (
    BlockMessage,
    GetBlocks,
    GetHeaders,
    Headers,
    Inv,
    InventoryVector,
    InvType,
)
from minicoin.core.wire.messages_extension import ExtensionMessage

# Who is behind by more asks from there on.
_TOLD_MAX: Final = 16


class BlockSync(Part):
    """Synchronisation with all ready peers. `follower` is this front's own from now on."""

    def __init__(self, tree: HeaderTree, follower: HeaderFollower) -> None:
        self._tree = tree
        self._follower = follower
        self.alarm = follower.alarm
        self._headers = follower.headers
        self._peers = follower.table
        self._arrivals = Arrivals()
        self._orphans = OrphanBlocks()
        self._downloads = Downloads(tree, self._peers, self._arrivals, self.alarm, self._headers.guide)
        self._headers.spare(self._downloads.needed)
        self._classic = ClassicPath(tree, self._downloads, self.alarm)

    # --- peers ---

    def on_ready(self, peer: PeerView, now: Micros) -> list[Effect]:
        """A handshake ended."""
        effects = self._follower.on_ready(peer, now)
        # With a second peer, a block that is late may be asked of that one.
        self._downloads.watch()
        return effects

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> list[Effect]:
        """What it speaks beyond Bitcoin's messages: where members sign the blocks it counts from here on."""
        effects = self._follower.on_offer(peer, speaks, now)
        self._downloads.watch()
        return effects

    def on_closed(self, conn: ConnId, now: Micros) -> list[Effect]:
        """Whatever the peer owed us is asked of others."""
        peer = self._peers.get(conn)
        if peer is None:
            return self._follower.on_closed(conn, now)
        effects = self._follower.on_closed(conn, now)
        self._downloads.release(peer)
        return [*effects, *self._continue(now)]

    def peer(self, conn: ConnId) -> SyncPeer | None:
        return self._peers.get(conn)

    def peers(self) -> list[SyncPeer]:
        return list(self._peers.values())

    def view(self, conn: ConnId) -> SyncPeerView | None:
        """The peer from outside; None before its handshake ended."""
        return self._follower.view(conn)

    def is_initial(self, now: Micros) -> bool:
        """Whether we are still catching up."""
        return self._follower.is_initial(now)

    @property
    def contradiction(self) -> str:
        """How the chain that a peer showed contradicts the anchor that still lies ahead; empty where none did."""
        return self._follower.contradiction

    def snapshot(self, now: Micros) -> SyncSnapshot:
        """Changes nothing: a question from outside must not move the node, nor be missed by a replay."""
        window = self._downloads.window
        return replace(
            self._follower.snapshot(now),
            in_flight=len(window.in_flight),
            wanted=len(window.wanted),
            orphans=len(self._orphans),
            storing=len(self._arrivals),
        )

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        return write_digest(self._tree, self._peers.values(), self.snapshot(now), is_brief=is_brief)

    @property
    def awaited(self) -> BlockHash | None:
        """The lowest block that the chain we go for lacks: the same one as long as nobody delivers it."""
        lowest = self._downloads.window.lowest_wanted()
        return None if lowest is None else lowest.hash

    def newest(self, block: BlockHash) -> RawBlock | None:
        """One of the last blocks that moved the tip, as it is stored; None for any other."""
        return self._arrivals.newest(block)

    def source_of(self, block: BlockHash) -> ConnId | None:
        """Who delivered a block, for blame."""
        return self._arrivals.take_source(block)

    # --- messages ---

    def routes(self) -> tuple[Route, ...]:
        return (
            *self._follower.header_routes(self.take_headers, self.take_certified),
            route(GetHeaders, self._follower.take_getheaders),
            route(GetBlocks, self.take_getblocks),
            route(BlockMessage, self.take_block),
        )

    def take_headers(self, peer: PeerView, message: Headers, now: Micros) -> list[Effect]:
        return self.on_headers(peer.conn, message.headers, now)

    def take_certified(self, peer: PeerView, message: CertifiedHeaders, now: Micros) -> list[Effect]:
        """Headers where members sign the blocks."""
        known = self._peers.get(peer.conn)
        return [] if known is None else self._fetch(known, self._follower.take_certified(peer, message, now), now)

    def take_block(self, peer: PeerView, message: BlockMessage, now: Micros) -> list[Effect]:
        return self.on_block(peer.conn, message.block, now)

    def take_getblocks(self, peer: PeerView, message: GetBlocks, now: Micros) -> Iterable[Effect]:
        """A peer asks for hashes, on the classic path."""
        known = self._peers.get(peer.conn)
        answer = None if known is None else answer_getblocks(self._tree, known, message)
        return () if answer is None else (Send(peer.conn, answer),)

    def tell_headers(self, conn: ConnId, height: int) -> list[Effect]:
        """Tell a peer of the best chain from this height on, as far as one message goes: it asks for the rest."""
        known = self._peers.get(conn)
        nodes = [self._tree.at_height(at) for at in range(height, min(self._tree.tip.height, height + _TOLD_MAX) + 1)]
        found = [node for node in nodes if node is not None]
        return [] if known is None or not found else [Send(conn, headers_message(self._tree, found))]

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
        return self._fetch(peer, self._follower.on_headers(conn, headers, now), now)

    def _fetch(self, peer: SyncPeer, effects: list[Effect], now: Micros) -> list[Effect]:
        """The blocks behind headers that this peer sent."""
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
        unknown = [block for block in self._follower.note_announced(peer, blocks) if block not in self._orphans]
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
            if self._tree.signers is not None:
                # Its certificate comes with its header, and brings it in; without one it is worth nothing.
                return []
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
        self._downloads.arrived(block.hash, None, now)
        return self._hand_over(block, node, None)

    def submit_header(self, header: BlockHeader, now: Micros) -> list[Effect]:
        """A header from our operator. Raises BlockRejected."""
        effects = self._follower.submit(header, now)
        return [*effects, *self._continue(now)] if effects else []

    # --- the worker's answers ---

    def on_stored(self, block: BlockHash, now: Micros) -> list[Effect]:
        """The worker has it on disk."""
        self.note_stored(block, now)
        return self._continue(now)

    def note_stored(self, block: BlockHash, now: Micros, *, is_tip: bool = False) -> None:
        """The same of a block that was to be connected as well: on_chain_moved goes on from there."""
        self._arrivals.stored(block, is_newest=is_tip)
        # A window that began anew meanwhile may want it again.
        self._downloads.arrived(block, None, now)

    def on_refused(self, invalid: InvalidBlock, now: Micros) -> tuple[ConnId | None, list[Effect]]:
        """The worker refused it before storing: who sent it, and how to go on."""
        source = self._arrivals.refused(invalid.hash)
        peer = self._peers.get(source) if source is not None else None
        if peer is not None and not invalid.is_permanent:
            # A mutated body says nothing about the header: fetch the block again, from somebody else.
            peer.note_lack(invalid.hash)
        self._downloads.window.forget()
        return source, self._continue(now)

    def is_at_work_for(self, conn: ConnId, *, is_settled: bool) -> bool:
        """Whether a block that this peer brought is being stored, or, unless the engine `is_settled`, on its way to
        become our tip."""
        peer = self._peers.get(conn)
        if peer is None:
            return False
        best = peer.best_delivered
        is_awaited = best is not None and not best.is_failed and best.chainwork > self._tree.tip.chainwork
        return self._arrivals.is_storing_from(conn) or (is_awaited and not is_settled)

    def on_chain_moved(self, now: Micros) -> list[Effect]:
        """The tip moved or a branch was refused: the window moves too, and somebody may be behind now."""
        self._follower.on_chain_moved(now)
        return self._continue(now)

    def on_branch_invalid(self) -> None:
        """The best header may be another one now."""
        self._downloads.window.forget()

    # --- time ---

    def on_deadline(self, now: Micros) -> list[Effect]:
        """Replace peers that stall, turn to the classic path where no headers come."""
        effects: list[Effect] = []
        for peer in self._headers.take_late(now):
            if self._tree.signers is None:
                peer.is_classic = True
                effects.append(self._classic.getblocks(peer))
            effects += self._headers.ask(now)
        effects += self._follower.leave_mute(now)
        effects += self._follower.leave_lagging(now)
        effects += self._downloads.check_late(now)
        return [*effects, *self._downloads.schedule(now)]

    def next_deadline(self) -> Micros | None:
        """The earliest time-out."""
        headers = self._follower.next_deadline()
        times = [*self._downloads.deadlines(), *(() if headers is None else (headers,))]
        return min(times, default=None)

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
        return self._hand_over(block, node, conn)

    def _hand_over(self, block: RawBlock, node: HeaderNode, source: ConnId | None) -> list[Effect]:
        """The block goes to the worker, which keeps its header with it and needs those below first. Right on the tip it
        is connected on the same visit."""
        self._arrivals.begin(block, source)
        connects = self._tree.may_extend(node)
        if connects:
            self._tree.send(node)
        ancestors = self._tree.take_unsaved(node)[:-1]
        effects: list[Effect] = [SaveHeaders(ancestors, self._tree.certificates(ancestors))] if ancestors else []
        certificate = next(iter(self._tree.certificates((node.header,))), None)
        return [*effects, StoreBlock(block, node.height, connects, certificate)]

    def _note_delivery(self, conn: ConnId, node: HeaderNode) -> None:
        """Late or not: who gives us blocks is no stranger."""
        peer = self._peers.get(conn)
        if peer is not None and not node.is_failed:
            peer.has_delivered = True
            best = peer.best_delivered
            # Of equal ones the newest: an earlier one may have been refused.
            peer.best_delivered = node if best is None or node.chainwork >= best.chainwork else best

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
