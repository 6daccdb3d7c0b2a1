"""Topologies: degrees as asked for, no loops, no doubled pairs, the same for the same seed."""

import numpy as np
import pytest

from minicoin.sim import pools, topology
from minicoin.sim.pool_shares import POOL_SHARES
from minicoin.sim.topology import Topology


def pairs(graph: Topology) -> list[tuple[int, int]]:
    return [(min(a, b), max(a, b)) for a, b in zip(graph.source.tolist(), graph.target.tolist(), strict=True)]


def check(graph: Topology) -> None:
    links = pairs(graph)
    assert len(set(links)) == len(links), "a doubled pair"
    assert all(a != b for a, b in links), "a loop"
    assert graph.source.tolist() == sorted(graph.source.tolist())


@pytest.mark.parametrize("name", ["random", "simblock", "complete", "ring", "line", "star"])
@pytest.mark.parametrize("nodes", [2, 3, 5, 20, 300])
def test_every_source_is_simple_and_repeats_itself(name: str, nodes: int) -> None:
    graph = topology.named(name, nodes, 5)
    check(graph)
    again = topology.named(name, nodes, 5)
    assert pairs(graph) == pairs(again)


def test_random_gives_everybody_its_links() -> None:
    graph = topology.random(2_000, 1)
    assert np.bincount(graph.source).tolist() == [8] * 2_000
    assert pairs(graph) != pairs(topology.random(2_000, 2))
    into = np.bincount(graph.target, minlength=2_000)
    assert abs(into[:1_000].sum() - into[1_000:].sum()) < 500, "partners are not uniform"


def test_a_small_network_becomes_complete_rather_than_looping() -> None:
    graph = topology.random(10, 1)
    assert len(graph.source) == 45
    check(graph)


def test_simblock_has_its_degree_distribution() -> None:
    graph = topology.simblock(1_000, 1)
    counts = np.bincount(np.bincount(graph.source))[1:] / 1_000
    assert np.cumsum(counts) == pytest.approx(topology.SIMBLOCK_DEGREE_CDF, abs=2e-3)


def test_static_takes_a_list() -> None:
    graph = topology.static(50, 1, [3] * 25 + [0] * 25)
    assert np.bincount(graph.source, minlength=50).tolist() == [3] * 25 + [0] * 25
    with pytest.raises(ValueError, match="2 degrees were given for 3 nodes"):
        topology.static(3, 1, [1, 1])


def test_shapes() -> None:
    assert topology.ring(4).outbound() == [[1], [2], [3], [0]]
    assert topology.line(4).outbound() == [[1], [2], [3], []]
    assert topology.star(4).outbound() == [[], [0], [0], [0]]
    assert topology.complete(4).outbound() == [[1, 2, 3], [2, 3], [3], []]


def test_explicit_links_are_checked() -> None:
    assert topology.edges(3, [(2, 0), (0, 1)]).outbound() == [[1], [], [0]]
    for links in ([(0, 0)], [(0, 1), (1, 0)]):
        with pytest.raises(ValueError, match="is a loop or repeats"):
            topology.edges(3, links)
    with pytest.raises(ValueError, match=r"outside 0\.\.2"):
        topology.edges(3, [(0, 3)])


def test_adjacency_holds_both_directions() -> None:
    graph = topology.random(300, 1)
    near = topology.adjacency(graph)
    owner = near.owner()
    assert near.nodes == 300
    assert np.array_equal(near.peer[near.reverse], owner)
    assert np.array_equal(near.reverse[near.reverse], np.arange(len(near.peer)))
    assert sorted(zip(np.minimum(owner, near.peer), np.maximum(owner, near.peer), strict=True)) == sorted(
        pairs(graph) * 2
    )
    assert near.peer[near.offset[7] : near.offset[7] + 8].tolist() == graph.outbound()[7]


def test_pools_are_a_mesh_with_many_links() -> None:
    graph = pools.gervais(6_000, 1)
    check(graph)
    near = topology.adjacency(graph)
    degrees = np.diff(near.offset)
    assert all(700 <= degree <= 800 for degree in degrees[:16])
    for pool in range(16):
        assert set(range(16)) - {pool} <= set(near.peer[near.offset[pool] : near.offset[pool + 1]].tolist())
    classes = np.bincount(np.digitize(degrees[16:], [5, 10, 15, 20, 30])) / (6_000 - 16)
    assert classes == pytest.approx([0.10, 0.40, 0.30, 0.13, 0.06, 0.01], abs=0.03)
    assert sum(POOL_SHARES) == pytest.approx(1.0, abs=2e-3)
    with pytest.raises(ValueError, match="more than 32 nodes, not 32"):
        pools.gervais(32, 1)


def test_an_unknown_topology_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown topology 'donut'.*random"):
        topology.named("donut", 5, 1)
