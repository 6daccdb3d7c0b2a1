"""Tells of members that do not exist, to fill the views of the model `gossip`, and asks for all there is to ask.

Each invented member signs for itself, as a Sybil can: keys cost nothing. What nobody can invent is more places in the
network than the attacker has.
"""

from typing import Final

from minicoin.core.libp2p.identity import SEED_BYTES, Identity
from minicoin.core.limits import GOSSIP_HOPS_MAX, GOSSIP_SHUFFLE_ENTRIES_MAX
from minicoin.core.overlay.gossip.alive import say_alive
from minicoin.core.overlay.gossip.messages import MESSAGES, Heard, Seek, Shuffle, Shuffled
from minicoin.core.overlay.repair.messages import Pull, Pulled
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import ZERO_HASH
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros, seconds
from minicoin.core.wire.codec import make_extensions
from minicoin.core.wire.messages import Message
from minicoin.core.wire.messages_extension import offer_of
from minicoin.sim.attackers.addresses import nobodys_address
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.follower import Follower
from minicoin.sim.attackers.link import Link

_OFFER: Final = offer_of(make_extensions(MESSAGES))


class GossipFlooder(Follower):
    """Fires once for each message on each connection."""

    def __init__(
        self, band: Band, address: NodeAddress, rng: Rng, targets: tuple[NodeAddress, ...], *, rate_per_s: float
    ) -> None:
        super().__init__(band, address, rng, targets)
        self._mean_us = round(SECOND_US / rate_per_s)
        self.answers = 0
        """What came back of what it asked."""

    def on_start(self, now: Micros) -> None:
        super().on_start(now)
        self.every(self._mean_us, self._tell_and_ask)

    def on_ready(self, link: Link, now: Micros) -> None:
        super().on_ready(link, now)
        self.send(link, _OFFER)

    def on_message(self, link: Link, message: Message, now: Micros) -> None:
        if isinstance(message, Shuffled | Pulled):
            self.answers += 1
        super().on_message(link, message, now)

    def _tell_and_ask(self, now: Micros) -> None:
        for link in self.ready_links():
            invented = tuple(self._invent(now) for _ in range(GOSSIP_SHUFFLE_ENTRIES_MAX))
            nonce = int.from_bytes(self.rng.bytes(8), "little")
            self.band.fired += 3
            self.send(link, Shuffle(nonce, invented), Pull(nonce, ZERO_HASH, 0))
            self.send(link, Seek(nonce, GOSSIP_HOPS_MAX, invented[0].alive.peer_id))

    def _invent(self, now: Micros) -> Heard:
        identity = Identity.from_seed(self.rng.bytes(SEED_BYTES))
        where = nobodys_address(self.rng, self.address.port)
        address = NodeAddress(where.host, where.port, identity.peer_id.multihash)
        return Heard(say_alive(address, (seconds(now), 1), self.network.network_id, identity), 0)
