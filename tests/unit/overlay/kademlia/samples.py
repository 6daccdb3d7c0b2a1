"""One message of each kind and more, for tests and fuzz targets."""

from tests.unit.overlay.kademlia.contacts import contact, peer_id_of

from minicoin.core.limits import KAD_PEERS_PER_MESSAGE_MAX
from minicoin.core.overlay.kademlia.dht_message import DhtMessage, DhtType, peer_at
from minicoin.core.overlay.kademlia.messages import KadAnswer, KadAsk, KadCast, KadHello, KadRole

QUESTION = DhtMessage(DhtType.FIND_NODE, peer_id_of(1))
MANY = tuple(peer_at(contact(number).address) for number in range(KAD_PEERS_PER_MESSAGE_MAX))
SAMPLES = (
    KadHello(KadRole.CLIENT, 0),
    KadHello(KadRole.SERVER, 8333),
    KadAsk(7, QUESTION),
    KadAnswer(2**32 - 1, DhtMessage(DhtType.GET_PROVIDERS, closer=MANY, providers=MANY)),
    KadCast(bytes(range(32)), 255),
)
