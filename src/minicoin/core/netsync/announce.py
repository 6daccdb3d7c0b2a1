"""Announcing new blocks: by headers to peers that asked for it and can connect them, by inv to the others (BIP130)."""

from collections.abc import Iterable, Sequence

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.effects import Effect, Send
from minicoin.core.limits import HEADERS_PER_ANNOUNCEMENT_MAX
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.wire.messages import Headers, Inv, InventoryVector, InvType


def announce_blocks(peers: Iterable[SyncPeer], connected: Sequence[HeaderNode]) -> list[Effect]:
    """Tell each peer of the blocks that became part of the best chain, lowest first, leaving out what it has."""
    effects: list[Effect] = []
    if not connected:
        return effects
    tip = connected[-1]
    for peer in peers:
        if _has(peer, tip):
            continue
        news = [node for node in connected if not _has(peer, node)]
        first_parent = news[0].parent
        can_connect = first_parent is not None and _has(peer, first_parent)
        if peer.prefers_headers and can_connect and len(news) <= HEADERS_PER_ANNOUNCEMENT_MAX:
            effects.append(Send(peer.conn, Headers(tuple(node.header for node in news))))
            peer.last_common = tip
        else:
            # The tip alone: a peer that lacks more asks with its own locator.
            effects.append(Send(peer.conn, Inv((InventoryVector(InvType.BLOCK, tip.hash),))))
    return effects


def _has(peer: SyncPeer, node: HeaderNode) -> bool:
    return any(
        known is not None and known.height >= node.height and known.ancestor(node.height) is node
        for known in (peer.best_known, peer.last_common)
    )
