"""What an attacker knows of the chain: all headers it heard of, the blocks it has, and what it shows to others.

Like a light client it checks headers and believes blocks. The active chain of its header tree is what it shows:
`heard` is the best header that others told, which a miner keeps apart from its own.
"""

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.netsync.certified import CertifiedHeaders
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.netsync.serve import answer_getheaders
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import Services
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.verdicts import BlockRejected
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.messages import GetHeaders, Headers

# What an attacker that joins late fetches at most: nobody asks it for older blocks.
_FETCHED_DEPTH_MAX = 1_000


class AttackerChain:
    """Headers and blocks of one attacker, shared by all its peers."""

    def __init__(self, network: Network) -> None:
        self.tree = HeaderTree(network)
        self.blocks: dict[BlockHash, RawBlock] = {}
        self.heard: HeaderNode = self.tree.genesis
        """The header of most work that others told of."""

    @property
    def shown(self) -> HeaderNode:
        """The tip of the chain that it shows."""
        return self.tree.tip

    def show(self, node: HeaderNode) -> None:
        """Show the chain that ends here."""
        self.tree.set_tip(node.hash)

    def take_headers(self, headers: tuple[BlockHeader, ...], now: Micros) -> bool:
        """Headers that somebody told; whether they connect to what is known."""
        for header in headers:
            try:
                node = self.tree.add(header, now)
            except BlockRejected:
                return header.previous in self.tree
            if node.chainwork > self.heard.chainwork:
                self.heard = node
        return True

    def add_own(self, block: RawBlock, now: Micros) -> HeaderNode:
        """A block that this attacker made."""
        self.blocks[block.hash] = block
        return self.tree.add(block.header, now)

    def missing(self, count: int) -> list[HeaderNode]:
        """The lowest blocks of the best chain heard of that are not here."""
        lacking: list[HeaderNode] = []
        node: HeaderNode | None = self.heard
        while node is not None and node.height and node.hash not in self.blocks:
            lacking.append(node)
            if len(lacking) >= _FETCHED_DEPTH_MAX:
                break
            node = node.parent
        return lacking[::-1][:count]

    def answer(self, conn: ConnId, request: GetHeaders) -> Headers | CertifiedHeaders | None:
        """The headers of the chain it shows."""
        return answer_getheaders(self.tree, SyncPeer(conn, True, Services.NONE), request)
