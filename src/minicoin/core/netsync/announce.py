"""Announcing new blocks.

1. A peer that has the tip, as far as we know, is told nothing.
2. One that asked for headers and has the parent of the first it lacks gets the headers of all it lacks, up to
   HEADERS_PER_ANNOUNCEMENT_MAX (BIP130). From then on it counts as having the tip's header.
3. All others get the tip's hash alone: whoever lacks more asks with a locator of his own.
4. Where the network model pushes blocks, one is pushed to a peer that was a few blocks behind at most: one further back
   could do nothing with it.
"""

from collections.abc import Iterable, Sequence

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Effect, Send
from minicoin.core.limits import BLOCKS_BEHIND_PUSHED_MAX, HEADERS_PER_ANNOUNCEMENT_MAX
from minicoin.core.netsync.certified import CertifiedHeaders
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.netsync.serve import headers_message
from minicoin.core.wire.messages import Headers, Inv, InventoryVector, InvType


def announce_blocks(tree: HeaderTree, peers: Iterable[SyncPeer], connected: Sequence[HeaderNode]) -> list[Effect]:
    """Tell each peer of the blocks that became part of the best chain, lowest first, leaving out what it has."""
    effects: list[Effect] = []
    if not connected:
        return effects
    tip = connected[-1]
    # The tip alone: a peer that lacks more asks with its own locator.
    inventory = Inv((InventoryVector(InvType.BLOCK, tip.hash),))
    # One message for all that lack equally much: a world that passes objects holds one, not one for each peer.
    by_length: dict[int, Headers | CertifiedHeaders] = {}
    for peer in peers:
        if _has(peer, tip):
            continue
        count = 1
        while count < len(connected) and not _has(peer, connected[-count - 1]):
            count += 1
        first_parent = connected[-count].parent
        can_connect = first_parent is not None and _has(peer, first_parent)
        if peer.prefers_headers and can_connect and count <= HEADERS_PER_ANNOUNCEMENT_MAX:
            headers = by_length.get(count)
            if headers is None:
                headers = by_length[count] = headers_message(tree, connected[-count:])
            effects.append(Send(peer.conn, headers))
            peer.last_common = tip
        else:
            effects.append(Send(peer.conn, inventory))
    return effects


def may_push(peer: SyncPeer, tip: HeaderNode) -> bool:
    """Whether a block sent unasked is of use to the peer: it lacks the block, and was near it. Where blocks are pushed
    to few peers, nobody hears of each block which others have it: most have its parent, and the rest ask for it."""
    if tip.parent is None or _has(peer, tip):
        return False
    height = tip.height - BLOCKS_BEHIND_PUSHED_MAX
    # The genesis block is everybody's.
    return height <= 0 or _has(peer, tip.ancestor(height))


def _has(peer: SyncPeer, node: HeaderNode) -> bool:
    for known in (peer.best_known, peer.last_common):
        if known is node:
            return True
        if known is not None and known.height > node.height and known.ancestor(node.height) is node:
            return True
    return False
