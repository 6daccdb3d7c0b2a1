"""A Sybil near a key: one operator makes identities around a node's place until all that are nearest to it are its own,
and whoever asks them for that node is told of the others. Addresses in one network group give them three places in a
table and three in a lookup, and so the node is found; without that bound it is lost, as the control shows."""

import pytest
from tests.unit.overlay.kademlia.circle import Circle, Member, group_of
from tests.unit.overlay.kademlia.contacts import contact

from minicoin.core.effects import Send
from minicoin.core.limits import KAD_GROUP_IN_TABLE_MAX
from minicoin.core.overlay.contract import NetworkView
from minicoin.core.overlay.kademlia.dht_message import DhtMessage, peer_at
from minicoin.core.overlay.kademlia.keyspace import Contact
from minicoin.core.overlay.kademlia.messages import KadAnswer, KadAsk
from minicoin.core.part import route
from minicoin.core.units import MINUTE_US

HONEST = 30
SYBILS = 24
VICTIM = 13
FIRST_SYBIL = 1_000


class Sybil(Member):
    """One of the identities: as any node, but that it knows only the others when it is asked."""

    def __init__(self, number: int, band: list[Contact], **facts) -> None:
        super().__init__(number, **facts)
        self.band = band
        self.router = {**self.router, KadAsk: route(KadAsk, self.lie)}

    def lie(self, peer, message, now):
        told = tuple(peer_at(other.address) for other in self.band[:20])
        return [Send(peer.conn, KadAnswer(message.number, DhtMessage(message.message.type, closer=told)))]


def attacked(*, in_one_group: bool) -> tuple[Circle, list[Member]]:
    """A circle with the attacker in it, who is the nearest to the victim many times over, and its honest members."""
    victim = contact(VICTIM)
    near = sorted(range(FIRST_SYBIL, 15_000), key=lambda number: contact(number).key ^ victim.key)[:SYBILS]
    band = [contact(number) for number in near]
    hosts = {each.address.host for each in band} if in_one_group else set()
    facts = {"pull_period": 3_600, "k": 4, "group": lambda at: b"one" if at.host in hosts else group_of(at)}
    honest = [Member(number, **facts) for number in range(1, HONEST + 1)]
    sybils = [Sybil(number, band, **facts) for number in near]
    circle = Circle(*honest, *sybils)
    # Who was there before keeps its place: so the attacker is among the first, and the victim the last to come.
    for member in (*sybils, *sorted(honest[1:], key=lambda member: member.number == VICTIM)):
        circle.connect(member, honest[0])
        circle.settle()
    circle.let_pass(MINUTE_US)
    return circle, honest


def found_by(circle: Circle, honest: list[Member]) -> int:
    """How many of those that neither are connected to the victim nor have it in their tables find it, in percent."""
    victim = honest[VICTIM - 1]
    met = [other for other, _ in victim.ends.values()]
    strangers = [member for member in honest if member is not victim and member not in met]
    seekers = [member for member in strangers if victim.contact not in member.overlay.table]
    assert len(seekers) > HONEST // 5
    for member in seekers:
        circle.do(member, member.overlay.find(1, victim.contact.peer_id, NetworkView(), circle.now))
        circle.settle()
    return 100 * sum(member.replies[1].is_certain for member in seekers) // len(seekers)


@pytest.mark.parametrize("in_one_group", [True, False])
def test_a_sybil_near_a_key_hides_nobody_unless_it_has_many_networks(in_one_group):
    circle, honest = attacked(in_one_group=in_one_group)
    held = [sum(each.group == b"one" for each in member.overlay.table) for member in honest]
    assert max(held) == (KAD_GROUP_IN_TABLE_MAX if in_one_group else 0)
    share = found_by(circle, honest)
    assert share > 90 if in_one_group else share < 10
