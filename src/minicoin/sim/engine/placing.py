"""From a scenario to places: regions, lines, links and latencies of all its nodes. Equal for both engines."""

from dataclasses import dataclass, replace

from minicoin.sim import draws, geography, topology
from minicoin.sim.geography import Geography, Latencies
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.topology import Topology

_US_PER_MS = 1_000


@dataclass(slots=True)
class Places:
    """Where the nodes are. Lists by node index; attackers are appended behind the honest nodes."""

    geography: Geography
    region: list[int]
    up: list[int]
    down: list[int]
    latencies: Latencies

    def append(self, region: int) -> int:
        """A place for one more node, with lines that do not limit it; its index."""
        self.region.append(region)
        self.up.append(0)
        self.down.append(0)
        return len(self.region) - 1


def place(scenario: Scenario, seed: int) -> Places:
    """Regions, rates and latencies; `seed` as draws.seed64 gives it."""
    chosen = _geography(scenario)
    lines = geography.node_lines(chosen, scenario.nodes.count, seed)
    region, up, down = list(lines.region), list(lines.up), list(lines.down)
    for group, indices in zip(scenario.nodes.group, scenario.groups.values(), strict=True):
        for index in indices:
            if group.region is not None:
                region[index] = chosen.regions.index(group.region)
                rates = _rates(chosen, region[index], seed, index)
                down[index], up[index] = rates
    links = scenario.links
    if links.up_mbit is not None:
        up = [round(links.up_mbit * geography.BYTES_PER_MBIT)] * len(up)
    if links.down_mbit is not None:
        down = [round(links.down_mbit * geography.BYTES_PER_MBIT)] * len(down)
    for group, indices in zip(scenario.nodes.group, scenario.groups.values(), strict=True):
        for index in indices:
            if group.up_mbit is not None:
                up[index] = round(group.up_mbit * geography.BYTES_PER_MBIT)
            if group.down_mbit is not None:
                down[index] = round(group.down_mbit * geography.BYTES_PER_MBIT)
    return Places(chosen, region, up, down, Latencies(chosen, region, seed))


def connect(scenario: Scenario, seed: int) -> Topology:
    """The links that are dialled; none where nodes find each other."""
    count, chosen = scenario.nodes.count, scenario.topology
    if chosen.source == "addrman":
        return topology.edges(count, [])
    if chosen.source == "random":
        return topology.random(count, seed, min(chosen.outbound, count - 1))
    if chosen.source == "static":
        degrees = chosen.degrees or (chosen.outbound,)
        repeated = [degrees[index % len(degrees)] for index in range(count)]
        return topology.static(count, seed, repeated)
    return topology.named(chosen.source, count, seed)


def _geography(scenario: Scenario) -> Geography:
    links = scenario.links
    if links.geography == "uniform":
        base = geography.uniform(
            round((links.latency_ms or 0.0) * _US_PER_MS), links.down_mbit or 0, links.up_mbit or 0
        )
    else:
        base = geography.named(links.geography)
    law = links.latency or base.latency_law
    drawn = links.latency_drawn or base.latency_drawn
    return (
        base
        if (law, drawn) == (base.latency_law, base.latency_drawn)
        else replace(base, latency_law=law, latency_drawn=drawn)
    )


def _rates(chosen: Geography, region: int, seed: int, index: int) -> tuple[int, int]:
    down_key = draws.draw_key(seed, draws.Purpose.BANDWIDTH_DOWN)
    up_key = draws.draw_key(seed, draws.Purpose.BANDWIDTH_UP)
    return geography.node_rates(chosen.bandwidth[region], draws.word(down_key, index), draws.word(up_key, index))
