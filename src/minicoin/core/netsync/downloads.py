"""Who is asked for which wanted block, and what happens to those who do not deliver.

The rules, and why:

1. *The window follows the chain with most work among the headers.* It lists the next 1,024 blocks; each is asked of one
   peer, at most 16 of one peer at a time (Bitcoin Core's numbers: enough to fill a line, and a mute peer holds little).
2. *Who keeps its word comes first*, then peers we chose, then those with least in flight: an attacker can place itself
   among the inbound ones as often as it likes, and hardly among the others. Where a block is late already, who gave
   us one before comes in front of who has less in flight.
3. *Any chain with at least our tip's work is fetched from whoever shows it*, at most 16 blocks above its fork from our
   chain, whatever the window wants. A header costs an attacker little where work is cheap, and nobody but the peers
   that show it is asked for its blocks; equal work is fetched for the day our own tip turns out wrong.
   Near the present, whoever sends the headers of blocks is asked for them at once, even if it offers none in general
   (Bitcoin Core's direct fetch: who announces a block has it), unless it owes us one or chose us and others did not.
4. *Nothing below the network's minimum work is fetched*: a lone peer could otherwise fill our disk with a cheap chain.
5. *A block that is late is asked of somebody else*, by the order of 2, and of one more each time the patience ends
   again. Watched are: the lowest wanted block, which holds up all others; every wanted block once few are; every block
   of another branch. Far behind, the blocks in the middle are left to their peers: a slow line brings them in turn.
6. *How late is late*: two seconds for a block that holds up others that are here, and for one asked of inbound peers
   that never delivered anything; else the node's patience (patience.py), doubled with each peer asked in vain.
7. *Who let a block be asked of another owes one*: it is taken for nobody where somebody better shows the block, until
   it delivers again; so is an inbound peer that never gave us a block. Peers that announce everything and deliver
   nothing cost two seconds where they are the only ones, and nothing beside a peer that keeps its word.
8. *A chain whose lowest block none of those that show it delivers is given up* for the best chain that can be had, as
   long as there is one. It is asked for still, by 3, and the window returns to it as soon as that block is here.
9. *A peer that holds up the window three times is left*, and one that delivers nothing for a spacing, and half a
   spacing more for each other peer that blocks are coming from: those share our line (Bitcoin Core's measure).

What is asked for or with the worker is bounded by count and bytes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from minicoin.core.alarm import Alarm
from minicoin.core.chain.header_node import HeaderNode, find_common_ancestor
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Close, Effect, Send
from minicoin.core.limits import (
    BLOCK_STALL_US,
    BLOCK_TIMEOUT_US,
    BLOCKS_IN_FLIGHT_PER_PEER_MAX,
    BLOCKS_WATCHED_MAX,
    DIRECT_FETCH_SPACINGS,
    UNPARSED_BLOCK_BYTES_MAX,
    UNPARSED_BLOCKS_MAX,
    WITHHELD_BRANCHES_MAX,
)
from minicoin.core.netsync.arrivals import Arrivals
from minicoin.core.netsync.guide import Guide
from minicoin.core.netsync.patience import Patience
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.netsync.window import BlockRequest, BlockWindow
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.core.wire.messages import GetData, InventoryVector, InvType

_STALLS_BEFORE_DISCONNECT = 3

Rank = Callable[[SyncPeer], tuple[bool, bool, bool, int]]
"""The lower the better."""


def _rank(peer: SyncPeer) -> tuple[bool, bool, bool, int]:
    return (peer.broken_promises > 0, peer.inbound, False, len(peer.in_flight))


def _rescue_rank(peer: SyncPeer) -> tuple[bool, bool, bool, int]:
    return (peer.broken_promises > 0, peer.inbound, not peer.has_delivered, len(peer.in_flight))


class Downloads:
    """Requests for blocks. `peers` is the table that HeaderFollower keeps."""

    def __init__(
        self,
        tree: HeaderTree,
        peers: Mapping[ConnId, SyncPeer],
        arrivals: Arrivals,
        alarm: Alarm,
        guide: Guide,
    ) -> None:
        self._tree = tree
        self._guide = guide
        self._peers = peers
        self._arrivals = arrivals
        self._alarm = alarm
        self.window = BlockWindow(tree)
        self._check_at = Micros(0)
        spacing_us = tree.network.spacing_s * SECOND_US
        # A full block over a slow line that serves others too takes its time: how much, the network's spacing tells.
        self._timeout_us = max(BLOCK_TIMEOUT_US, spacing_us)
        self._patience = Patience(spacing_us)
        # The lowest blocks of chains that were given up.
        self._withheld: dict[BlockHash, HeaderNode] = {}

    def has_room(self) -> bool:
        """Whether more may be asked for."""
        pending = len(self._arrivals) + len(self.window.in_flight)
        return pending < UNPARSED_BLOCKS_MAX and self._arrivals.storing_bytes < UNPARSED_BLOCK_BYTES_MAX

    @property
    def has_work(self) -> bool:
        """Whether somebody may have to be asked for something: a block waits for that, or the window for its blocks."""
        return self.window.has_unassigned or not self.window.is_filled_for(self.target())

    def target(self) -> HeaderNode:
        """The chain to go for: that of most work, unless nobody delivers it and another can be had. None while it is
        not sure whose it is."""
        tree = self._tree
        if self._guide.is_needed:
            return tree.tip
        best = tree.best_header
        if self._is_withheld(best):
            shown = {known.hash: known for peer in self._peers.values() if (known := peer.best_known) is not None}
            best = tree.tip
            for known in shown.values():
                if known.chainwork > best.chainwork and not known.is_failed and not self._is_withheld(known):
                    best = known
        return best if best.chainwork >= tree.network.minimum_chainwork else tree.tip

    def needed(self) -> list[HeaderNode]:
        """The headers that what is asked for, or may be again, or what the worker has, depends on."""
        in_flight = [request.node for request in self.window.in_flight.values()]
        storing = [node for block in self._arrivals if (node := self._tree.get(block)) is not None]
        return [self.target(), *in_flight, *storing, *self._withheld.values()]

    def schedule(self, now: Micros) -> list[Effect]:
        """Ask for the lowest wanted blocks, spread over the peers that have them."""
        has_moved = self.window.refill(self.target())
        effects = self._ask(now)
        if has_moved or effects:
            self.watch()
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
        """Ask peers that show another chain than the window's, with at least our tip's work, for its blocks."""
        tree = self._tree
        least_work = max(tree.tip.chainwork, tree.network.minimum_chainwork)
        target = self.target()
        effects: list[Effect] = []
        for peer in peers:
            known = peer.best_known
            if known is None or known is target or known.chainwork < least_work or known.is_failed:
                continue
            # What lies below the target is the window's.
            if tree.is_active(known) or not peer.serves_blocks or known.is_ancestor_of(target):
                continue
            effects += self._ask_branch(peer, known, now)
        if effects:
            self.watch()
        return effects

    def _ask_branch(self, peer: SyncPeer, known: HeaderNode, now: Micros) -> list[Effect]:
        fork = find_common_ancestor(self._tree.tip, known)
        vectors: list[InventoryVector] = []
        # No further than one peer's share: the rest is asked for once these are stored.
        for height in range(fork.height + 1, min(known.height, fork.height + BLOCKS_IN_FLIGHT_PER_PEER_MAX) + 1):
            node = self._tree.ancestor(known, height)
            is_coming = node.is_stored or node.hash in self._arrivals or node.hash in self.window.in_flight
            if is_coming or peer.has_lack(node.hash):
                continue
            if (
                peer.owed_blocks >= BLOCKS_IN_FLIGHT_PER_PEER_MAX
                or not self.has_room()
                or not self.can_give(peer, node)
            ):
                break
            self._assign(peer, node, now)
            vectors.append(block_vector(peer, node.hash))
        return [Send(peer.conn, GetData(tuple(vectors)))] if vectors else []

    def fetch_directly(self, peer: SyncPeer, now: Micros) -> list[Effect]:
        """The peer sent headers: ask it for the last blocks they lead to, though it may offer no blocks in general."""
        tree, known = self._tree, peer.best_known
        least_work = max(tree.tip.chainwork, tree.network.minimum_chainwork)
        is_near = tree.tip.header.time * SECOND_US > now - DIRECT_FETCH_SPACINGS * tree.network.spacing_s * SECOND_US
        if known is None or not is_near or known.chainwork < least_work or known.is_failed or tree.is_active(known):
            return []
        if peer.broken_promises or (peer.inbound and self._is_shown_by_chosen(known)):
            return []
        effects = self._ask_branch(peer, known, now)
        if effects:
            self.watch()
        return effects

    def _is_shown_by_chosen(self, node: HeaderNode) -> bool:
        return any(other.best_known is node and not other.inbound for other in self._peers.values())

    def take_over(self, peer: SyncPeer, now: Micros) -> list[Effect]:
        """The peer showed a block: what only worse peers were asked for, by rule 7, is asked of it at once."""
        if not self.window.in_flight or not _is_trusted(peer):
            return []
        vectors: list[InventoryVector] = []
        for request in self.window.in_flight.values():
            holders = [self._peers[conn] for conn in request.holders]
            is_orphaned = not any(_is_trusted(holder) for holder in holders)
            if is_orphaned and peer.conn not in request.holders and self._choose((peer,), request.node) is peer:
                self._assign(peer, request.node, now)
                vectors.append(block_vector(peer, request.node.hash))
        if not vectors:
            return []
        self.watch()
        return [Send(peer.conn, GetData(tuple(vectors)))]

    def arrived(self, block: BlockHash, source: ConnId | None, now: Micros) -> None:
        """It is here: nobody owes it any more."""
        request = self.window.arrived(block)
        self._withheld.pop(block, None)
        if request is not None:
            for conn in request.holders:
                holder = self._peers.get(conn)
                if holder is not None:
                    holder.drop_asked(block, now)
            if len(request.holders) == 1:
                self._patience.on_in_time()
            elif request.holders[0] == source:
                self._patience.on_hasty()
        self.watch()

    def can_give(self, peer: SyncPeer, node: HeaderNode) -> bool:
        """Whether the peer's copy of this block is whole: without witnesses a block is worth nothing once there may be
        some (BIP144), and who asks for one that way is left waiting or finds it invalid."""
        return peer.serves_witness or node.parent is None or not self._tree.rules.has_segwit(node.parent)

    def give_up(self, peer: SyncPeer, block: BlockHash, now: Micros) -> None:
        """The peer does not have it after all."""
        if peer.drop_classic_asked(block):
            peer.note_lack(block)
        if peer.drop_asked(block, now):
            peer.note_lack(block)
            self.window.release(block, peer.conn)
            self.watch()

    def release(self, peer: SyncPeer) -> None:
        """The peer is gone: what it owed is asked of others."""
        for block in list(peer.in_flight):
            self.window.release(block, peer.conn)
        self.watch()

    # --- lateness ---

    def check_late(self, now: Micros) -> list[Effect]:
        """Leave peers that let us wait too long; ask somebody else for blocks that are late."""
        late = dict.fromkeys(peer.conn for peer, due in self._time_outs() if now >= due)
        effects: list[Effect] = [Close(conn, "block not delivered in time") for conn in late]
        self._check_at = Micros(now + BLOCK_STALL_US)
        for request in list(self._watched()):
            if now >= request.looked_at + self._patience_us(request):
                effects += self._ask_another(request, now)
        return effects

    def watch(self) -> None:
        """Be woken in time: which block holds up others, and who is late, may have changed."""
        self._alarm.by(min(self.deadlines(), default=None))

    def deadlines(self) -> Iterator[Micros]:
        """When check_late has something to do."""
        for _, due in self._time_outs():
            yield due
        if len(self._peers) > 1:
            for request in self._watched():
                yield Micros(max(request.looked_at + self._patience_us(request), self._check_at))

    def _time_outs(self) -> Iterator[tuple[SyncPeer, Micros]]:
        """Who owes us blocks, and when it has had its time."""
        owing = [peer for peer in self._peers.values() if peer.owes_blocks]
        sharers = sum(bool(peer.in_flight) for peer in owing)
        for peer in owing:
            if peer.in_flight:
                yield peer, Micros(peer.waiting_since + self._timeout_us * (1 + sharers) // 2)
            if peer.classic_asked:
                # The first entry is the oldest request.
                yield peer, Micros(next(iter(peer.classic_asked.values())) + self._timeout_us)

    def _watched(self) -> Iterator[BlockRequest]:
        wanted, in_flight = self.window.wanted, self.window.in_flight
        lowest = self.window.lowest_wanted()
        watches_all = len(wanted) <= BLOCKS_WATCHED_MAX
        for block, request in in_flight.items():
            if watches_all or block not in wanted or request.node is lowest:
                yield request

    def _patience_us(self, request: BlockRequest) -> int:
        if request.node is self.window.lowest_wanted() and self.window.is_held_up:
            return BLOCK_STALL_US
        holders = (self._peers[conn] for conn in request.holders)
        known = sum(holder.has_delivered or not holder.inbound for holder in holders)
        # A shift above 10 means days; the time-out closes such a peer long before.
        return self._patience.us << min(known - 1, 10) if known else BLOCK_STALL_US

    def _ask_another(self, request: BlockRequest, now: Micros) -> list[Effect]:
        request.looked_at = now
        others = [
            other
            for other in self._peers.values()
            if other.conn not in request.holders
            and other.serves_blocks
            and other.owed_blocks < BLOCKS_IN_FLIGHT_PER_PEER_MAX
        ]
        other = self._choose(others, request.node, _rescue_rank)
        if other is None:
            if request.node is self.window.lowest_wanted():
                self._withhold(request)
            return []
        effects: list[Effect] = []
        is_held_up = self.window.is_held_up and request.node is self.window.lowest_wanted()
        for holder in [self._peers[conn] for conn in request.holders]:
            holder.broken_promises += 1
            holder.stalls += is_held_up
            if holder.stalls >= _STALLS_BEFORE_DISCONNECT:
                effects.append(Close(holder.conn, "stalls the download of blocks"))
        self._assign(other, request.node, now)
        return [Send(other.conn, GetData((block_vector(other, request.node.hash),))), *effects]

    def _withhold(self, request: BlockRequest) -> None:
        """Nobody is left to ask for the lowest wanted block: go for another chain, if there is one that beats ours."""
        lowest = request.node
        self._withheld[lowest.hash] = lowest
        if self.target().chainwork <= self._tree.tip.chainwork:
            del self._withheld[lowest.hash]
            return
        for conn in request.holders:
            self._peers[conn].broken_promises += 1
        if len(self._withheld) > WITHHELD_BRANCHES_MAX:
            del self._withheld[next(iter(self._withheld))]

    def _is_withheld(self, node: HeaderNode) -> bool:
        return any(lowest.is_ancestor_of(node) for lowest in self._withheld.values())

    # --- choosing ---

    def _assign(self, peer: SyncPeer, node: HeaderNode, now: Micros) -> None:
        peer.note_asked(node.hash, now)
        self.window.assign(node, peer.conn, now)

    def _choose(self, peers: Iterable[SyncPeer], node: HeaderNode, rank: Rank = _rank) -> SyncPeer | None:
        """The best of those that have the block and are to be asked for it: rule 2."""
        best: SyncPeer | None = None
        for peer in peers:
            if best is not None and rank(peer) >= rank(best):
                continue
            known = peer.best_known
            if known is None or known.height < node.height or peer.has_lack(node.hash):
                continue
            if not self.can_give(peer, node):
                continue
            if peer.owed_blocks < BLOCKS_IN_FLIGHT_PER_PEER_MAX and self._tree.ancestor(known, node.height) is node:
                best = peer
        return best


def _is_trusted(peer: SyncPeer) -> bool:
    return not peer.broken_promises and (peer.has_delivered or not peer.inbound)


def block_vector(peer: SyncPeer, block: BlockHash) -> InventoryVector:
    """How this peer is asked for a block: with witnesses where it has them (BIP144)."""
    return InventoryVector(InvType.WITNESS_BLOCK if peer.serves_witness else InvType.BLOCK, block)
