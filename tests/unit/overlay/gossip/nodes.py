"""Whole nodes of the gossip model in virtual time, on links that name their peers."""

from dataclasses import replace

from minicoin.core.commands import Generate
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World

LATENCY_US = 50_000
NOBODY = b"\x00\x14" + bytes(20)
# No rounds at all, for tests of pushing alone; the day is as long as a period may be.
SILENT = {"pull_period": 86_400, "alive_period": 3_600, "expiry": 7_200}


def gossip_network(**chosen):
    return replace(REGTEST, overlay="gossip", own_messages=True, overlay_settings=tuple(chosen.items()))


def gossip_world(network, seed=b"gossip", latency_us=LATENCY_US):
    """Without hosts."""
    return World(network, KernelVerifier(1), uniform(latency_us), WorldSettings(seed, has_peer_ids=True))


def random_graph(count, degree, seed):
    """Whom each node dials, by index."""
    rng = Rng(seed)
    return [rng.sample([other for other in range(count) if other != index], degree) for index in range(count)]


def links_of(graph):
    """The same with both ends of each link, which are used alike."""
    links = [dict.fromkeys(dialled) for dialled in graph]
    for index, dialled in enumerate(graph):
        for other in dialled:
            links[other][index] = None
    return [tuple(others) for others in links]


def start_graph(world, graph):
    """Hosts that are connected along it and in no other way."""
    hosts = [world.add_host() for _ in graph]
    for host, dialled in zip(hosts, graph, strict=True):
        policy = NodePolicy(connect=tuple(hosts[other].address for other in dialled), gossips=False)
        world.start(host, policy)
    links = links_of(graph)
    assert world.wait(
        5 * SECOND_US, lambda: all(len(host.links) == len(others) for host, others in zip(hosts, links, strict=True))
    )
    # Handshakes, and the offers behind them.
    world.run(world.now + SECOND_US)
    return hosts


def neighbours(host):
    """Peers that the node chose itself."""
    kinds = (SlotKind.OVERLAY, SlotKind.FULL_RELAY)
    return [slot for slot in host.node.view.connections.snapshot() if slot.is_ready and slot.kind in kinds]


def mine(world, host):
    """One block, told by nobody else yet."""
    return world.ask(host, Generate(1, NOBODY)).blocks[0]


def agree(world, hosts, patience_us):
    return world.wait(patience_us, lambda: len({host.tip for host in hosts}) == 1)
