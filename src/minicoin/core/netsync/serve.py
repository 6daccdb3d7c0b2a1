"""What peers may have of headers and blocks, and answers to getheaders and getblocks. Pure reads of the header tree.

Answers come from the active chain, never more than the protocol's 2,000 headers or 500 hashes; where members sign the
blocks, headers go with their certificates, as many as one message holds. Off it lies what only this node may have:
headers nobody validated, blocks of old forks. Whoever could ask for those could plant some and recognise the node by
them at another address or time. So, as in Bitcoin Core, a block off the active chain is given only where it was found
valid and is young, by its time and by the work built since. Bitcoin protocol documentation; BIP130 for what an answer
implies.
"""

from collections.abc import Sequence

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.locators import find_fork
from minicoin.core.limits import (
    BLOCKS_PER_INV_REPLY_MAX,
    HEADERS_PER_MESSAGE_MAX,
    SHEADERS_SIGNATURES_MAX,
    STALE_BLOCK_SERVED_S,
)
from minicoin.core.netsync.certified import RECOVERED_ITEMS_MAX, CertifiedHeader, CertifiedHeaders
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.primitives.block import ZERO_HASH, BlockHash
from minicoin.core.wire.messages import GetBlocks, GetHeaders, Headers, Inv, InventoryVector, InvType


def may_serve(tree: HeaderTree, node: HeaderNode) -> bool:
    """Whether a stranger may have this block or header."""
    if tree.is_active(node):
        return True
    if node.is_failed or not node.is_valid:
        return False
    best = tree.best_header
    built_since_s = (best.chainwork - node.chainwork) * tree.network.spacing_s // tree.proof.work(best.header)
    return max(best.header.time - node.header.time, built_since_s) < STALE_BLOCK_SERVED_S


def answer_getheaders(
    tree: HeaderTree, peer: SyncPeer, request: GetHeaders, *, is_trusted: bool = False
) -> Headers | CertifiedHeaders | None:
    """The headers behind the locator's fork, or None where an empty locator names a block that is not for strangers.
    None of them while our chain has less than the network's minimum work: a peer could do nothing with those; one that
    the operator trusts is served all the same."""
    if not is_trusted and tree.tip.chainwork < tree.network.minimum_chainwork:
        return headers_message(tree, ())
    if not request.block_locator_hashes:
        named = tree.get(request.hash_stop)
        if named is None or not may_serve(tree, named):
            return None
        return headers_message(tree, (named,))
    start = find_fork(tree, request.block_locator_hashes)
    nodes = _after(tree, start, request.hash_stop, HEADERS_PER_MESSAGE_MAX)
    answer = headers_message(tree, nodes)
    # An answer without headers still says that the peer stands at our tip.
    peer.last_common = nodes[len(answer.headers) - 1] if nodes else tree.tip
    return answer


def headers_message(tree: HeaderTree, nodes: Sequence[HeaderNode]) -> Headers | CertifiedHeaders:
    """These headers, lowest first, in the form that the network's nodes take them in; of certified ones as many as one
    message holds."""
    signers = tree.signers
    if signers is None:
        return Headers(tuple(node.header for node in nodes))
    items: list[CertifiedHeader] = []
    signatures = recovered = 0
    for node in nodes:
        kept = signers.kept(node.hash)
        if kept is None:
            # The genesis block's header: everybody has it.
            continue
        certificate = kept.certificate
        signatures += len(certificate.signatures)
        # With the second as well: who had the first by the members before could make nothing of it.
        recoveries = signers.recoveries.behind(node.height - 1) or signers.recoveries.behind(node.height - 2)
        recovered += bool(recoveries)
        if signatures > SHEADERS_SIGNATURES_MAX or recovered > RECOVERED_ITEMS_MAX:
            return CertifiedHeaders(tuple(items), has_more=True)
        items.append(CertifiedHeader(node.header, certificate, kept.members, recoveries))
    return CertifiedHeaders(tuple(items))


def answer_getblocks(tree: HeaderTree, peer: SyncPeer, request: GetBlocks) -> Inv | None:
    """At most 500 hashes behind the locator's fork; remembers the last of a full answer."""
    start = find_fork(tree, request.block_locator_hashes)
    nodes = _after(tree, start, request.hash_stop, BLOCKS_PER_INV_REPLY_MAX)
    if request.hash_stop != ZERO_HASH and nodes and nodes[-1].hash == request.hash_stop:
        nodes.pop()
    if not nodes:
        return None
    peer.continue_hash = nodes[-1].hash if len(nodes) == BLOCKS_PER_INV_REPLY_MAX else None
    return Inv(tuple(InventoryVector(InvType.BLOCK, node.hash) for node in nodes))


def _after(tree: HeaderTree, start: HeaderNode, stop: BlockHash, count: int) -> list[HeaderNode]:
    nodes: list[HeaderNode] = []
    for height in range(start.height + 1, min(start.height + count, tree.tip.height) + 1):
        node = tree.at_height(height)
        if node is None:
            break
        nodes.append(node)
        if node.hash == stop:
            break
    return nodes
