"""Sends blocks with work that break a rule: announced by their header, handed over to whoever asks."""

from typing import Literal

from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.transaction import Transaction, Txid, make_outpoint
from minicoin.core.rng import Rng
from minicoin.core.units import HOUR_US, Micros
from minicoin.core.wire.messages import BlockMessage, Headers
from minicoin.sim.attackers import forge
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.follower import Follower
from minicoin.sim.attackers.link import Link
from minicoin.sim.attackers.wallet import AttackerWallet

BlockFlaw = Literal["merkle-root", "coinbase-value", "double-spend", "missing-coin", "script"]
PAYMENT_FLAWS = frozenset({"double-spend", "script"})
"""What needs a coin of one's own."""

_BROKEN_KEPT = 16


class BlockForger:
    """Makes blocks of one flaw on a band's chain."""

    def __init__(
        self, band: Band, flaw: BlockFlaw, wallet: AttackerWallet, verifier: ScriptVerifier, block_bytes: int
    ) -> None:
        self._band = band
        self._flaw = flaw
        self.wallet = wallet
        self._verifier = verifier
        self._block_bytes = block_bytes
        self._made = 0

    def make(self, now: Micros) -> RawBlock:
        """A block on the best header heard of."""
        self._made += 1
        match self._flaw:
            case "merkle-root":
                return forge.misrooted(self._mine(now), self._band.rng.bytes(32))
            case "coinbase-value":
                return forge.overpaid(self._mine(now))
            case "double-spend":
                coin = self.wallet.reusable()
                return self._mine(now, self.wallet.pay(coin, mark=b"\x01"), self.wallet.pay(coin, mark=b"\x02"))
            case "missing-coin":
                nowhere = make_outpoint(Txid(self._band.rng.bytes(32)), 0)
                return self._mine(now, self.wallet.pay((nowhere, 100_000)))
            case "script":
                payment = self.wallet.pay(self.wallet.reusable(), mark=self._band.rng.bytes(8))
                return self._mine(now, forge.missigned(payment, self._verifier))

    def _mine(self, now: Micros, *transactions: Transaction) -> RawBlock:
        chain = self._band.chain
        return forge.mine(
            chain.tree,
            chain.heard,
            self.wallet.script,
            now,
            extra_nonce=self._band.rng.below(1 << 48),
            block_bytes=self._block_bytes,
            transactions=transactions,
        )


class InvalidBlockPeer(Follower):
    """Fires once for each broken body that it hands over."""

    def __init__(
        self,
        band: Band,
        address: NodeAddress,
        rng: Rng,
        targets: tuple[NodeAddress, ...],
        *,
        forger: BlockForger,
        per_hour: float,
    ) -> None:
        super().__init__(band, address, rng, targets)
        self.forger = forger
        self._mean_us = round(HOUR_US / per_hour)
        self._broken: dict[BlockHash, RawBlock] = {}

    def on_start(self, now: Micros) -> None:
        super().on_start(now)
        self.every(self._mean_us, self._forge)

    def hand_over(self, link: Link, block: BlockHash, now: Micros) -> None:
        broken = self._broken.get(block)
        if broken is None:
            super().hand_over(link, block, now)
            return
        self.band.fired += 1
        self.send(link, BlockMessage(broken))

    def _forge(self, now: Micros) -> None:
        links = self.ready_links()
        if not links or self.band.chain.heard is self.band.chain.tree.genesis:
            return
        broken = self.forger.make(now)
        self._broken[broken.hash] = broken
        while len(self._broken) > _BROKEN_KEPT:
            del self._broken[next(iter(self._broken))]
        for link in links:
            self.send(link, Headers((broken.header,)))
