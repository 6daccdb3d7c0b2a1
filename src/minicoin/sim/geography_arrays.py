"""The numpy twins of geography: places, lines and link latencies of a million nodes, equal to its own."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from minicoin.sim import draws, draws_arrays, geography
from minicoin.sim.draws import Purpose
from minicoin.sim.geography import FixedBandwidth, Geography, LognormalBandwidth
from minicoin.sim.topology import Adjacency

Longs = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int32]

# Links whose latencies are drawn at a time: bounds the temporary arrays to some ten megabytes.
LINKS_AT_A_TIME: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class LineArrays:
    """As geography.NodeLines."""

    region: Shorts
    down: Longs
    up: Longs


def node_lines(place: Geography, nodes: int, seed: int) -> LineArrays:
    """As geography.node_lines."""
    region = _node_regions(place, nodes, seed)
    rates = [np.zeros(nodes, dtype=np.int64), np.zeros(nodes, dtype=np.int64)]
    for index, bandwidth in enumerate(place.bandwidth):
        members = np.flatnonzero(region == index)
        for column, purpose in enumerate((Purpose.BANDWIDTH_DOWN, Purpose.BANDWIDTH_UP)):
            bits = draws_arrays.words(draws.draw_key(seed, purpose), members)
            rates[column][members] = _rates(bandwidth, bits, column == 0)
    return LineArrays(region, rates[0], rates[1])


def _node_regions(place: Geography, nodes: int, seed: int) -> Shorts:
    words = draws_arrays.words(draws.draw_key(seed, Purpose.REGION), np.arange(nodes))
    region = np.empty(nodes, dtype=np.int32)
    bounds = geography.region_bounds(place, nodes)
    region[np.argsort(words, kind="stable")] = np.searchsorted(bounds, np.arange(nodes), side="right")
    return region


def _rates(bandwidth: FixedBandwidth | LognormalBandwidth, bits: draws_arrays.Words, is_down: bool) -> Longs:
    if isinstance(bandwidth, FixedBandwidth):
        fixed = bandwidth.down_mbit if is_down else bandwidth.up_mbit
        return np.full(len(bits), geography.bytes_per_second(fixed), dtype=np.int64)
    median, sigma = bandwidth.down_median, bandwidth.down_sigma
    low, high = bandwidth.down_clip
    if not is_down:
        median, sigma = bandwidth.up_median, bandwidth.up_sigma
        low, high = bandwidth.up_clip
    drawn = draws_arrays.lognormal(draws_arrays.uniforms(bits), median, sigma)
    rates: Longs = np.rint(np.minimum(np.maximum(drawn, low), high) * geography.BYTES_PER_MBIT).astype(np.int64)
    # As bytes_per_second: no drawn rate is 0, which would be unlimited.
    return np.maximum(rates, 1)


def link_latencies(place: Geography, graph: Adjacency, region: Shorts, seed: int) -> Shorts:
    """Latencies.between for both ends of each link entry, where they are drawn per link or fixed."""
    means = np.array(place.latency_us, dtype=np.int64)
    key = draws.draw_key(seed, Purpose.LATENCY)
    owner = graph.owner()
    latency = np.empty(len(graph.peer), dtype=np.int32)
    for start in range(0, len(latency), LINKS_AT_A_TIME):
        part = slice(start, start + LINKS_AT_A_TIME)
        ends = owner[part], graph.peer[part]
        mean = means[region[ends[0]], region[ends[1]]]
        if place.latency_law == "fixed":
            latency[part] = mean
            continue
        words = draws_arrays.words(key, np.minimum(*ends), np.maximum(*ends))
        shape = geography.PARETO_SHAPE_PER_MS * (mean / 1000.0)
        scale = (mean - geography.PARETO_SCALE_LESS_US).astype(np.float64)
        drawn = draws_arrays.pareto(draws_arrays.uniforms(words), shape, scale)
        latency[part] = np.minimum(drawn, geography.LATENCY_US_MAX)
    return latency
