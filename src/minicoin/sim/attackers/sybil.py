"""Many identities that connect everywhere, tell where they listen, look honest and relay what they do not hide."""

from minicoin.core.primitives.address import Services, TimedAddress
from minicoin.core.units import Micros, seconds
from minicoin.core.wire.messages import AddrV2
from minicoin.sim.attackers.link import Link
from minicoin.sim.attackers.relayer import Relayer

_SERVICES = int(Services.NETWORK | Services.WITNESS)


class SybilPeer(Relayer):
    """Fires once for each connection that it got into, whoever dialled."""

    def on_ready(self, link: Link, now: Micros) -> None:
        super().on_ready(link, now)
        self.band.fired += 1
        # As an honest node does: those who hear of it may dial it.
        self.send(link, AddrV2((TimedAddress(self.address, _SERVICES, seconds(now)),)))
