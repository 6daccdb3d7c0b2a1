"""From a scenario to what its named sources draw: geography, lines of each node, topology. World and model both begin
here, so that the same seed gives both the same network."""

from dataclasses import replace

from minicoin.core.faults import MisuseError
from minicoin.sim import geography, pools, topology
from minicoin.sim.geography import Bandwidth, FixedBandwidth, Geography, NodeLines
from minicoin.sim.scenario.form import ScenarioForm
from minicoin.sim.scenario.groups import group_ranges, link_degrees
from minicoin.sim.topology import Topology


def scenario_geography(form: ScenarioForm) -> Geography:
    """The geography with the [links] table's latency and bandwidths in it."""
    links = form.links
    if links.geography == "uniform":
        latency_us = round((links.latency_ms or 0.0) * 1_000)
        return geography.uniform(latency_us, links.down_mbit or 0.0, links.up_mbit or 0.0)
    place = geography.named(links.geography)
    place = place.with_latency(links.latency or place.latency_law, links.latency_drawn or place.latency_drawn)
    lines = tuple(_capped(lines, links.down_mbit, links.up_mbit) for lines in place.bandwidth)
    return replace(place, bandwidth=lines)


def _capped(lines: Bandwidth, down_mbit: float | None, up_mbit: float | None) -> Bandwidth:
    """`lines` with the rates that the file sets, the same for every node."""
    if isinstance(lines, FixedBandwidth):
        return FixedBandwidth(
            lines.down_mbit if down_mbit is None else down_mbit, lines.up_mbit if up_mbit is None else up_mbit
        )
    if down_mbit is not None:
        lines = replace(lines, down_median=down_mbit, down_sigma=0.0, down_clip=(down_mbit, down_mbit))
    if up_mbit is not None:
        lines = replace(lines, up_median=up_mbit, up_sigma=0.0, up_clip=(up_mbit, up_mbit))
    return lines


def scenario_lines(form: ScenarioForm, seed: int) -> NodeLines:
    """Region and rates of every node: the geography draws them, the pools of a topology have the places and lines of
    their source, and groups that say otherwise have their own."""
    place = scenario_geography(form)
    drawn = geography.node_lines(place, form.nodes.count, seed)
    region, down, up = list(drawn.region), list(drawn.down), list(drawn.up)
    if form.topology.source == "gervais":
        for pool, name in enumerate(pools.POOL_REGIONS):
            down[pool] = up[pool] = geography.bytes_per_second(pools.POOL_MBIT)
            if name in place.regions:
                region[pool] = place.regions.index(name)
    spans = group_ranges(form.nodes)
    for group in form.nodes.group:
        for node in spans[group.name]:
            if group.region is not None:
                region[node] = place.regions.index(group.region)
            down[node] = _rate(group.down_mbit, down[node])
            up[node] = _rate(group.up_mbit, up[node])
    return NodeLines(tuple(region), tuple(down), tuple(up))


def _rate(mbit: float | None, otherwise: int) -> int:
    return otherwise if mbit is None else geography.bytes_per_second(mbit)


def scenario_topology(form: ScenarioForm, seed: int) -> Topology:
    """Who dials whom. With source = "addrman" nothing is drawn, as nodes find each other: MisuseError."""
    source, count = form.topology.source, form.nodes.count
    if source == "addrman":
        raise MisuseError("topology.source = 'addrman' has no links of its own: nodes find each other")
    if source == "random":
        return topology.random(count, seed, form.topology.outbound)
    if source == "static":
        return topology.static(count, seed, link_degrees(form))
    if source == "gervais":
        return pools.gervais(count, seed)
    return topology.named(source, count, seed)
