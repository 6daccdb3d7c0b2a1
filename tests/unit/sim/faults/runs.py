"""Small runs for the tests of faults."""

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.sim.engine.run import record_of
from minicoin.sim.engine.simulation import Simulation
from minicoin.sim.measure.record import RunRecord
from minicoin.sim.scenario.schema import Scenario

_BASE = """
name = "small"
question = "Does it fire?"
[nodes]
count = {count}
ledger = "{ledger}"
[network]
spacing_s = 10.0
ping_after_s = 20.0
drop_after_s = 60.0
[topology]
source = "complete"
[links]
geography = "uniform"
latency_ms = 20.0
{links}
[mining]
settle_s = 30.0
{blocks}
{faults}
[check]
heal_s = 150.0
when = "{when}"
"""


def simulate(
    faults: str = "", *, ledger: str = "own", links: str = "", seed: int = 1, count: int = 5, when: str = "quiet"
) -> Simulation:
    """A finished run of a few nodes: a block every five seconds for a minute, and three long after."""
    times = [*range(2, 60, 5), 220, 250, 280]
    blocks = "".join(
        f"[[mining.at]]\ntime_s = {float(time_s)}\nnode = {number % count}\n" for number, time_s in enumerate(times)
    )
    text = _BASE.format(ledger=ledger, blocks=blocks, faults=faults, links=links, count=count, when=when)
    simulation = Simulation(Scenario.from_toml(text), seed, ScriptedVerifier())
    simulation.set_up(lambda progress: None)
    simulation.measure(lambda progress: None)
    return simulation


def record(faults: str = "", *, seed: int = 1) -> RunRecord:
    """Its record."""
    return record_of(simulate(faults, seed=seed))
