"""Who is asked for which wanted block, and what happens to those who do not deliver.

The window says what is wanted; a block is asked of one peer, of a second one when it holds up the window, and a peer
that keeps stalling is left. What is asked for or with the worker is bounded by count and bytes.
"""

from collections.abc import Iterable, Mapping

from minicoin.core.alarm import Alarm
from minicoin.core.chain.header_node import HeaderNode, find_common_ancestor
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Close, Effect, Send
from minicoin.core.limits import (
    BLOCK_STALL_US,
    BLOCK_TIMEOUT_US,
    BLOCKS_IN_FLIGHT_PER_PEER_MAX,
    TIP_PATIENCE_PARTS,
    UNPARSED_BLOCK_BYTES_MAX,
    UNPARSED_BLOCKS_MAX,
)
from minicoin.core.netsync.arrivals import Arrivals
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.netsync.window import BlockWindow
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.core.wire.messages import GetData, InventoryVector, InvType

_STALLS_BEFORE_DISCONNECT = 3


class Downloads:
    """Requests for the blocks of the window. `peers` is the table that BlockSync keeps."""

    def __init__(self, tree: HeaderTree, peers: Mapping[ConnId, SyncPeer], arrivals: Arrivals, alarm: Alarm) -> None:
        self._tree = tree
        self._peers = peers
        self._arrivals = arrivals
        self._alarm = alarm
        self.window = BlockWindow(tree)
        self._stall_check_at = Micros(0)
        spacing_us = tree.network.spacing_s * SECOND_US
        # A full block over a slow line that serves others too takes its time: how much, the network's spacing tells.
        self._timeout_us = max(BLOCK_TIMEOUT_US, spacing_us)
        self._tip_patience_us = max(BLOCK_STALL_US, spacing_us // TIP_PATIENCE_PARTS)

    def has_room(self) -> bool:
        """Whether more may be asked for."""
        pending = len(self._arrivals) + len(self.window.in_flight)
        return pending < UNPARSED_BLOCKS_MAX and self._arrivals.storing_bytes < UNPARSED_BLOCK_BYTES_MAX

    def schedule(self, now: Micros) -> list[Effect]:
        """Ask for the lowest wanted blocks, spread over the peers that have them."""
        has_moved = self.window.refill()
        effects = self._ask(now)
        if has_moved or effects:
            self.watch_lowest()
        return effects

    def _ask(self, now: Micros) -> list[Effect]:
        if not self.window.has_unassigned or not self.has_room():
            return []
        lowest = self.window.lowest_wanted()
        assert lowest is not None
        # A fresh block is known of one peer or two: heights come first, to look closer at those only.
        peers = [
            peer
            for peer in self._peers.values()
            if peer.best_known is not None
            and peer.best_known.height >= lowest.height
            and peer.serves_blocks
            and peer.owed_blocks < BLOCKS_IN_FLIGHT_PER_PEER_MAX
        ]
        asked: dict[ConnId, list[InventoryVector]] = {}
        for node in self.window.unassigned():
            if not peers or not self.has_room():
                break
            if node.hash in self._arrivals:
                continue
            peer = self._choose(peers, node)
            if peer is None:
                continue
            self._assign(peer, node, now)
            asked.setdefault(peer.conn, []).append(block_vector(peer, node.hash))
            if peer.owed_blocks >= BLOCKS_IN_FLIGHT_PER_PEER_MAX:
                peers.remove(peer)
        return [Send(conn, GetData(tuple(vectors))) for conn, vectors in asked.items()]

    def ask_branches(self, peers: Iterable[SyncPeer], now: Micros) -> list[Effect]:
        """Ask peers whose chain beats ours for its blocks, though another header has as much work or more: whoever
        shows a header and keeps its block to itself must not stop everybody else's."""
        tree = self._tree
        tip_work = tree.tip.chainwork
        effects: list[Effect] = []
        for peer in peers:
            known = peer.best_known
            if known is None or known is tree.best_header or known.chainwork <= tip_work or known.is_failed:
                continue
            # What lies below the best header is the window's.
            if peer.serves_blocks and self.has_room() and not known.is_ancestor_of(tree.best_header):
                effects += self._ask_branch(peer, known, now)
        return effects

    def _ask_branch(self, peer: SyncPeer, known: HeaderNode, now: Micros) -> list[Effect]:
        fork = find_common_ancestor(self._tree.tip, known)
        room = BLOCKS_IN_FLIGHT_PER_PEER_MAX - peer.owed_blocks
        vectors: list[InventoryVector] = []
        # No further than one peer's share: the rest is asked for once these are stored.
        for height in range(fork.height + 1, min(known.height, fork.height + BLOCKS_IN_FLIGHT_PER_PEER_MAX) + 1):
            node = self._tree.ancestor(known, height)
            is_coming = node.is_stored or node.hash in self._arrivals or node.hash in self.window.in_flight
            if is_coming or peer.has_lack(node.hash) or len(vectors) >= room:
                continue
            self._assign(peer, node, now)
            vectors.append(block_vector(peer, node.hash))
        return [Send(peer.conn, GetData(tuple(vectors)))] if vectors else []

    def arrived(self, block: BlockHash) -> None:
        """It is here: nobody owes it any more."""
        for conn in self.window.arrived(block):
            holder = self._peers.get(conn)
            if holder is not None:
                holder.drop_asked(block)
        self.watch_lowest()

    def give_up(self, peer: SyncPeer, block: BlockHash) -> None:
        """The peer does not have it after all."""
        if peer.drop_classic_asked(block):
            peer.note_lack(block)
        if peer.drop_asked(block):
            peer.note_lack(block)
            self.window.release(block, peer.conn)

    def release(self, peer: SyncPeer) -> None:
        """The peer is gone: what it owed is asked of others."""
        for block in list(peer.in_flight):
            self.window.release(block, peer.conn)

    def check_late(self, now: Micros) -> list[Effect]:
        """Leave peers that let a block wait too long; ask a second peer for the block that holds up others, or after
        more patience for the one that is all we lack."""
        effects: list[Effect] = []
        lowest = self.window.lowest_wanted()
        patience_us = self._patience_us()
        self._stall_check_at = Micros(now + BLOCK_STALL_US)
        for peer in list(self._peers.values()):
            if any(
                now >= asked + self._timeout_us for asked in (*peer.in_flight.values(), *peer.classic_asked.values())
            ):
                effects.append(Close(peer.conn, "block not delivered in time"))
            elif lowest is not None and now >= peer.in_flight.get(lowest.hash, now) + patience_us:
                effects += self._replace(peer, lowest, now)
        return effects

    def watch_lowest(self) -> None:
        """Be woken in time for the block that holds up the window: it may be another one than before."""
        lowest = self.window.lowest_wanted()
        if lowest is None or len(self._peers) < 2:
            return
        patience_us = self._patience_us()
        for conn in self.window.in_flight.get(lowest.hash, ()):
            peer = self._peers.get(conn)
            asked = None if peer is None else peer.in_flight.get(lowest.hash)
            if asked is not None:
                self._alarm.by(max(Micros(asked + patience_us), self._stall_check_at))

    def deadlines(self) -> Iterable[int]:
        """When check_late has something to do."""
        lowest = self.window.lowest_wanted()
        for peer in self._peers.values():
            # The first entry of each is the oldest request.
            for owed in (peer.in_flight, peer.classic_asked):
                if owed:
                    yield next(iter(owed.values())) + self._timeout_us
            if lowest is not None and lowest.hash in peer.in_flight and len(self._peers) > 1:
                yield max(peer.in_flight[lowest.hash] + self._patience_us(), self._stall_check_at)

    # --- inside ---

    def _patience_us(self) -> int:
        """How long the lowest wanted block may take before a second peer is asked for it."""
        return BLOCK_STALL_US if self.window.is_held_up else self._tip_patience_us

    def _replace(self, peer: SyncPeer, lowest: HeaderNode, now: Micros) -> list[Effect]:
        others = [
            other
            for other in self._peers.values()
            if other is not peer
            and lowest.hash not in other.in_flight
            and other.serves_blocks
            and other.owed_blocks < BLOCKS_IN_FLIGHT_PER_PEER_MAX
        ]
        other = self._choose(others, lowest)
        if other is None:
            return []
        if self.window.is_held_up:
            peer.stalls += 1
        peer.note_asked(lowest.hash, now)
        self._assign(other, lowest, now)
        effects: list[Effect] = [Send(other.conn, GetData((block_vector(other, lowest.hash),)))]
        if peer.stalls >= _STALLS_BEFORE_DISCONNECT:
            effects.append(Close(peer.conn, "stalls the download of blocks"))
        return effects

    def _assign(self, peer: SyncPeer, node: HeaderNode, now: Micros) -> None:
        peer.note_asked(node.hash, now)
        self._alarm.by(Micros(now + self._timeout_us))
        self.window.assign(node, peer.conn)

    def _choose(self, peers: list[SyncPeer], node: HeaderNode) -> SyncPeer | None:
        """The peer with the least in flight among those that have the block."""
        best: SyncPeer | None = None
        for peer in peers:
            if best is not None and len(peer.in_flight) >= len(best.in_flight):
                continue
            known = peer.best_known
            if known is None or known.height < node.height or peer.has_lack(node.hash):
                continue
            if self._tree.ancestor(known, node.height) is node:
                best = peer
        return best


def block_vector(peer: SyncPeer, block: BlockHash) -> InventoryVector:
    """How this peer is asked for a block: with witnesses where it has them (BIP144)."""
    return InventoryVector(InvType.WITNESS_BLOCK if peer.serves_witness else InvType.BLOCK, block)
