"""Where the nodes of a scenario are: regions, lines and latencies, attackers appended behind the honest nodes."""

from dataclasses import dataclass

from minicoin.sim import topology
from minicoin.sim.geography import Geography, Latencies
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.sources import scenario_geography, scenario_lines, scenario_topology
from minicoin.sim.topology import Topology


@dataclass(slots=True)
class Places:
    """Lists by node index. Rates in bytes per second, 0 for unlimited."""

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
    """Where the honest nodes are; `seed` as draws.seed64 gives it."""
    geography = scenario_geography(scenario)
    lines = scenario_lines(scenario, seed)
    region = list(lines.region)
    return Places(geography, region, list(lines.up), list(lines.down), Latencies(geography, region, seed))


def connect(scenario: Scenario, seed: int) -> Topology:
    """The links that are dialled; none where nodes find each other."""
    if scenario.topology.source == "addrman":
        return topology.edges(scenario.nodes.count, [])
    return scenario_topology(scenario, seed)
