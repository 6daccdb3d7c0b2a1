"""What a sweep will run, checked before anything that runs it is loaded."""

from minicoin.app.sim.source import ScenarioSource, fail
from minicoin.core.faults import MisuseError
from minicoin.sim.sweep.plan import Plan, make_plan


def plan_sweep(source: ScenarioSource, settings: tuple[str, ...], seeds: str | None, *, is_json: bool) -> Plan:
    """The plan, or the end of the program with the reason."""
    try:
        return make_plan(source.scenario, settings, seeds)
    except MisuseError as error:
        fail(str(error), is_json=is_json)
