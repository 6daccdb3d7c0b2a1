"""Identities around one node's key: how near they lie, whom they name, and that honest nodes find each other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.unit.sim.attackers.conftest import NETWORK

from minicoin.core.answers import PeerFound
from minicoin.core.commands import FindPeer
from minicoin.core.events import ConnectionOpened, MessageReceived
from minicoin.core.overlay.kademlia.dht_message import DhtMessage, DhtType
from minicoin.core.overlay.kademlia.keyspace import key_of
from minicoin.core.overlay.kademlia.messages import KadAnswer, KadAsk
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.messages import NetAddress, Verack, Version
from minicoin.sim.attackers.key_sybil import identities_near
from minicoin.sim.scenario.attackers import SybilNearKey

COUNT = 6
MODEL = replace(NETWORK, overlay="kademlia", own_messages=True, overlay_settings=(("k", 4),))
ATTACK = SybilNearKey(kind="sybil-near-key", victim=2, count=5, tries=40)


def test_the_nearest_of_all_that_were_made_are_kept() -> None:
    victim = b"somebody"
    kept = identities_near(victim, 3, 8, Rng(b"made"))
    everyone = identities_near(victim, 24, 1, Rng(b"made"))
    distances = [key_of(one.peer_id.multihash) ^ key_of(victim) for one in everyone]
    assert distances == sorted(distances)
    assert [one.peer_id for one in kept] == [one.peer_id for one in everyone[:3]]


def test_whoever_asks_is_told_of_its_own_only(small_net: Callable[..., Any]) -> None:
    net = small_net(COUNT, [ATTACK], shape="addrman", network=MODEL, has_peer_ids=True)
    victim = net.hosts[2].address.peer_id
    own = {host.address.peer_id for host in net.attacker.hosts}
    nearest = min((host.address.peer_id for host in net.hosts if host is not net.hosts[2]), key=_distance_to(victim))
    assert sum(_distance_to(victim)(one) < _distance_to(victim)(nearest) for one in own) >= 3
    peer, now, asker = net.attacker.peers[0], net.world.now, NodeAddress("110.9.1.1", 1)
    peer.handle(ConnectionOpened(ConnId(1), asker, inbound=True), now)
    there = NetAddress(0)
    version = Version(70016, 0, 0, there, there, 5, "/asker/", 0)
    for message in (version, Verack(), KadAsk(7, DhtMessage(DhtType.FIND_NODE, victim))):
        peer.handle(MessageReceived(ConnId(1), message, 0), Micros(now))
    (answer,) = [
        effect.message for effect in peer.drain_effects() if isinstance(getattr(effect, "message", None), KadAnswer)
    ]
    assert answer.number == 7
    assert {told.id for told in answer.message.closer} == own - {peer.address.peer_id}
    assert net.attacker.fired == 1


def _distance_to(victim: bytes) -> Callable[[bytes], int]:
    return lambda peer_id: key_of(peer_id) ^ key_of(victim)


def test_nodes_find_its_victim_all_the_same(small_net: Callable[..., Any]) -> None:
    net = small_net(COUNT, [ATTACK], shape="addrman", network=MODEL, has_peer_ids=True)
    net.begin(warm_up_s=60, join_s=60)
    victim = net.hosts[2].address.peer_id
    for index in (0, 1, 3, 4, 5):
        found = net.world.ask(net.hosts[index], FindPeer(victim))
        assert isinstance(found, PeerFound) and found.is_certain
    for index in range(COUNT):
        # Longer than what a pull takes to bring what the tree did not.
        net.mine(index, 40)
    assert net.heights() == [COUNT] * COUNT
