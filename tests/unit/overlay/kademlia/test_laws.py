"""The laws of the model, by whole nodes: Kadcast's tree reaches what a short reference reaches on the same connections,
whole and with dead nodes in it, and lookups take as many steps as a reference on the same tables.

Rohrer and Tschorsch, AFT 2019; Maymounkov and Mazieres 2002. Reduced here, at full size under MINICOIN_SOAK."""

from statistics import stdev

import pytest
from tests.soak import IS_SOAK
from tests.unit.overlay.kademlia.nodes import (
    SILENT,
    Buckets,
    figure,
    graph_of,
    kademlia_network,
    kademlia_world,
    mine,
    start_nodes,
)

from minicoin.core.answers import FoundBy
from minicoin.core.commands import FindPeer
from minicoin.core.overlay.kademlia.keyspace import KEY_BITS, key_of
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.world.host import Host
from minicoin.world.world import World

COUNT = 1_000 if IS_SOAK else 100
ITEMS = 20
DEATHS = 40
POINTS = 0.02
# Of so many nodes one looks around in the time that this takes, once a day, and finds somebody nearer.
LOOK_AROUND = COUNT // 100


# --- the tree ---


def cast(graph: list[Buckets], beta: int, dead: set[int], source: int, rng: Rng) -> tuple[int, int]:
    """The living that one item reaches, and how many times it was sent to them: who is answerable below a height gives
    it to beta of each bucket there, once."""
    reached, sent, queue = {source}, 0, [(source, KEY_BITS)]
    while queue:
        node, height = queue.pop(0)
        for index, others in list(graph[node].items()):
            for other in rng.sample(others, beta) if index < height else ():
                sent += other not in dead
                if other not in dead and other not in reached:
                    reached.add(other)
                    queue.append((other, index))
    return len(reached), sent


def expected(graph: list[Buckets], beta: int, deaths: list[tuple[int, ...]]) -> tuple[float, float]:
    """Coverage of the living, and copies that each of them gets, in the mean over these groups of the dead."""
    rng, runs = Rng(b"reference"), 400 // len(deaths)
    shares: list[float] = []
    copies: list[float] = []
    for dead in deaths * runs:
        living = [node for node in range(len(graph)) if node not in dead]
        reached, sent = cast(graph, beta, set(dead), rng.choice(living), rng)
        shares.append(reached / len(living))
        copies.append(sent / len(living))
    return sum(shares) / len(shares), sum(copies) / len(copies)


@pytest.mark.parametrize("beta", [1, 2, 3])
def test_the_tree_reaches_what_the_reference_reaches(beta: int) -> None:
    """Coverage within two points, copies within two in a hundred: by 40 items each node gets, of 100 nodes, 0.99, 2.96
    and 4.75 (the reference 0.99, 2.99, 4.75), of 300 nodes 1.00, 3.39 and 5.57 (the reference 1.00, 3.42, 5.65).

    One draw of the dead strays by some fifteen points with beta = 1, since the first contact has half of the nodes
    below it, and the mean of 40 by more than two; with 2 by half a point, with 3 by none. Twice the error of the mean
    is allowed for beside the two points."""
    world = kademlia_world(kademlia_network(beta=beta, **SILENT))
    hosts, _ = start_nodes(world, COUNT)
    graph, rng = graph_of(world, hosts), Rng(b"sources")
    shares, copies = zip(*(_send(world, hosts, (), rng) for _ in range(ITEMS)), strict=True)
    coverage, sent = expected(graph, beta, [()])
    assert coverage == 1 and set(shares) == {1}
    print(f"beta {beta}: {sum(copies) / ITEMS:.3f} copies, by the reference {sent:.3f}")
    assert sum(copies) / ITEMS == pytest.approx(sent, rel=POINTS)
    # Each item meets other nodes that are dead and that nobody has noticed: the tree is as it was.
    deaths = [tuple(rng.sample(range(COUNT), COUNT // 10)) for _ in range(DEATHS)]
    shares = [_send(world, hosts, dead, rng)[0] for dead in deaths]
    reached, wanted = sum(shares) / len(shares), expected(graph, beta, deaths)[0]
    error = stdev(shares) / len(shares) ** 0.5
    print(f"beta {beta}: {reached:.3f} of the living reached, by the reference {wanted:.3f}; error {error:.3f}")
    assert reached == pytest.approx(wanted, abs=POINTS + 2 * error)
    assert sum(now != before for now, before in zip(graph_of(world, hosts), graph, strict=True)) <= 2 * LOOK_AROUND


def _send(world: World, hosts: list[Host], dead: tuple[int, ...], rng: Rng) -> tuple[float, float]:
    """The share of the living that a block of one of them reaches, and the copies that each of them gets. Then the dead
    are let go, and what they hold back arrives."""
    living = [host for number, host in enumerate(hosts) if number not in dead]
    ends = [end for number in dead for near in hosts[number].links.values() for end in (near, near.other)]
    before = sum(figure(world, host, "casts") for host in living)
    for end in ends:
        world.connections.hold(end)
    tip = mine(world, rng.choice(living))
    world.run(world.now + 2 * SECOND_US)
    share = sum(host.tip == tip for host in living) / len(living)
    copies = sum(figure(world, host, "casts") for host in living) - before
    for end in ends:
        if end.held is not None:
            world.connections.let_go(end)
    assert world.wait(20 * SECOND_US, lambda: all(host.tip == tip for host in hosts))
    return share, copies / len(living)


# --- lookups ---


def hops(tables: list[Buckets], keys: list[int], source: int, target: int, alpha: int = 3, k: int = 20) -> int:
    """How many answers one after another lead to the target: of the nearest so many are asked at a time, in turn, until
    one of them names it."""

    def nearest(node: int, most: int) -> list[int]:
        known = [other for others in tables[node].values() for other in others if other != source]
        return sorted(known, key=lambda other: keys[other] ^ keys[target])[:most]

    depth = dict.fromkeys(nearest(source, k), 0)
    asked: list[int] = []
    waiting: list[int] = []
    while target not in depth:
        order = sorted(depth, key=lambda other: keys[other] ^ keys[target])[:k]
        waiting += [other for other in order if other not in asked][: alpha - len(waiting)]
        asked += [other for other in waiting if other not in asked]
        node = waiting.pop(0)
        for other in nearest(node, k):
            depth.setdefault(other, depth[node] + 1)
    return depth[target]


@pytest.mark.parametrize("k", [20] if IS_SOAK else [5])
def test_lookups_take_as_many_steps_as_the_reference(k: int) -> None:
    world = kademlia_world(kademlia_network(k=k, **SILENT))
    hosts, tables = start_nodes(world, COUNT, k)
    keys = [key_of(host.address.peer_id) for host in hosts]
    rng, taken, wanted = Rng(b"lookups"), [], []
    for source in rng.sample(range(COUNT), COUNT if IS_SOAK else 60):
        met = [other for others in graph_of(world, hosts)[source].values() for other in others]
        target = rng.choice([other for other in range(COUNT) if other not in met and other != source])
        found = world.ask(hosts[source], FindPeer(hosts[target].address.peer_id))
        assert found.by is FoundBy.LOOKUP and found.addresses == (hosts[target].address,) and found.is_certain
        taken.append(found.hops)
        wanted.append(hops(tables, keys, source, target, 3, k))
    print(f"{sum(taken) / len(taken):.2f} hops, by the reference {sum(wanted) / len(wanted):.2f}")
    assert sum(taken) / len(taken) == pytest.approx(sum(wanted) / len(wanted), abs=0.25)
