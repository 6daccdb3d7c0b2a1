"""The arrays a run starts from: geography and topology drawn for a seed, blocks' times and finders, empty state."""

from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from minicoin.sim import draws, draws_arrays, geography, geography_arrays, pools, topology
from minicoin.sim.draws import Purpose
from minicoin.sim.geography import Geography
from minicoin.sim.geography_arrays import LineArrays
from minicoin.sim.model import kernel
from minicoin.sim.model.engine import COMPILES
from minicoin.sim.model.kernel import Net, Rules, State
from minicoin.sim.model.parameters import Parameters
from minicoin.sim.topology import Topology

Longs = npt.NDArray[np.int64]

_DISCIPLINES: Final = {
    "fifo": kernel.FIFO,
    "fifo-uplink": kernel.FIFO_UPLINK,
    "stop-and-wait": kernel.STOP_AND_WAIT,
}
_RELAYS: Final = {
    "announce": kernel.ANNOUNCE_ALWAYS,
    "finder-pushes": kernel.FINDER_PUSHES,
    "all-push": kernel.ALL_PUSH,
    "pools-relay": kernel.POOLS_RELAY,
}
_ANNOUNCES: Final = {
    "all": kernel.TO_ALL,
    "not-to-source": kernel.NOT_TO_SOURCE,
    "not-to-announcers": kernel.NOT_TO_ANNOUNCERS,
}


@dataclass(frozen=True, slots=True)
class DrawnNetwork:
    """A drawn network: link latencies stand in `net` unless they are drawn per message."""

    nodes: int
    pools: int
    place: Geography
    seed: int
    net: Net

    @property
    def latency_per_message(self) -> bool:
        return self.place.latency_drawn == "per_message" and self.place.latency_law != "fixed"


def draw_network(place: Geography, graph: Topology, seed: int, lines: LineArrays | None = None) -> DrawnNetwork:
    """Put the topology's nodes into the geography, on the lines given or drawn."""
    near = topology.adjacency(graph)
    lines = lines or draw_lines(place, graph, seed)
    per_message = place.latency_drawn == "per_message" and place.latency_law != "fixed"
    no_latency = np.zeros(1, dtype=np.int32)
    latency = no_latency if per_message else geography_arrays.link_latencies(place, near, lines.region, seed)
    means = np.array(place.latency_us, dtype=np.int64).ravel()
    net = Net(near.offset, near.peer, near.reverse, latency, lines.region, means, lines.up, lines.down)
    return DrawnNetwork(graph.nodes, len(graph.pools), place, seed, net)


def draw_lines(place: Geography, graph: Topology, seed: int) -> LineArrays:
    """The geography's lines; pools stand where Gervais et al. have them, if there is such a region, at 100 Mbit/s."""
    lines = geography_arrays.node_lines(place, graph.nodes, seed)
    for pool in graph.pools:
        lines.up[pool] = lines.down[pool] = pools.POOL_MBIT * geography.BYTES_PER_MBIT
        if pools.POOL_REGIONS[pool] in place.regions:
            lines.region[pool] = place.regions.index(pools.POOL_REGIONS[pool])
    return lines


def make_rules(network: DrawnNetwork, parameters: Parameters) -> Rules:
    """The parameters in the kernel's numbers."""
    key = draws.draw_key(network.seed, Purpose.LATENCY)
    sizes = [parameters.announce_bytes, parameters.request_bytes, parameters.block_bytes, parameters.relayed_bytes]
    return Rules(
        sizes=np.array(sizes, dtype=np.int64),
        verify_us=parameters.verify_us,
        control_extra_us=parameters.control_extra_us,
        block_extra_us=parameters.block_extra_us,
        discipline=_DISCIPLINES[parameters.discipline],
        announce_to=_ANNOUNCES[parameters.announce_to],
        relay=_RELAYS[parameters.relay],
        relay_side_blocks=parameters.relay_side_blocks,
        pools=network.pools,
        regions=len(network.place.regions),
        latency_per_message=network.latency_per_message,
        # A key of 64 bits is no int64.
        latency_key=cast(int, np.uint64(key)) if COMPILES else key,
    )


def found_times(parameters: Parameters, seed: int) -> Longs:
    """When each block is found, as schedule.MiningDraws has it; entry 0 is the genesis."""
    numbers = np.arange(parameters.blocks, dtype=np.int64)
    u = draws_arrays.uniforms(draws_arrays.words(draws.draw_key(seed, Purpose.INTERVAL), numbers))
    waits = np.rint(draws_arrays.exponential(u, float(parameters.interval_us))).astype(np.int64)
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(waits)))


def finders(parameters: Parameters, nodes: int, seed: int) -> Longs:
    """Who finds each block, as schedule.MiningDraws has it; entry 0 is the genesis, which nobody finds."""
    shares = np.array(parameters.hash_shares, dtype=np.float64) if parameters.hash_shares else np.ones(nodes)
    if len(shares) > nodes:
        raise ValueError(f"{len(shares)} hash shares were given for {nodes} nodes")
    numbers = np.arange(parameters.blocks, dtype=np.int64)
    u = draws_arrays.uniforms(draws_arrays.words(draws.draw_key(seed, Purpose.MINER), numbers))
    edges = np.cumsum(shares)
    found_by = np.minimum(np.searchsorted(edges / edges[-1], u, side="right"), len(edges) - 1)
    return np.concatenate((np.full(1, -1, dtype=np.int64), found_by.astype(np.int64)))


def empty_state(network: DrawnNetwork, rules: Rules, found_by: Longs) -> State:
    """Everybody has the genesis, nothing is under way."""
    nodes, blocks, entries = network.nodes, len(found_by), len(network.net.peer)
    waiting = entries if rules.discipline == kernel.STOP_AND_WAIT else 1

    def longs(count: int, value: int = 0) -> Longs:
        return np.full(count, value, dtype=np.int64)

    return State(
        held=np.zeros(blocks * nodes, dtype=np.int8),
        accepted=longs(blocks * nodes, -1),
        known=np.zeros(entries, dtype=np.int32),
        up_free=longs(nodes),
        down_free=longs(nodes),
        busy=np.zeros(nodes, dtype=np.bool_),
        first=longs(nodes, -1),
        last=longs(nodes, -1),
        next=longs(waiting, -1),
        waiting=longs(waiting, -1),
        tip=longs(nodes),
        height=longs(blocks),
        parent=longs(blocks, -1),
        finder=found_by,
        sent_bytes=longs(nodes),
        sent_count=longs(kernel.MESSAGE_KINDS),
        clock=longs(3),
    )
