"""The laws of rumours, by whole nodes: infect-and-die reaches what a short reference reaches on the same graph, and
pulling mends the rest within two rounds. Demers et al., PODC 1987; reduced here, at full size under MINICOIN_SOAK."""

from math import exp

import pytest
from tests.soak import IS_SOAK
from tests.unit.overlay.gossip.nodes import (
    SILENT,
    gossip_network,
    gossip_world,
    links_of,
    mine,
    random_graph,
    start_graph,
)

from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US

DEGREE = 8
POINT = 0.01
# Fan-out: how many items, as many as it takes for their mean to be that near. The fewer copies, the more chance.
ITEMS = {2: 70, 3: 40, 4: 24, 5: 14, 7: 8}
SHARE = {2: 0.797, 3: 0.940, 4: 0.980, 5: 0.993, 7: 0.999}
"""On a complete view: c = 1 - exp(-fanout c)."""


def infect_and_die(links, fanout, rng):
    """The share that one item reaches: each node that has it passes it on once, to `fanout` random others but the one
    it had it from."""
    fresh, known = [(rng.below(len(links)), None)], {}
    known[fresh[0][0]] = None
    while fresh:
        heard = []
        for node, origin in fresh:
            others = [other for other in links[node] if other != origin]
            for target in rng.sample(others, fanout):
                if target not in known:
                    known[target] = None
                    heard.append((target, node))
        fresh = heard
    return len(known) / len(links)


def expected(links, fanout, runs):
    rng = Rng(b"reference")
    return sum(infect_and_die(links, fanout, rng) for _ in range(runs)) / runs


def shares(world, hosts, count, wait_us=2 * SECOND_US):
    """The share of nodes that each of so many blocks reaches, mined by random nodes at the tip one after the other."""
    rng, found, tip = Rng(b"origins"), [], hosts[0].tip
    for _ in range(count):
        miner = rng.choice([host for host in hosts if host.tip == tip])
        tip = mine(world, miner)
        world.run(world.now + wait_us)
        found.append(sum(host.tip == tip for host in hosts) / len(hosts))
    return found


@pytest.mark.parametrize("fanout", SHARE)
def test_the_reference_is_the_law_on_a_complete_view(fanout):
    complete = [tuple(other for other in range(150) if other != node) for node in range(150)]
    assert SHARE[fanout] == pytest.approx(1 - exp(-fanout * SHARE[fanout]), abs=0.001)
    assert expected(complete, fanout, 60) == pytest.approx(SHARE[fanout], abs=2 * POINT)


@pytest.mark.parametrize("fanout", ITEMS)
def test_nodes_reach_as_many_as_the_reference_on_the_same_graph(fanout):
    count, items = (1_000, 10) if IS_SOAK else (100, ITEMS[fanout])
    graph = random_graph(count, DEGREE, b"graph %d" % fanout)
    world = gossip_world(gossip_network(fanout=fanout, **SILENT))
    reached = shares(world, start_graph(world, graph), items)
    wanted = expected(links_of(graph), fanout, 400)
    print(f"fan-out {fanout}: {sum(reached) / items:.4f} of {count} nodes reached, by the reference {wanted:.4f}")
    assert sum(reached) / items == pytest.approx(wanted, abs=POINT)
    assert max(reached) > SHARE[fanout]


@pytest.mark.skipif(not IS_SOAK, reason="10,000 nodes take some minutes")
def test_ten_thousand_nodes_reach_as_many_as_the_reference():
    graph = random_graph(10_000, DEGREE, b"ten thousand")
    world = gossip_world(gossip_network(fanout=3, **SILENT))
    reached = shares(world, start_graph(world, graph), 3, 4 * SECOND_US)
    assert sum(reached) / len(reached) == pytest.approx(expected(links_of(graph), 3, 10), abs=POINT)


def test_pulling_mends_what_pushing_missed_and_the_knee_shows():
    count, items = (1_000, 10) if IS_SOAK else (80, 10)
    graph = random_graph(count, DEGREE, b"knee")
    # Two copies each: many are missed. Rounds of three come each 4 s, give or take a tenth.
    # The links are short, so that pushing is over before many have pulled.
    world = gossip_world(gossip_network(fanout=2, pull_peers=3), latency_us=5_000)
    hosts = start_graph(world, graph)
    pushed = expected(links_of(graph), 2, 400)
    at_once, later, cycle, two = [], [], [], []
    for item in range(items):
        tip = mine(world, hosts[item])
        for wait_us, into in ((500_000, at_once), (700_000, later), (3_400_000, cycle), (4_400_000, two)):
            world.run(world.now + wait_us)
            into.append(sum(host.tip == tip for host in hosts) / count)
    mean = [sum(found) / items for found in (at_once, later, cycle, two)]
    print(f"pushed {mean[0]:.4f}, 1.2 s {mean[1]:.4f}, 4.6 s {mean[2]:.4f}, 9 s {mean[3]:.4f}; by the law {pushed:.4f}")
    # What pushes reach they reach in half a second; from there on the curve is as slow as the rounds are.
    assert abs(mean[0] - pushed) < 0.05
    assert mean[0] < mean[1] < mean[0] + (1 - mean[0]) * 0.6
    assert mean[2] > 0.99
    assert two == [1.0] * items
