"""Small scenarios, run with the full engine."""

from collections.abc import Sequence

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.sim.engine.run import record_of
from minicoin.sim.engine.simulation import Simulation
from minicoin.sim.measure.record import RunRecord
from minicoin.sim.scenario.schema import Scenario

SMALL = """
name = "small"
question = "What comes of it?"
[nodes]
count = 6
[network]
spacing_s = 10.0
block_bytes = 20_000
[topology]
outbound = 2
[links]
geography = "simblock-2019"
[mining]
blocks = 8
"""
PAYMENTS = """
[transactions]
rate_per_s = 2.0
senders = 3
"""


def scenario_of(text: str = SMALL, *settings: str) -> Scenario:
    scenario = Scenario.from_toml(text)
    return scenario.override(*settings) if settings else scenario


def simulate(text: str = SMALL, *settings: str, seed: int = 1) -> Simulation:
    """A finished run."""
    simulation = Simulation(scenario_of(text, *settings), seed, ScriptedVerifier())
    simulation.set_up(lambda progress: None)
    simulation.measure(lambda progress: None)
    return simulation


def record(text: str = SMALL, *settings: str, seed: int = 1) -> RunRecord:
    """Its record."""
    return record_of(simulate(text, *settings, seed=seed))


def arrivals(record: RunRecord) -> list[list[int]]:
    return [block.arrivals.tolist() for block in record.blocks]


def traffic(record: RunRecord) -> Sequence[list[list[int]]]:
    """Every counter of every node."""
    tables = record.traffic
    return [
        table.tolist()
        for table in (tables.sent_messages, tables.sent_bytes, tables.received_messages, tables.received_bytes)
    ]
