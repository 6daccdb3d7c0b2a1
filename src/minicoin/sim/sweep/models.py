"""What a comparison of network models runs: one scenario with each of them, at the same seeds.

What a model needs besides (a role for some nodes, a setting) the scenario says under [compare]. A point is known by the
hash of its scenario like those of a sweep, so that what was run is not run again.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from minicoin.core.overlay.forms import FORMS
from minicoin.sim.scenario.problems import ScenarioError
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.sweep.plan import Parameter, Plan, Point, read_seeds

OVERLAY_KEY: Final = "network.overlay"


def read_overlays(text: str) -> tuple[str, ...]:
    """ "random,gossip" as the names. Raises ScenarioError."""
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in FORMS:
            raise ScenarioError(f"--overlay {text}: no network model {name!r}; there are {', '.join(FORMS)}")
    if len(dict.fromkeys(names)) != len(names):
        raise ScenarioError(f"--overlay {text}: a model is named twice")
    return names


def make_model_plan(
    scenario: Scenario, overlays: Sequence[str], settings: Iterable[str], seeds: str | None = None
) -> Plan:
    """One point a model; `settings` hold for all. Raises ScenarioError, before anything has run."""
    own = scenario.compare
    unknown = [name for name in own if name not in FORMS]
    if unknown:
        raise ScenarioError(f"compare.{unknown[0]}: no network model; there are {', '.join(FORMS)}")
    shared = tuple(settings)
    points = []
    for name in overlays:
        # Together, so that what one needs of the other is there when the whole is checked.
        chosen = (f"{OVERLAY_KEY}={name}", *own.get(name, ()), *shared)
        made = scenario.with_settings(chosen)
        points.append(Point(chosen, {OVERLAY_KEY: name}, made, made.hash()))
    parameter = Parameter(OVERLAY_KEY, tuple(overlays))
    return Plan(scenario.name, (parameter,), tuple(points), scenario.seeds if seeds is None else read_seeds(seeds))
