"""Makes a failing scenario small: fewer faults, nodes and blocks, no load, plain links, as long as it still fails.

Greedy: each step keeps what the same checker still objects to, until no step does or the tries are used up.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from minicoin.sim.scenario.faults import Fault, LastingFault, LinkLoss, Partition
from minicoin.sim.scenario.problems import ScenarioError
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.setting import Links, TopologySetting
from minicoin.sim.scenario.targets import Target

TRIES_MAX: Final = 300
_NODES_MIN: Final = 2
_SHORTEST_S: Final = 1.0
_PLAIN_LINKS: Final = Links(geography="uniform", latency_ms=20.0)
_PLAIN_TOPOLOGIES: Final = (TopologySetting(source="complete"), TopologySetting(source="line"))

T = TypeVar("T")
Fails = Callable[[Scenario], bool]
"""Runs a scenario: whether it fails in the way that is looked for."""


def shrink(scenario: Scenario, fails: Fails, tries_max: int = TRIES_MAX) -> Scenario:
    """The smallest scenario found. `scenario` itself must fail."""
    tries = 0
    is_smaller = True
    while is_smaller and tries < tries_max:
        is_smaller = False
        for step in _steps(scenario):
            candidate = _checked(step)
            if candidate is None or candidate == scenario:
                continue
            tries += 1
            if fails(candidate):
                scenario = candidate
                is_smaller = True
                break
            if tries >= tries_max:
                break
    return scenario


def _checked(scenario: Scenario) -> Scenario | None:
    """The scenario as its file would be read; None where it contradicts itself."""
    try:
        return Scenario.from_mapping(scenario.given())
    except ScenarioError:
        return None


def _steps(scenario: Scenario) -> Iterator[Scenario]:
    """Smaller scenarios, the boldest steps first."""
    for faults in _shorter_lists(scenario.fault):
        yield _with(scenario, fault=faults)
    if scenario.attacker:
        yield _with(scenario, attacker=())
    if scenario.transactions is not None:
        yield _with(scenario, transactions=None)
    count = scenario.nodes.count
    for fewer in dict.fromkeys((count // 2, count * 3 // 4, count - 1)):
        if _NODES_MIN <= fewer < count:
            yield _with_nodes(scenario, fewer)
    for blocks in _shorter_lists(scenario.mining.at):
        yield _with(scenario, mining=scenario.mining.model_copy(update={"at": blocks}))
    yield from _plainer(scenario)
    for place, fault in enumerate(scenario.fault):
        for simpler in _simpler_faults(fault):
            yield _with(scenario, fault=(*scenario.fault[:place], simpler, *scenario.fault[place + 1 :]))


def _with(scenario: Scenario, **changes: object) -> Scenario:
    return scenario.model_copy(update=changes)


def _shorter_lists(elements: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """Without either half, then without each one."""
    count = len(elements)
    pieces = [(0, count // 2), (count // 2, count)] if count > 3 else []
    pieces += [(place, place + 1) for place in range(count)]
    for start, end in pieces:
        yield (*elements[:start], *elements[end:])


def _with_nodes(scenario: Scenario, count: int) -> Scenario:
    """Nodes that are gone are replaced by others where somebody must be there, and left out elsewhere."""
    topology, load = scenario.topology, scenario.transactions
    if "outbound" in topology.model_fields_set:
        topology = topology.model_copy(update={"outbound": min(topology.outbound, max(1, count - 1))})
    if load is not None:
        load = load.model_copy(update={"senders": min(load.senders, count)})
    blocks = tuple(block.model_copy(update={"node": block.node % count}) for block in scenario.mining.at)
    return _with(
        scenario,
        nodes=scenario.nodes.model_copy(update={"count": count}),
        topology=topology,
        transactions=load,
        mining=scenario.mining.model_copy(update={"at": blocks}),
        fault=tuple(_among(fault, count) for fault in scenario.fault),
    )


def _among(fault: Fault, count: int) -> Fault:
    if isinstance(fault, Partition):
        return fault.model_copy(update={"groups": tuple(_target_among(group, count) for group in fault.groups)})
    if isinstance(fault, LinkLoss):
        return fault
    return fault.model_copy(update={"nodes": _target_among(fault.nodes, count)})


def _target_among(target: Target, count: int) -> Target:
    if not isinstance(target, tuple):
        return target
    return tuple(node for node in target if node < count) or (0,)


def _plainer(scenario: Scenario) -> Iterator[Scenario]:
    nodes, network = scenario.nodes, scenario.network
    if nodes.encode:
        yield _with(scenario, nodes=nodes.model_copy(update={"encode": False}))
    if nodes.ledger != "shared":
        yield _with(scenario, nodes=nodes.model_copy(update={"ledger": "shared"}))
    if network.block_bytes:
        yield _with(scenario, network=network.model_copy(update={"block_bytes": 0}))
    if scenario.links != _PLAIN_LINKS:
        yield _with(scenario, links=_PLAIN_LINKS)
    if scenario.topology not in _PLAIN_TOPOLOGIES:
        for topology in _PLAIN_TOPOLOGIES:
            yield _with(scenario, topology=topology)


def _simpler_faults(fault: Fault) -> Iterator[Fault]:
    """Fewer nodes, or half as long."""
    targets = fault.groups[0] if isinstance(fault, Partition) else () if isinstance(fault, LinkLoss) else fault.nodes
    if isinstance(targets, tuple) and len(targets) > 1:
        for fewer in _shorter_lists(targets):
            key = "groups" if isinstance(fault, Partition) else "nodes"
            yield fault.model_copy(update={key: (fewer, *fault.groups[1:]) if isinstance(fault, Partition) else fewer})
    if isinstance(fault, LastingFault) and fault.until_s is not None and fault.until_s - fault.at_s > _SHORTEST_S:
        yield fault.model_copy(update={"until_s": round((fault.at_s + fault.until_s) / 2, 3)})
