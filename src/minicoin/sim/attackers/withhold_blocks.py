"""Publishes its blocks late, or never. With a delay it mines on its own blocks meanwhile, as any node does on the best
chain it knows; without one a block is thrown away, and only its hash power is missing."""

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.primitives.block import RawBlock
from minicoin.core.units import Micros
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.miner import Strategy


class WithholdStrategy(Strategy):
    """Fires once for each block that is held back."""

    def __init__(self, band: Band, script: bytes, block_bytes: int, delay_us: int | None) -> None:
        super().__init__(band, script, block_bytes)
        self._delay_us = delay_us
        self._tip: HeaderNode = band.chain.heard

    def find(self, now: Micros) -> RawBlock:
        self.band.fired += 1
        heard = self.band.chain.heard
        if self._delay_us is None:
            return self.mine(heard, now)
        if heard.chainwork > self._tip.chainwork:
            self._tip = heard
        block = self.mine(self._tip, now)
        node = self._tip = self.node(block)
        # Any peer's timer will do: all of them are told.
        self.band.peers[0].at(now + self._delay_us, lambda _: self.publish(node))
        self.band.wake(self.band.peers[0])
        return block

    def on_heard(self, now: Micros) -> None:
        heard = self.band.chain.heard
        if heard.chainwork > self.band.chain.shown.chainwork:
            self.band.chain.show(heard)
