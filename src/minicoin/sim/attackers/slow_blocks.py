"""Announces every block as soon as its header is known, and delivers it late or never, to hold up those who ask it."""

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import BlockMessage, Headers
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.follower import Follower
from minicoin.sim.attackers.link import Link

_LOOK_AGAIN_US = SECOND_US


class SlowPeer(Follower):
    """Fires once for each block that it was asked for and held back."""

    def __init__(
        self, band: Band, address: NodeAddress, rng: Rng, targets: tuple[NodeAddress, ...], delay_us: int | None
    ) -> None:
        super().__init__(band, address, rng, targets, fetches=delay_us is not None)
        self._delay_us = delay_us

    def on_heard(self, before: HeaderNode, now: Micros) -> None:
        chain = self.band.chain
        if chain.shown is not chain.heard:
            chain.show(chain.heard)
        _, fresh = chain.tree.path(before, chain.heard)
        self.announce(list(fresh))

    def on_ready(self, link: Link, now: Micros) -> None:
        super().on_ready(link, now)
        if self.height:
            # A node that lacks it asks for all that leads there, and takes this peer for one that has it.
            self.send(link, Headers((self.band.chain.shown.header,)))

    def hand_over(self, link: Link, block: BlockHash, now: Micros) -> None:
        self.band.fired += 1
        if self._delay_us is not None:
            self.at(now + self._delay_us, lambda then: self._deliver(link, block, then))

    def _deliver(self, link: Link, block: BlockHash, now: Micros) -> None:
        raw = self.band.chain.blocks.get(block)
        if raw is not None:
            self.send(link, BlockMessage(raw))
        elif link.conn in self.links:
            self.at(now + _LOOK_AGAIN_US, lambda then: self._deliver(link, block, then))
