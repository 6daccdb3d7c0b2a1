"""What a network model may ask of the chain and the mempool of this node, to tell a peer what it may lack."""

from collections.abc import Callable

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.inventory.ports import InventoryNode
from minicoin.core.inventory.tx_flow import announcement_of
from minicoin.core.limits import POOL_PAGE_WINDOW_MAX
from minicoin.core.mempool.entry import Entry
from minicoin.core.overlay.contract import LedgerView, PoolPage
from minicoin.core.part import PeerView
from minicoin.core.primitives.block import BlockHash


def headers_view(tree: HeaderTree) -> LedgerView:
    """Of a node that keeps no blocks."""
    return LedgerView(lambda: tree.tip.height, _recent_blocks(tree))


def full_view(node: InventoryNode) -> LedgerView:
    """And of one that has a mempool."""

    def pool_page(peer: PeerView, since: int, count: int) -> PoolPage:
        page: list[Entry] = []
        for entry in node.mempool.since(since, POOL_PAGE_WINDOW_MAX):
            # What nobody may hear of yet is not passed over: the next page begins with it.
            if len(page) > count or entry.txid in node.withheld:
                break
            page.append(entry)
        has_more = len(page) > count
        del page[count:]
        until = page[-1].sequence if page else since
        inventory = node.relay.tell(peer.conn, map(announcement_of, page), until)
        return PoolPage(tuple(inventory), until, has_more)

    tree = node.tree
    return LedgerView(lambda: tree.tip.height, _recent_blocks(tree), pool_page)


def _recent_blocks(tree: HeaderTree) -> Callable[[int], tuple[BlockHash, ...]]:
    def recent_blocks(count: int) -> tuple[BlockHash, ...]:
        found: list[BlockHash] = []
        block: HeaderNode | None = tree.tip
        while block is not None and len(found) < count:
            found.append(block.hash)
            block = block.parent
        return tuple(found)

    return recent_blocks
