"""What a server tells those who ask."""

from tests.unit.overlay.kademlia.contacts import OWN, contact, links_of, peer_id_of, peer_view

from minicoin.core.limits import KAD_PROVIDER_LIFE_US
from minicoin.core.overlay.kademlia.answers import DhtAnswerer
from minicoin.core.overlay.kademlia.dht_message import DhtConnection, DhtMessage, DhtPeer, DhtType, peer_at
from minicoin.core.overlay.kademlia.links import KadLinks
from minicoin.core.overlay.kademlia.providers import ProviderStore
from minicoin.core.overlay.kademlia.table import RoutingTable
from minicoin.core.units import Micros

T0 = Micros(1_700_000_000_000_000)
ASKER = contact(500)
KNOWN = [contact(number) for number in range(1, 40)]


def answerer(links: KadLinks | None = None, k: int = 5) -> DhtAnswerer:
    table = RoutingTable(OWN.key, 20)
    for each in (*KNOWN, ASKER):
        table.see(each)
    return DhtAnswerer(table, links or KadLinks(OWN.key), ProviderStore(), k)


def nearest(key: int) -> list[bytes]:
    return [each.peer_id for each in sorted(KNOWN, key=lambda each: each.key ^ key)]


def test_the_nearest_are_named_and_never_the_asker():
    for target in (contact(700), ASKER):
        message = DhtMessage(DhtType.FIND_NODE, target.peer_id, cluster_level=3)
        answer = answerer().answer(ASKER.peer_id, ASKER, message, T0)
        assert (answer.type, answer.key, answer.cluster_level) == (DhtType.FIND_NODE, b"", 3)
        assert [each.id for each in answer.closer] == nearest(target.key)[:5]
        assert answer.closer[0].dialable()[0].peer_id == answer.closer[0].id


def test_who_is_asked_for_and_connected_is_named_first():
    links = links_of(600)
    client = links.add(peer_view(601, 601, is_inbound=True))
    for number, at in ((600, peer_at(contact(600).address).addresses), (601, ())):
        asked = DhtMessage(DhtType.FIND_NODE, peer_id_of(number))
        answer = answerer(links).answer(ASKER.peer_id, ASKER, asked, T0)
        assert answer.closer[0] == DhtPeer(peer_id_of(number), at, DhtConnection.CONNECTED) and len(answer.closer) == 5
    own = DhtMessage(DhtType.FIND_NODE, client.peer_id)
    assert client.peer_id not in [each.id for each in answerer(links).answer(client.peer_id, None, own, T0).closer]


def test_on_a_stream_whom_is_asked_for_is_named_be_it_who_asks_or_who_is_asked():
    links = links_of(500)
    for target, connection in ((OWN, DhtConnection.NOT_CONNECTED), (ASKER, DhtConnection.CONNECTED)):
        asked = DhtMessage(DhtType.FIND_NODE, target.peer_id)
        closer = answerer(links).answer_on_stream(ASKER.peer_id, ASKER, OWN, asked, T0).closer
        addresses = peer_at(target.address).addresses
        assert closer[0] == DhtPeer(target.peer_id, addresses, connection)
        assert [each.id for each in closer[1:]] == nearest(target.key)[:4]
        # A stranger's place nobody knows, nor that of a node that nobody can dial.
        closer = answerer().answer_on_stream(ASKER.peer_id, None, None, asked, T0).closer
        assert [each.id for each in closer] == nearest(target.key)[:5]
    values = DhtMessage(DhtType.GET_VALUE, OWN.peer_id)
    assert OWN.peer_id not in [
        each.id for each in answerer().answer_on_stream(ASKER.peer_id, ASKER, OWN, values, T0).closer
    ]


def test_a_ping_is_given_back():
    assert answerer().answer(ASKER.peer_id, None, DhtMessage(DhtType.PING), T0) == DhtMessage(DhtType.PING)


def test_values_are_not_kept():
    made = answerer()
    assert made.answer(ASKER.peer_id, ASKER, DhtMessage(DhtType.PUT_VALUE, b"k", b"value"), T0) is None
    answer = made.answer(ASKER.peer_id, ASKER, DhtMessage(DhtType.GET_VALUE, b"k"), T0)
    assert answer.record == b"" and len(answer.closer) == 5


def test_a_provider_is_believed_of_itself_only():
    made = answerer()
    theirs = DhtMessage(DhtType.ADD_PROVIDER, b"key", providers=(DhtPeer(contact(1).peer_id),))
    own = DhtMessage(DhtType.ADD_PROVIDER, b"key", providers=(DhtPeer(contact(1).peer_id), DhtPeer(ASKER.peer_id)))
    question = DhtMessage(DhtType.GET_PROVIDERS, b"key")
    assert made.answer(ASKER.peer_id, ASKER, theirs, T0) is None
    # Who cannot be asked is no provider either.
    made.answer(ASKER.peer_id, None, own, T0)
    assert made.answer(contact(2).peer_id, None, question, T0).providers == ()
    assert made.answer(ASKER.peer_id, ASKER, own, T0) is None
    answer = made.answer(contact(2).peer_id, None, question, T0)
    assert answer.providers == (peer_at(ASKER.address),) and len(answer.closer) == 5
    late = Micros(T0 + KAD_PROVIDER_LIFE_US)
    assert made.answer(contact(2).peer_id, None, question, late).providers == ()
