"""Keeps its blocks secret and publishes them to orphan honest ones: the strategy SM1 of Eyal and Sirer, "Majority is
not enough: Bitcoin mining is vulnerable" (Financial Cryptography 2014), with any number of gateways.

`lead` is the secret chain's height above the best honest one. Honest block: lead 0 publishes (a tie), lead 1 publishes
and wins, more publishes one block. Own block in a tie publishes and wins.
"""

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.primitives.block import RawBlock
from minicoin.core.units import Micros
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.miner import Strategy


class SelfishStrategy(Strategy):
    """Fires once for each publication that contests honest blocks."""

    def __init__(self, band: Band, script: bytes, block_bytes: int) -> None:
        super().__init__(band, script, block_bytes)
        self.private: HeaderNode = band.chain.heard
        """What it mines on."""
        self.public: HeaderNode = band.chain.heard
        """The tip of the rival chain, or its own once that is published and won."""

    @property
    def is_tied(self) -> bool:
        """Two published branches of equal length, one of them its own."""
        return self.private is not self.public and self.private.height == self.public.height

    def find(self, now: Micros) -> RawBlock:
        was_tied = self.is_tied
        block = self.mine(self.private, now)
        self.private = self.node(block)
        if was_tied:
            self._contest(self.private)
            self.public = self.private
        return block

    def on_heard(self, now: Micros) -> None:
        heard = self.band.chain.heard
        if heard is self.public or heard.height < self.public.height:
            return
        self.public = heard
        lead = self.private.height - heard.height
        if lead < 0 or heard is self.private or self.private.is_ancestor_of(heard):
            self.private = heard
            self.band.chain.show(heard)
        elif lead == 0:
            self._contest(self.private)
        elif lead == 1:
            self._contest(self.private)
            self.public = self.private
        else:
            self._contest(self.private.ancestor(heard.height))

    def _contest(self, node: HeaderNode) -> None:
        if node is not self.band.chain.heard:
            self.band.fired += 1
            self.publish(node)
