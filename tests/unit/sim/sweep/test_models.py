"""Which runs a comparison of network models is made of."""

import pytest

from minicoin.sim.scenario.problems import ScenarioError
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.sweep.models import make_model_plan, read_overlays

BASE = """
name = "models"
question = "Which?"
seeds = [3, 4]
nodes.count = 6
topology.source = "addrman"
mining.blocks = 2
[[nodes.group]]
name = "first"
count = 1
"""
COMPARE = BASE + '[compare]\neverybody = ["nodes.group[0].slow_cpu=3.0", "links.loss=0.1"]\n'


def test_a_model_is_one_point_with_what_it_needs_besides() -> None:
    scenario = Scenario.from_toml(COMPARE)
    plan = make_model_plan(scenario, ("random", "everybody"), ("nodes.count=9",))
    assert plan.seeds == (3, 4) and len(plan.jobs()) == 4
    random, everybody = (point.scenario for point in plan.points)
    assert [one.network.overlay for one in (random, everybody)] == ["random", "everybody"]
    assert [one.nodes.group[0].slow_cpu for one in (random, everybody)] == [1.0, 3.0]
    assert [one.links.loss for one in (random, everybody)] == [0, 0.1]
    assert [one.nodes.count for one in (random, everybody)] == [9, 9]
    # Each is the run that its settings give alone.
    assert scenario.with_settings(plan.points[1].settings).hash() == plan.points[1].scenario_hash


def test_what_is_for_comparing_is_no_part_of_a_run() -> None:
    assert Scenario.from_toml(COMPARE).hash() == Scenario.from_toml(BASE).hash()


@pytest.mark.parametrize(
    ("overlays", "message"),
    [("random,nonsense", "no network model 'nonsense'; there are random"), ("random,random", "named twice")],
)
def test_models_are_those_there_are(overlays: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        read_overlays(overlays)


def test_a_scenario_that_names_another_model_is_refused() -> None:
    scenario = Scenario.from_toml(BASE + '[compare]\nnonsense = ["nodes=9"]\n')
    with pytest.raises(ScenarioError, match=r"compare\.nonsense: no network model"):
        make_model_plan(scenario, ("random",), ())


def test_seeds_may_be_others() -> None:
    assert make_model_plan(Scenario.from_toml(BASE), read_overlays("everybody"), (), "7..9").seeds == (7, 8, 9)
