"""From a scenario and a seed to its record, with the engine the scenario names: the one way in."""

from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.sim.engine.phases import Progress, Report
from minicoin.sim.engine.run import run_full
from minicoin.sim.measure.record import RunRecord
from minicoin.sim.model.run import run_model
from minicoin.sim.scenario.schema import Scenario
from minicoin.world.digest import Listener


def run(
    scenario: Scenario,
    seed: int,
    verifier: ScriptVerifier,
    report: Report = lambda progress: None,
    listener: Listener | None = None,
) -> RunRecord:
    """Run one scenario with one seed. `listener` hears every event of the full engine. Raises SetupFailed."""
    if scenario.engine == "model":
        return run_model(scenario, seed, lambda phase: report(Progress(phase, 0, 0, 0, 0.0)))
    return run_full(scenario, seed, verifier, report, listener)
