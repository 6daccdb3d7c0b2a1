"""Sends addresses of nodes that do not exist, to fill address books with what cannot be dialled."""

from minicoin.core.primitives.address import NodeAddress, Services, TimedAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros, seconds
from minicoin.core.wire.messages import AddrV2
from minicoin.sim.attackers.addresses import nobodys_address
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.follower import Follower

_SERVICES = int(Services.NETWORK | Services.WITNESS)


class AddressFlooder(Follower):
    """Fires once for each message on each connection."""

    def __init__(
        self,
        band: Band,
        address: NodeAddress,
        rng: Rng,
        targets: tuple[NodeAddress, ...],
        *,
        rate_per_s: float,
        per_message: int,
    ) -> None:
        super().__init__(band, address, rng, targets)
        self._mean_us = round(SECOND_US / rate_per_s)
        self._per_message = per_message

    def on_start(self, now: Micros) -> None:
        super().on_start(now)
        self.every(self._mean_us, self._tell)

    def _tell(self, now: Micros) -> None:
        links = self.ready_links()
        if not links:
            return
        port = self.address.port
        invented = tuple(
            TimedAddress(nobodys_address(self.rng, port), _SERVICES, seconds(now)) for _ in range(self._per_message)
        )
        message = AddrV2(invented)
        for link in links:
            self.band.fired += 1
            self.send(link, message)
