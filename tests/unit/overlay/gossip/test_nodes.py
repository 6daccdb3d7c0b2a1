"""Nodes of the gossip model together: they find each other, hold on, and lack nothing for long."""

from dataclasses import replace

import pytest
from tests.unit.overlay.gossip.nodes import (
    NOBODY,
    SILENT,
    agree,
    gossip_network,
    gossip_world,
    mine,
    neighbours,
    start_graph,
)

from minicoin.core.answers import FoundBy, PeerFound
from minicoin.core.commands import CreateWallet, FindPeer, Generate, NewAddress, Pay
from minicoin.core.libp2p.identity import Identity
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.script.standard import address_script
from minicoin.core.units import MINUTE_US, SECOND_US

QUICK = {"pull_period": 2, "alive_period": 2, "expiry": 24, "reshuffle_period": 20}


def crowd(count, seed=b"crowd", **chosen):
    """Nodes that know the first one and nobody else, a while after their start."""
    world = gossip_world(gossip_network(**QUICK | chosen), seed)
    first = world.add_host()
    world.start(first, NodePolicy())
    for _ in range(count - 1):
        world.start(world.add_host(), NodePolicy(seed_nodes=(first.address,)))
    world.run(world.now + 40 * SECOND_US)
    return world, world.hosts


def test_who_knows_one_node_soon_has_its_neighbours_and_hears_of_everything():
    world, hosts = crowd(14, neighbours=4, neighbours_min=2)
    assert [len(neighbours(host)) for host in hosts[1:]] == [4] * 13
    for miner in hosts[3:7]:
        mine(world, miner)
        assert agree(world, hosts, 10 * SECOND_US)
    assert hosts[0].height == 4


def test_neighbours_change_and_are_never_fewer_than_the_minimum():
    world, hosts = crowd(16, neighbours=3, neighbours_min=2)
    watched = hosts[1:]
    met = [set() for _ in watched]
    for _ in range(240):
        world.run(world.now + SECOND_US // 2)
        for host, ever in zip(watched, met, strict=True):
            now = [slot.address.peer_id for slot in neighbours(host)]
            assert 2 <= len(now) <= 4
            ever.update(now)
    # One in 20 s, give or take, where somebody is left to take its place.
    assert sum(map(len, met)) / len(met) > 5


def test_a_third_of_the_nodes_dies_and_the_rest_goes_on():
    world, hosts = crowd(15, neighbours=3, neighbours_min=2)
    dead, alive = hosts[1::3], [host for index, host in enumerate(hosts) if index % 3 != 1]
    for host in dead:
        world.stop(host, "no power")
    mine(world, alive[-1])
    assert agree(world, alive, 10 * SECOND_US)
    world.run(world.now + 30 * SECOND_US)
    # Who is connected to everybody has nobody left to dial.
    assert all(len(neighbours(host)) >= 2 or len(host.links) == len(alive) - 1 for host in alive)
    for host in dead:
        world.restart(host)
    mine(world, alive[0])
    assert agree(world, hosts, 30 * SECOND_US)
    assert hosts[0].height == 2


def test_who_comes_fifty_blocks_late_is_told_by_its_neighbours():
    world, hosts = crowd(5, neighbours=2, neighbours_min=1)
    world.ask(hosts[2], Generate(50, NOBODY))
    assert agree(world, hosts, 30 * SECOND_US)
    late = world.add_host()
    world.start(late, NodePolicy(seed_nodes=(hosts[0].address,)))
    assert world.wait(30 * SECOND_US, lambda: late.height == 50)
    assert late.tip == hosts[0].tip


def test_a_newcomer_learns_what_is_pending():
    network = gossip_network(**QUICK)
    world = gossip_world(network)
    one = world.add_node("one")
    world.ask(one, CreateWallet(b""))
    own = address_script(world.ask(one, NewAddress("")).address, network.address_format)
    world.ask(one, Generate(network.coinbase_maturity + 1, own))
    txid = world.ask(one, Pay((TxOut(50_000, NOBODY),))).txid
    late = world.add_node("late", NodePolicy(add_nodes=(one.address,)))
    assert world.wait(MINUTE_US, lambda: txid in late.node.view.mempool)


@pytest.mark.parametrize("fanout", [1, 8])
def test_a_payment_reaches_all_whatever_pushing_misses(fanout):
    network = gossip_network(**QUICK | {"fanout": fanout})
    world = gossip_world(network)
    hosts = [world.add_node("payer")]
    for number in range(6):
        hosts.append(world.add_node(str(number), NodePolicy(add_nodes=(hosts[number // 2].address,))))
    world.ask(hosts[0], CreateWallet(b""))
    own = address_script(world.ask(hosts[0], NewAddress("")).address, network.address_format)
    world.ask(hosts[0], Generate(network.coinbase_maturity + 1, own))
    assert agree(world, hosts, MINUTE_US)
    txid = world.ask(hosts[0], Pay((TxOut(50_000, NOBODY),))).txid
    assert world.wait(MINUTE_US, lambda: all(txid in host.node.view.mempool for host in hosts))
    mine(world, hosts[-1])
    assert agree(world, hosts, MINUTE_US)
    assert all(len(host.node.view.mempool) == 0 for host in hosts)


def test_nodes_of_another_model_stay_connected_and_lack_nothing():
    world = gossip_world(gossip_network(**QUICK, fanout=1))
    hosts = start_graph(world, [[], [0], [0, 1], [0, 1, 2]])
    world.network = replace(REGTEST, overlay="random")
    assert world.network.network_id == gossip_network().network_id
    other = world.add_host()
    world.start(other, NodePolicy(connect=(hosts[0].address, hosts[3].address)))
    world.run(world.now + 5 * SECOND_US)
    assert len(other.links) == 2
    for miner in (hosts[1], other, hosts[3], other):
        mine(world, miner)
        assert agree(world, [*hosts, other], 10 * SECOND_US)
    # It hears of blocks as Bitcoin's nodes do, at once; of no message that it does not know.
    tip = mine(world, hosts[0])
    assert world.wait(SECOND_US, lambda: other.tip == tip)
    assert len(other.links) == 2


def test_one_seed_gives_one_digest():
    digests = []
    for seed in (b"one", b"one", b"two"):
        world, hosts = crowd(6, seed)
        mine(world, hosts[3])
        world.run(world.now + 10 * SECOND_US)
        digests.append(world.digest.hexdigest())
    assert digests[0] == digests[1] != digests[2]


def test_a_peer_is_found_by_asking_who_knows_one_who_knows():
    # Nobody shuffles but with whom it just met, so that nobody knows more than a few.
    world = gossip_world(gossip_network(**SILENT))
    hosts = start_graph(world, [[], *([index] for index in range(7))])
    ids = [host.address.peer_id for host in hosts]
    found = world.ask(hosts[0], FindPeer(ids[1]))
    assert (found.addresses, found.by, found.asked) == ((hosts[1].address,), FoundBy.CONNECTED, 0)
    found = world.ask(hosts[0], FindPeer(ids[5]))
    assert (found.addresses, found.by, found.told_by) == ((hosts[5].address,), FoundBy.LOOKUP, ids[1])
    assert found.asked == 1 and found.is_certain
    # Too many hops away, and not there at all: nobody can tell one from the other, nor says so.
    absent = Identity.from_number(77).peer_id.multihash
    for target in (ids[7], absent):
        assert world.ask(hosts[0], FindPeer(target)) == PeerFound(asked=1)
