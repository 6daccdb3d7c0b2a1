"""What a network is when it is set up."""

import gc
import tracemalloc

from tests.unit.sim.engine.runs import scenario_of

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.sim.engine.simulation import Simulation

_MEETING = """
name = "meeting"
question = "How much memory does a node take?"
[nodes]
count = 40
[network]
own_messages = true
[topology]
source = "addrman"
tells_addresses = false
[links]
geography = "simblock-2019"
transport = "named"
[mining]
blocks = 1
[warmup]
start = "connected"
"""


def test_a_node_that_found_its_peers_takes_as_much_memory_as_before() -> None:
    """Ten thousand of them must fit into 1.5 GB. What a node of this test took when it was written: 116 KB."""
    # What the process keeps once, however many nodes there are.
    _set_up("nodes.count=8")
    gc.collect()
    tracemalloc.start()
    try:
        simulation = _set_up()
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(len(host.links) for host in simulation.honest) == 20 * 40
    assert taken / 40 < 130 * 1024


def _set_up(*settings: str) -> Simulation:
    simulation = Simulation(scenario_of(_MEETING, *settings), 1, ScriptedVerifier())
    simulation.set_up(lambda progress: None)
    return simulation
