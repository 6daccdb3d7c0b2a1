"""Fills a victim's address book with addresses of the attacker's own and its slots with the attacker's peers.

Each host of the attacker listens at many addresses in several network groups, as a botnet would. Whoever dials one of
them finds a peer that looks honest, answers getaddr with more such addresses, and may keep blocks to itself.
"""

from minicoin.core.limits import ADDRESS_RELAY_MESSAGE_MAX, ADDRESSES_PER_MESSAGE_MAX
from minicoin.core.primitives.address import NodeAddress, Services, TimedAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros, seconds
from minicoin.core.wire.messages import AddrV2, GetAddr, Message
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.link import Link
from minicoin.sim.attackers.relayer import Relayer

POOL_PER_GROUP = 256
"""Addresses in each network group."""

_SERVICES = int(Services.NETWORK | Services.WITNESS)
_BATCH_US = 10 * SECOND_US
# Smaller messages are passed on, and these addresses are for the victim alone.
_BATCH_MIN = ADDRESS_RELAY_MESSAGE_MAX + 1


class EclipsePeer(Relayer):
    """Fires once for each connection with a victim, whoever dialled."""

    def __init__(
        self,
        band: Band,
        address: NodeAddress,
        rng: Rng,
        targets: tuple[NodeAddress, ...],
        *,
        pool: tuple[NodeAddress, ...],
        addresses_per_s: float,
        hides_blocks: bool,
    ) -> None:
        super().__init__(band, address, rng, targets, hides_blocks=hides_blocks, hides_transactions=hides_blocks)
        self._pool = pool
        wanted = round(addresses_per_s * _BATCH_US / SECOND_US)
        self._batch = min(max(_BATCH_MIN, wanted), ADDRESSES_PER_MESSAGE_MAX)
        self._batch_us = round(self._batch / addresses_per_s * SECOND_US)

    def on_start(self, now: Micros) -> None:
        super().on_start(now)
        self.at(now + self._batch_us, self._tell)

    def on_ready(self, link: Link, now: Micros) -> None:
        super().on_ready(link, now)
        self.band.fired += 1

    def on_message(self, link: Link, message: Message, now: Micros) -> None:
        if isinstance(message, GetAddr):
            self._tell_link(link, ADDRESSES_PER_MESSAGE_MAX, now)
        else:
            super().on_message(link, message, now)

    def _tell(self, now: Micros) -> None:
        for link in self.ready_links():
            self._tell_link(link, self._batch, now)
        self.at(now + self._batch_us, self._tell)

    def _tell_link(self, link: Link, count: int, now: Micros) -> None:
        # Neighbours of the pool lie in different groups: any stretch of it is as good as a sample.
        start = self.rng.below(len(self._pool))
        chosen = (self._pool[start:] + self._pool[:start])[:count]
        self.send(link, AddrV2(tuple(TimedAddress(address, _SERVICES, seconds(now)) for address in chosen)))
