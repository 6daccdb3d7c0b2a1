"""Sends headers that break a rule, or a long branch that follows all of them and leads nowhere."""

from dataclasses import replace
from typing import Literal

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.limits import BLOCK_TIME_AHEAD_S, HEADERS_PER_MESSAGE_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros, seconds
from minicoin.core.wire.messages import Headers
from minicoin.sim.attackers import forge
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.follower import Follower

HeaderFlaw = Literal["work", "unconnected", "time", "low-work-chain"]

_VERSION = 0x2000_0000
_AHEAD_S = BLOCK_TIME_AHEAD_S + 3_600


class InvalidHeaderPeer(Follower):
    """Fires once for each message on each connection."""

    def __init__(
        self,
        band: Band,
        address: NodeAddress,
        rng: Rng,
        targets: tuple[NodeAddress, ...],
        *,
        flaw: HeaderFlaw,
        rate_per_s: float,
    ) -> None:
        super().__init__(band, address, rng, targets)
        self._flaw = flaw
        self._mean_us = round(SECOND_US / rate_per_s)

    def on_start(self, now: Micros) -> None:
        super().on_start(now)
        self.every(self._mean_us, self._forge)

    def _forge(self, now: Micros) -> None:
        links = self.ready_links()
        headers = self._make(now) if links else ()
        if not headers:
            return
        for link in links:
            self.band.fired += 1
            self.send(link, Headers(headers))

    def _make(self, now: Micros) -> tuple[BlockHeader, ...]:
        best = self.band.chain.heard
        match self._flaw:
            case "work":
                return (forge.solve(self._child(best, seconds(now)), meets=False),)
            case "unconnected":
                nowhere = BlockHash(self.rng.bytes(32))
                return (forge.solve(replace(self._child(best, seconds(now)), previous=nowhere)),)
            case "time":
                return (forge.solve(self._child(best, seconds(now) + _AHEAD_S)),)
            case "low-work-chain":
                return self._branch(best)

    def _child(self, parent: HeaderNode, time: int) -> BlockHeader:
        tree = self.band.chain.tree
        when = max(time, tree.proof.earliest_time(parent))
        return BlockHeader(_VERSION, parent.hash, self.rng.bytes(32), when, tree.proof.next_bits(parent, when), 0)

    def _branch(self, best: HeaderNode) -> tuple[BlockHeader, ...]:
        """As long as a message holds and shorter than the best chain, off its lowest block that allows it."""
        tree = self.band.chain.tree
        length = min(best.height - 1, HEADERS_PER_MESSAGE_MAX)
        parent = tree.genesis
        branch: list[BlockHeader] = []
        for _ in range(length):
            header = forge.solve(self._child(parent, 0))
            branch.append(header)
            # Beside the tree: what leads nowhere need not be kept.
            parent = HeaderNode(header, parent, tree.proof.work(header))
        return tuple(branch)
