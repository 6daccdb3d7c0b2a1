"""Places, lines and latencies: shares, published means, and the numpy twins."""

import statistics
from dataclasses import replace

import numpy as np
import pytest

from minicoin.sim import geography, geography_arrays, topology
from minicoin.sim.geography import FixedBandwidth, Latencies

NAMES = sorted(geography.GEOGRAPHIES)


@pytest.mark.parametrize("name", NAMES)
def test_shares_are_met_and_drawn(name: str) -> None:
    place = geography.named(name)
    assert sum(place.shares) == pytest.approx(1.0, abs=1e-3)
    regions = geography.node_regions(place, 5_000, 1)
    for index, share in enumerate(place.shares):
        assert regions.count(index) == pytest.approx(5_000 * share, abs=2)
    assert regions != geography.node_regions(place, 5_000, 2)


@pytest.mark.parametrize("name", NAMES)
def test_arrays_agree_with_the_scalar_draws(name: str) -> None:
    place = geography.named(name).with_latency("pareto", "per_link")
    lines = geography.node_lines(place, 700, 3)
    arrays = geography_arrays.node_lines(place, 700, 3)
    assert (tuple(arrays.region), tuple(arrays.down), tuple(arrays.up)) == (lines.region, lines.down, lines.up)
    graph = topology.adjacency(topology.random(700, 3))
    latency = geography_arrays.link_latencies(place, graph, arrays.region, 3)
    scalar = Latencies(place, lines.region, 3)
    ends = zip(graph.owner().tolist(), graph.peer.tolist(), strict=True)
    assert latency.tolist() == [scalar.between(*pair, 5) for pair in ends]


def test_latencies_are_cut_into_parts_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    place = geography.named("gervais-2016")
    graph = topology.adjacency(topology.random(100, 3))
    region = geography_arrays.node_lines(place, 100, 3).region
    whole = geography_arrays.link_latencies(place, graph, region, 3)
    monkeypatch.setattr(geography_arrays, "LINKS_AT_A_TIME", 7)
    assert np.array_equal(whole, geography_arrays.link_latencies(place, graph, region, 3))
    assert np.array_equal(whole, whole[graph.reverse])


def test_pareto_latencies_have_the_mean_of_the_matrix() -> None:
    place = geography.named("simblock-2019")
    latencies = Latencies(place, [0, 1], 1)
    drawn = [latencies.between(0, 1, number) for number in range(5_000)]
    assert statistics.fmean(drawn) == pytest.approx(124_000, rel=0.01)
    assert min(drawn) >= 119_000
    assert len(set(drawn)) > 3_000


def test_a_link_has_one_latency_and_a_message_its_own() -> None:
    place = geography.named("gervais-2016")
    per_link, per_message = Latencies(place, [0] * 9, 1), Latencies(geography.named("simblock-2015"), [0] * 9, 1)
    assert per_link.between(2, 5, 1) == per_link.between(5, 2, 9) != per_link.between(2, 6, 1)
    assert per_message.between(2, 5, 1) != per_message.between(2, 5, 2)
    fixed = Latencies(place.with_latency("fixed", "per_message"), [0, 3], 1)
    assert fixed.between(0, 1, 4) == 310_000


def test_bandwidth_is_fixed_or_drawn_within_its_clip() -> None:
    fixed = geography.node_lines(geography.named("simblock-2015"), 1_000, 1)
    assert {(r, d, u) for r, d, u in zip(fixed.region, fixed.down, fixed.up, strict=True) if r == 2} == {
        (2, 812_500, 225_000)
    }
    drawn = geography.node_lines(geography.named("gervais-2016"), 4_000, 1)
    assert min(drawn.up) >= 12_500 and max(drawn.up) <= 12_500_000
    europe = [up for place, up in zip(drawn.region, drawn.up, strict=True) if place == 1]
    assert statistics.median(europe) == pytest.approx(3.22 * 125_000, rel=0.1)


def test_uniform_is_one_region_of_equal_lines() -> None:
    place = geography.uniform(50_000, 0, 8)
    assert geography.node_lines(place, 2, 1).up == (1_000_000, 1_000_000)
    assert geography.node_lines(place, 2, 1).down == (0, 0)
    assert Latencies(place, [0, 0], 1).between(0, 1) == 50_000


def test_wrong_geographies_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown geography 'mars'.*simblock-2015"):
        geography.named("mars")
    place = geography.named("simblock-2015")
    with pytest.raises(ValueError, match="must cover 6 regions"):
        replace(place, shares=(1.0,))
    with pytest.raises(ValueError, match="6 by 6"):
        replace(place, latency_us=((1,),) * 6)
    with pytest.raises(ValueError, match="mean above 5 ms"):
        replace(geography.uniform(5_000, 1, 1), latency_law="pareto")
    assert isinstance(place.bandwidth[0], FixedBandwidth)
