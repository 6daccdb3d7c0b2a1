"""The classic path for peers that send no headers in time: getblocks, an inv of at most 500, getdata, the blocks.

btcd ignores getheaders while it is not current, and old nodes know no headers; neither is a fault. Headers come with
the blocks, in order; after the last block of an inv the next getblocks follows, as long as there is progress.
"""

from minicoin.core.alarm import Alarm
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.locators import make_locator
from minicoin.core.effects import Effect, Send
from minicoin.core.limits import BLOCK_TIMEOUT_US, BLOCKS_IN_FLIGHT_PER_PEER_MAX, BLOCKS_PER_INV_REPLY_MAX
from minicoin.core.netsync.downloads import Downloads, block_vector
from minicoin.core.netsync.peers import PROTOCOL_VERSION, SyncPeer
from minicoin.core.primitives.block import ZERO_HASH, BlockHash
from minicoin.core.units import Micros
from minicoin.core.wire.messages import GetBlocks, GetData, InventoryVector


class ClassicPath:
    """Blocks by inventory, one peer at a time."""

    def __init__(self, tree: HeaderTree, downloads: Downloads, alarm: Alarm) -> None:
        self._tree = tree
        self._downloads = downloads
        self._alarm = alarm

    def getblocks(self, peer: SyncPeer, stop: BlockHash = ZERO_HASH) -> Send:
        """Ask for the inventory behind what the peer has shown, up to `stop`."""
        start = peer.classic_from = self._start(peer)
        return Send(peer.conn, GetBlocks(PROTOCOL_VERSION, make_locator(self._tree, start), stop))

    def take_inv(self, peer: SyncPeer, unknown: list[BlockHash], now: Micros) -> list[Effect]:
        """Block hashes of an inv that we know nothing of, in its order."""
        room = BLOCKS_PER_INV_REPLY_MAX - len(peer.classic_wanted)
        waiting = dict.fromkeys(peer.classic_wanted)
        for block in unknown[: max(room, 0)]:
            if block not in peer.classic_asked and block not in waiting and not peer.has_lack(block):
                peer.want_classic(block)
        peer.classic_continues = True
        return self.ask(peer, now)

    def ask(self, peer: SyncPeer, now: Micros) -> list[Effect]:
        """The next blocks of the inv, or the next getblocks behind it."""
        if not self._downloads.can_give(peer, self._tree.tip):
            return []
        vectors: list[InventoryVector] = []
        while peer.owed_blocks < BLOCKS_IN_FLIGHT_PER_PEER_MAX and self._downloads.has_room():
            block = peer.next_classic()
            if block is None:
                break
            known = self._tree.get(block)
            if known is not None:
                # Its header came from somewhere else meanwhile: the window asks for it.
                peer.learn(known)
                continue
            peer.note_classic_asked(block, now)
            vectors.append(block_vector(peer, block))
        if vectors:
            self._alarm.by(Micros(now + BLOCK_TIMEOUT_US))
            return [Send(peer.conn, GetData(tuple(vectors)))]
        if peer.classic_continues and not peer.classic_wanted and not peer.classic_asked:
            peer.classic_continues = False
            # Without progress the answer would be the same, for ever.
            if peer.classic_from is not self._start(peer):
                return [self.getblocks(peer)]
        return []

    def _start(self, peer: SyncPeer) -> HeaderNode:
        """What the peer has shown, not what others have: its answer tells which blocks it can deliver."""
        return peer.best_known or self._tree.tip
