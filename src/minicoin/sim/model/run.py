"""A scenario and a seed to a record, with the propagation model: labelled a model, with what it assumes."""

import json
import platform
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from minicoin import __version__
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.sim import draws
from minicoin.sim.measure.record import NEVER, NO_PARENT, BlockRecord, NodeRecord, RunRecord, TrafficRecord
from minicoin.sim.model.network import DrawnNetwork, draw_network
from minicoin.sim.model.parameters import FRAME_BYTES, Parameters
from minicoin.sim.model.propagation import ModelResult, propagate
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.sources import scenario_geography, scenario_topology

# A record of each node costs more than all arrays together; the figures do not need it.
_NODES_LISTED_MAX: Final = 100_000
_US_PER_MS: Final = 1_000


def parameters_of(scenario: Scenario) -> Parameters:
    """What the kernel is told."""
    network, links, habits = scenario.network, scenario.links, scenario.model
    verification = scenario.verification
    return Parameters(
        block_bytes=network.block_bytes + FRAME_BYTES,
        blocks=scenario.mining.blocks or 0,
        interval_us=round(network.spacing_s * SECOND_US),
        hash_shares=scenario.hash_weights,
        announce_bytes=habits.announce_bytes,
        request_bytes=habits.request_bytes,
        relayed_bytes=habits.relayed_bytes,
        verify_fixed_us=round(verification.block_base_ms * _US_PER_MS),
        verify_us_per_mb=round(verification.block_us_per_kb * 1_000),
        control_extra_us=round(links.control_ms * _US_PER_MS),
        block_extra_us=round(habits.block_extra_ms * _US_PER_MS),
        discipline=links.discipline,
        relay=network.relay,
        announce_to=habits.announce_to,
        relay_side_blocks=habits.relay_side_blocks,
    )


def run_model(scenario: Scenario, seed: int, tell: Callable[[str], None] = lambda phase: None) -> RunRecord:
    """Draw the network, spread the blocks. `tell` hears the names of the phases."""
    tell("set-up")
    began = time.perf_counter()
    draw_seed = draws.seed64(Rng(seed.to_bytes(8, "little")))
    drawn = draw_network(scenario_geography(scenario), scenario_topology(scenario, draw_seed), draw_seed)
    drawn_at = time.perf_counter()
    tell("spreading")
    result = propagate(drawn, parameters_of(scenario))
    ended = time.perf_counter()
    return RunRecord(
        engine="model",
        scenario=scenario.name,
        scenario_hash=scenario.hash(),
        canonical=json.loads(scenario.canonical()),
        seed=seed,
        python_version=platform.python_version(),
        minicoin_version=__version__,
        digest=result.digest(),
        event_count=result.events,
        virtual_us=int((result.found_us + result.delay_us.max(axis=1)).max()),
        setup_wall_s=drawn_at - began,
        run_wall_s=ended - drawn_at,
        question=scenario.question,
        assumptions=result.parameters.assumptions(),
        nodes=_nodes(scenario, drawn) if drawn.nodes <= _NODES_LISTED_MAX else [],
        blocks=_blocks(result),
        traffic=TrafficRecord(
            ["all"],
            np.zeros((drawn.nodes, 1), np.int64),
            result.sent_bytes.reshape(-1, 1).astype(np.int64),
            np.zeros((drawn.nodes, 1), np.int64),
            np.zeros((drawn.nodes, 1), np.int64),
        ),
    )


def _nodes(scenario: Scenario, drawn: DrawnNetwork) -> list[NodeRecord]:
    net, weights = drawn.net, scenario.hash_weights
    group_of = {index: name for name, indices in scenario.groups.items() for index in indices}
    dialled = np.bincount(scenario_topology(scenario, drawn.seed).source, minlength=drawn.nodes)
    degree = np.diff(net.offset)
    return [
        NodeRecord(
            index=node,
            name=f"node{node}",
            region=drawn.place.regions[int(net.region[node])],
            group=group_of.get(node, ""),
            role="miner" if node < len(weights) and weights[node] else "full",
            up_bytes_per_s=int(net.up[node]),
            down_bytes_per_s=int(net.down[node]),
            hash_share=weights[node] if node < len(weights) else 0.0,
            outbound=int(dialled[node]),
            inbound=int(degree[node] - dialled[node]),
        )
        for node in range(drawn.nodes)
    ]


def _blocks(result: ModelResult) -> list[BlockRecord]:
    records: list[BlockRecord] = []
    for index in range(len(result.found_us)):
        # Block 0 of the kernel is the genesis block.
        parent = int(result.parent[index]) - 1
        height = records[parent].height + 1 if parent >= 0 else 1
        arrivals = result.delay_us[index]
        records.append(
            BlockRecord(
                index=index,
                hash=f"{index:064x}",
                parent=parent if parent >= 0 else NO_PARENT,
                height=height,
                miner=int(result.finder[index]),
                found_at_us=int(result.found_us[index]),
                size_bytes=result.parameters.block_bytes - FRAME_BYTES,
                transactions=0,
                is_best=not bool(result.is_stale[index]),
                arrivals=np.where(arrivals >= 0, arrivals, np.int64(NEVER)),
            )
        )
    return records
