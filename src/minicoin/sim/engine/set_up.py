"""Set-up: all nodes are switched on and find their connections, before time zero.

With a topology it is over when every link of it carries a finished handshake; where nodes find each other, when
everybody has a peer, and with warmup.start = "connected" when besides hardly a connection comes or goes any more.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from minicoin.core.units import SECOND_US
from minicoin.sim.engine.collector import collect_fresh
from minicoin.sim.engine.phases import SET_UP, Progress, Report, SetupFailed
from minicoin.sim.engine.rules import policy_of
from minicoin.sim.scenario.groups import groups_by_node
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.topology import Topology
from minicoin.world.host import Host
from minicoin.world.world import World

_STEP_US: Final = SECOND_US
# A network whose model never rests has settled all the same.
_CALM_SHARE: Final = 0.01


def connect_nodes(world: World, scenario: Scenario, honest: Sequence[Host], topology: Topology, report: Report) -> int:
    """Switch everybody on and wait until they are connected; how many events that took. Raises SetupFailed."""
    is_meeting = world.connections.is_meeting = scenario.warmup.start == "connected"
    outbound = topology.outbound()
    _start(world, scenario, honest, outbound)
    wanted = [len(peers) for peers in outbound]
    finds_peers = scenario.topology.source == "addrman"
    is_calm = _calm(honest) if is_meeting and finds_peers else lambda: True
    ends_at = world.now + round(scenario.warmup.connect_s * SECOND_US)
    events = 0
    while not (_is_connected(honest, wanted) and is_calm()):
        if world.now >= ends_at:
            if _is_connected(honest, wanted):
                break
            raise SetupFailed(_unconnected(scenario, honest, wanted))
        events += world.run(min(world.now + _STEP_US, ends_at))
        collect_fresh()
        joined = sum(_is_joined(host, count) for host, count in zip(honest, wanted, strict=True))
        report(Progress(SET_UP, events, world.now - world.started_at, 0, joined / len(honest)))
    world.connections.is_meeting = False
    return events


def _start(world: World, scenario: Scenario, honest: Sequence[Host], outbound: list[list[int]]) -> None:
    addresses = [host.address for host in honest]
    if scenario.topology.source == "addrman":
        knows_all = scenario.warmup.start == "connected"
        seeds = range(len(honest)) if knows_all else scenario.topology.seed_nodes
        world.seeds = tuple(addresses[node] for node in seeds)
    inbound = Counter(peer for peers in outbound for peer in peers)
    for host, peers, group in zip(honest, outbound, groups_by_node(scenario.nodes), strict=True):
        dialled = tuple(addresses[peer] for peer in peers)
        role = "" if group is None else group.role or ""
        world.start(host, policy_of(scenario, host.address, dialled, inbound[host.index], role))


def _calm(honest: Sequence[Host]) -> Callable[[], bool]:
    """Says at each call whether the number of connections is about what it was at the call before."""
    before = 0

    def is_calm() -> bool:
        nonlocal before
        was, before = before, sum(len(host.links) for host in honest)
        return abs(before - was) <= _CALM_SHARE * before

    return is_calm


def _is_connected(honest: Sequence[Host], wanted: Sequence[int]) -> bool:
    """Every link that the topology has carries a finished handshake; where there is none, everybody has a peer."""
    return len(honest) == 1 or all(_is_joined(host, count) for host, count in zip(honest, wanted, strict=True))


def _is_joined(host: Host, wanted: int) -> bool:
    """Whether the links it was to dial are ready; any one link where it was told of none."""
    if host.node is None:
        return False
    ready = host.node.view.ready_peers()
    return bool(ready) if not wanted else sum(not peer.is_inbound for peer in ready) >= wanted


def _unconnected(scenario: Scenario, honest: Sequence[Host], wanted: Sequence[int]) -> str:
    missing = [host.name for host, count in zip(honest, wanted, strict=True) if not _is_joined(host, count)]
    return (
        f"{len(missing)} of {len(honest)} nodes are not connected after {scenario.warmup.connect_s:g} s (the first: "
        f"{', '.join(missing[:5])}): raise warmup.connect_s, or look at topology.max_inbound and topology.seed_nodes"
    )
