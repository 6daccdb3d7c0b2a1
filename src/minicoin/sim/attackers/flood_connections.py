"""Opens connections until there is no slot left, with or without a handshake, and keeps them as long as it may."""

from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.link import Link
from minicoin.sim.attackers.peer import ScriptedPeer


class ConnectionFlooder(ScriptedPeer):
    """Fires once for each connection that a node had room for. Limits that real drivers put on half-open connections
    of one address do not exist in the simulated world."""

    def __init__(
        self,
        band: Band,
        address: NodeAddress,
        rng: Rng,
        targets: tuple[NodeAddress, ...],
        *,
        rate_per_s: float,
        shakes_hands: bool,
    ) -> None:
        super().__init__(band.network, address, rng, shakes_hands=shakes_hands)
        self._band = band
        self._targets = targets
        self._mean_us = round(SECOND_US / rate_per_s)

    def on_start(self, now: Micros) -> None:
        self.every(self._mean_us, lambda _: self.dial(self.rng.choice(self._targets)))

    def on_opened(self, link: Link, now: Micros) -> None:
        self._band.fired += 1
