"""What a server answers: the same over a connection of ours and over libp2p's kad-dht.

Whom it tells of stands in its table, or is connected: who is asked for by id and is connected is named first, a client
too, since nobody else knows where it is. PUT_VALUE and GET_VALUE belong to a store that nobody keeps here: the first is
not answered, the second by nearer peers as one that has nothing does. A provider is believed of itself only.

On libp2p's streams whom FIND_NODE asks for stands first wherever it is known, be it who asks or who is asked: so the
specification has it, and other software learns from that where a peer is, and that it answers. Over connections of ours
both are left out, since both know themselves.
"""

from dataclasses import replace

from minicoin.core.limits import KAD_PROVIDERS_PER_KEY_MAX
from minicoin.core.overlay.kademlia.dht_message import DhtConnection, DhtMessage, DhtPeer, DhtType, peer_at
from minicoin.core.overlay.kademlia.keyspace import Contact, key_of
from minicoin.core.overlay.kademlia.links import KadLinks
from minicoin.core.overlay.kademlia.providers import ProviderStore
from minicoin.core.overlay.kademlia.table import RoutingTable
from minicoin.core.units import Micros


class DhtAnswerer:
    """Answers from the table of one node."""

    __slots__ = ("_k", "_links", "_providers", "_table")

    def __init__(self, table: RoutingTable, links: KadLinks, providers: ProviderStore, k: int) -> None:
        self._table = table
        self._links = links
        self._providers = providers
        self._k = k

    def answer(self, asker: bytes, contact: Contact | None, message: DhtMessage, now: Micros) -> DhtMessage | None:
        """What this peer is told; None where there is nothing to say. `contact` is the peer, where it can be asked."""
        level = message.cluster_level
        match message.type:
            case DhtType.PING:
                return DhtMessage(DhtType.PING, cluster_level=level)
            case DhtType.FIND_NODE | DhtType.GET_VALUE:
                return DhtMessage(message.type, closer=self._closer(asker, message.key), cluster_level=level)
            case DhtType.GET_PROVIDERS:
                known = self._providers.get(message.key, now)[:KAD_PROVIDERS_PER_KEY_MAX]
                providers = tuple(peer_at(each.address) for each in known)
                closer = self._closer(asker, message.key)
                return DhtMessage(message.type, closer=closer, providers=providers, cluster_level=level)
            case DhtType.ADD_PROVIDER:
                if contact is not None and message.key and any(each.id == asker for each in message.providers):
                    self._providers.add(message.key, contact, now)
                return None
            case DhtType.PUT_VALUE:
                return None

    def answer_on_stream(
        self, asker: bytes, contact: Contact | None, own: Contact | None, message: DhtMessage, now: Micros
    ) -> DhtMessage | None:
        """The same on a stream of libp2p's; `own` is where this node can be asked, where it is asked for itself."""
        answer = self.answer(asker, contact, message, now)
        if answer is None or message.type is not DhtType.FIND_NODE:
            return answer
        for known in (own, contact):
            if known is not None and known.peer_id == message.key:
                link = DhtConnection.CONNECTED if known is contact else DhtConnection.NOT_CONNECTED
                target = replace(peer_at(known.address), connection=link)
                return replace(answer, closer=(target, *answer.closer)[: self._k])
        return answer

    def _closer(self, asker: bytes, key: bytes) -> tuple[DhtPeer, ...]:
        found: dict[bytes, DhtPeer] = {}
        met = self._links.to(key)
        if met is not None and key != asker:
            at = () if met.contact is None else peer_at(met.contact.address).addresses
            found[key] = DhtPeer(key, at, DhtConnection.CONNECTED)
        for contact in self._table.closest(key_of(key), self._k + 1):
            if contact.peer_id != asker:
                found.setdefault(contact.peer_id, peer_at(contact.address))
        return tuple(found.values())[: self._k]
