"""What follows from the groups of nodes: who belongs to which, and how hash power is spread."""

from minicoin.sim.pool_shares import POOL_SHARES
from minicoin.sim.scenario.form import ScenarioForm
from minicoin.sim.scenario.setting import NodeGroup, Nodes


def group_size(group: NodeGroup, count: int) -> int:
    """How many of `count` nodes a group has."""
    if group.count is not None:
        return group.count
    return max(1, round((group.share or 0.0) * count))


def group_ranges(nodes: Nodes) -> dict[str, range]:
    """Name -> indices, in the order of the file. Ordinary nodes, which come last, are in none."""
    ranges: dict[str, range] = {}
    first = 0
    for group in nodes.group:
        size = group_size(group, nodes.count)
        ranges[group.name] = range(first, first + size)
        first += size
    return ranges


def groups_by_node(nodes: Nodes) -> tuple[NodeGroup | None, ...]:
    """The group of each node; None for an ordinary one."""
    found: list[NodeGroup | None] = []
    for group in nodes.group:
        found += [group] * group_size(group, nodes.count)
    return (*found, *[None] * (nodes.count - len(found)))


def hash_weights(form: ScenarioForm) -> tuple[float, ...]:
    """The share of honest hash power of each node from index 0 on, of sum 1; nodes after the last have none."""
    mining = form.mining
    if isinstance(mining.hash_shares, tuple):
        weights = list(mining.hash_shares)
    elif mining.hash_shares == "gervais":
        weights = list(POOL_SHARES)
    elif mining.hash_shares == "groups":
        weights = _of_groups(form.nodes)
    else:
        weights = [1.0] * (mining.miners or form.nodes.count)
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def _of_groups(nodes: Nodes) -> list[float]:
    """A group's share is spread evenly over it; what is left of 1 goes evenly to the ordinary nodes."""
    weights: list[float] = []
    for group in nodes.group:
        size = group_size(group, nodes.count)
        weights += [(group.hash_share or 0.0) / size] * size
    ordinary = nodes.count - len(weights)
    left = max(0.0, 1.0 - sum(group.hash_share or 0.0 for group in nodes.group))
    return weights + [left / ordinary] * ordinary if ordinary else weights


def link_degrees(form: ScenarioForm) -> tuple[int, ...]:
    """The out-degree of each node with source = "static": the list of the file, repeated to the number of nodes."""
    degrees, count = form.topology.degrees or (), form.nodes.count
    return tuple(degrees[node % len(degrees)] for node in range(count)) if degrees else ()
