"""What attackers with hash power have in common: a strategy that decides, and gateways that speak to the network.

The engine's mining clock calls `find_block` when this attacker's turn has come. Its blocks carry no transactions but
the coinbase, padded to the size that blocks of the run have.
"""

from abc import ABC, abstractmethod

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.primitives.block import RawBlock
from minicoin.core.units import Micros
from minicoin.sim.attackers import forge
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.follower import Follower


class Strategy(ABC):
    """Decides what is mined on and when it is published."""

    def __init__(self, band: Band, script: bytes, block_bytes: int) -> None:
        self.band = band
        self._script = script
        self._block_bytes = block_bytes

    @abstractmethod
    def find(self, now: Micros) -> RawBlock:
        """The attacker found a block: make it, and decide."""

    @abstractmethod
    def on_heard(self, now: Micros) -> None:
        """A better header came from outside, perhaps more than one at a time; may be called again for the same."""

    def mine(self, parent: HeaderNode, now: Micros) -> RawBlock:
        """A block on `parent`, known to the band from now on and shown to nobody."""
        chain = self.band.chain
        extra_nonce = self.band.rng.below(1 << 48)
        block = forge.mine(
            chain.tree, parent, self._script, now, extra_nonce=extra_nonce, block_bytes=self._block_bytes
        )
        chain.add_own(block, now)
        return block

    def node(self, block: RawBlock) -> HeaderNode:
        """The place of a block of our own."""
        found = self.band.chain.tree.get(block.hash)
        assert found is not None
        return found

    def publish(self, node: HeaderNode) -> None:
        """Show the chain that ends here and announce what of it the network may not know."""
        chain = self.band.chain
        _, branch = chain.tree.path(chain.heard, node)
        chain.show(node)
        for peer in self.band.peers:
            if isinstance(peer, Follower):
                peer.announce(list(branch))
                self.band.wake(peer)


class Gateway(Follower):
    """One peer of a miner: tells the strategy what it hears, and hands over what was published."""

    strategy: Strategy

    def on_heard(self, before: HeaderNode, now: Micros) -> None:
        self.strategy.on_heard(now)
