"""Crowds around one node's key: its identities are the nearest to it of very many that it made, and whoever asks for
that node is told of them and of nobody else.

A key is the hash of a peer id, so a place in the space costs as many identities as there are places; what it cannot
make is addresses in many networks.
"""

from heapq import nsmallest
from typing import Final

from minicoin.core.libp2p.identity import SEED_BYTES, Identity
from minicoin.core.overlay.kademlia.dht_message import DhtMessage, DhtPeer, DhtType, peer_at
from minicoin.core.overlay.kademlia.keyspace import key_of
from minicoin.core.overlay.kademlia.messages import MESSAGES, KadAnswer, KadAsk, KadHello, KadRole
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import Micros
from minicoin.core.wire.codec import make_extensions
from minicoin.core.wire.messages import GetHeaders, Headers, Message
from minicoin.core.wire.messages_extension import offer_of
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.follower import Follower
from minicoin.sim.attackers.link import Link

_OFFER: Final = offer_of(make_extensions(MESSAGES))
_TOLD_MAX: Final = 20


def identities_near(peer_id: bytes, count: int, tries: int, rng: Rng) -> tuple[Identity, ...]:
    """Of `count` times `tries` identities those nearest to a peer's key, the nearest first."""
    key = key_of(peer_id)
    made = (Identity.from_seed(rng.bytes(SEED_BYTES)) for _ in range(count * tries))
    return tuple(nsmallest(count, made, key=lambda one: key_of(one.peer_id.multihash) ^ key))


class KeySybil(Follower):
    """Fires once for each question after its victim."""

    def __init__(
        self, band: Band, address: NodeAddress, rng: Rng, targets: tuple[NodeAddress, ...], *, victim: bytes
    ) -> None:
        super().__init__(band, address, rng, tuple(target for target in targets if target.peer_id != victim))
        self._victim = victim

    def on_ready(self, link: Link, now: Micros) -> None:
        super().on_ready(link, now)
        self.send(link, _OFFER, KadHello(KadRole.SERVER, self.address.port))

    def on_message(self, link: Link, message: Message, now: Micros) -> None:
        match message:
            case KadAsk(number, DhtMessage(type=DhtType.FIND_NODE, key=wanted)):
                self.band.fired += wanted == self._victim
                self.send(link, KadAnswer(number, DhtMessage(DhtType.FIND_NODE, closer=self._told(link))))
            case KadAsk(number, DhtMessage(type=DhtType.PING)):
                self.send(link, KadAnswer(number, DhtMessage(DhtType.PING)))
            case _:
                super().on_message(link, message, now)

    def answer_getheaders(self, link: Link, request: GetHeaders) -> None:
        """It brings nobody anything."""
        self.send(link, Headers(()))

    def _told(self, link: Link) -> tuple[DhtPeer, ...]:
        others = (peer.address for peer in self.band.peers if peer is not self)
        return tuple(peer_at(address) for address in others if address != link.remote)[:_TOLD_MAX]
