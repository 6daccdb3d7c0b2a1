"""A peer that attacks nobody: it listens elsewhere for an attacker of chosen nodes, who else would know of the chain
only what its victims tell it. Others take it for a node without blocks."""

from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import Micros
from minicoin.core.wire.messages import GetHeaders, Headers, InventoryVector, InvType, NotFound
from minicoin.sim.attackers.follower import Follower
from minicoin.sim.attackers.link import Link


class Scout(Follower):
    """Fires never."""

    @property
    def height(self) -> int:
        return self.band.chain.heard.height

    def answer_getheaders(self, link: Link, request: GetHeaders) -> None:
        self.send(link, Headers(()))

    def hand_over(self, link: Link, block: BlockHash, now: Micros) -> None:
        self.send(link, NotFound((InventoryVector(InvType.BLOCK, block),)))
