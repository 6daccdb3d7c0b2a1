"""The product of values and seeds, and every mistake found before anything runs."""

import pickle

import pytest

from minicoin.sim.scenario.problems import ScenarioError
from minicoin.sim.sweep.plan import JOBS_MAX, POINTS_MAX, make_plan, parse_parameters, split_values

from .sweeps import tiny


def test_the_product_runs_the_last_setting_fastest() -> None:
    plan = make_plan(tiny(), ["nodes=3,4", "spacing=5,10.5", "blocks=1"], "1..3")
    assert [dict(point.parameters) for point in plan.points] == [
        {"nodes.count": 3, "network.spacing_s": 5, "mining.blocks": 1},
        {"nodes.count": 3, "network.spacing_s": 10.5, "mining.blocks": 1},
        {"nodes.count": 4, "network.spacing_s": 5, "mining.blocks": 1},
        {"nodes.count": 4, "network.spacing_s": 10.5, "mining.blocks": 1},
    ]
    last = plan.points[-1]
    assert (last.scenario.nodes.count, last.scenario.network.spacing_s, last.scenario.mining.blocks) == (4, 10.5, 1)
    assert last.settings == ("nodes.count=4", "network.spacing_s=10.5", "mining.blocks=1")
    assert tiny().override(*last.settings).hash() == last.scenario_hash
    assert plan.swept == ("nodes.count", "network.spacing_s")
    jobs = plan.jobs()
    assert len(jobs) == 12
    assert [job.seed for job in jobs[:4]] == [1, 2, 3, 1]
    assert len({job.id for job in jobs}) == 12


def test_without_settings_and_seeds_it_is_the_scenario_with_its_own_seeds() -> None:
    plan = make_plan(tiny(), [])
    assert [job.id for job in plan.jobs()] == [(tiny().hash(), 7), (tiny().hash(), 8)]
    assert plan.swept == ()


def test_a_changed_scenario_has_other_jobs() -> None:
    changed = tiny().override("links.loss=0.01")
    ids = {job.id for job in make_plan(tiny(), ["nodes=3,4"], "1..5").jobs()}
    assert ids.isdisjoint(job.id for job in make_plan(changed, ["nodes=3,4"], "1..5").jobs())


def test_a_job_travels() -> None:
    job = make_plan(tiny(), ["nodes=5"], "9").jobs()[0]
    arrived = pickle.loads(pickle.dumps(job))
    assert arrived == job
    assert arrived.scenario.hash() == job.scenario_hash


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("100", ("100",)),
        ("100, 1000", ("100", "1000")),
        ("[0.3,0.7],[1]", ("[0.3,0.7]", "[1]")),
        ("equal,[0.5, [1,2]],x", ("equal", "[0.5, [1,2]]", "x")),
        ('{a="x,}y"},1', ('{a="x,}y"}', "1")),
        ('"a,b",c', ('"a,b"', "c")),
        ("'a,\\',b", ("'a,\\'", "b")),
        (r'"a\",b\\",c', (r'"a\",b\\"', "c")),
        ("it's,b", ("it's", "b")),
    ],
)
def test_commas_within_brackets_and_quotes_belong_to_the_value(text: str, values: tuple[str, ...]) -> None:
    assert split_values(text, "key") == values


def test_a_list_is_one_value_and_stands_in_the_table_as_written() -> None:
    plan = make_plan(tiny(), ["mining.hash_shares=equal,[0.5,0.5]"], "1")
    assert [point.parameters["mining.hash_shares"] for point in plan.points] == ["equal", "[0.5,0.5]"]
    assert plan.points[1].scenario.mining.hash_shares == (0.5, 0.5)


def test_values_of_one_column_are_of_one_kind() -> None:
    plan = make_plan(tiny(), ["nodes.encode=true,false", "loss=0,0.25"], "1")
    assert [list(point.parameters.values()) for point in plan.points] == [
        [True, 0],
        [True, 0.25],
        [False, 0],
        [False, 0.25],
    ]


@pytest.mark.parametrize(
    ("settings", "seeds", "message"),
    [
        (["nodez=1,2"], "1", "no key 'nodez'; did you mean nodes"),
        (["nodes=3,0"], "1", "nodes.count=0: nodes.count: should be greater"),
        (["nodes=3,many"], "1", "nodes.count=many: nodes.count: "),
        (["nodes"], "1", "must be KEY=VALUE,VALUE"),
        (["=3"], "1", "must be KEY=VALUE,VALUE"),
        (["nodes="], "1", "a value is missing"),
        (["nodes=3,,4"], "1", "a value is missing"),
        (["nodes=3,4,3"], "1", "a value is given twice"),
        (["spacing=5,5.0"], "1", "network.spacing_s=5 and network.spacing_s=5.0 are the same scenario"),
        (["name=a,b"], "1", "are the same scenario"),
        (["nodes=3", "nodes.count=4"], "1", "nodes.count is set twice"),
        (["seeds=1,2"], "1", "--seeds 1..20"),
        (["mining.hash_shares=[1,2"], "1", "a bracket is never closed"),
        (["mining.hash_shares=1],2"], "1", "was never opened"),
        (["name='a,b"], "1", "a quote is never closed"),
        (["nodes=3"], "5..1", "runs backwards"),
        (["nodes=3"], "one", "'one' is no seed"),
        (["nodes=3"], "1,1", "twice"),
    ],
)
def test_mistakes_are_named_before_anything_runs(settings: list[str], seeds: str, message: str) -> None:
    with pytest.raises(ScenarioError) as found:
        make_plan(tiny(), settings, seeds)
    assert message in str(found.value)


def test_a_sweep_has_an_end() -> None:
    many = ",".join(str(3 + index) for index in range(101))
    with pytest.raises(ScenarioError, match=f"10,201 combinations of values; at most {POINTS_MAX:,}"):
        make_plan(tiny(), [f"nodes={many}", f"blocks={many}"], "1")
    with pytest.raises(ScenarioError, match=f"2,000,000 runs; at most {JOBS_MAX:,}"):
        make_plan(tiny(), ["nodes=3,4"], "1..1000000")


def test_aliases_stand_for_their_keys() -> None:
    assert parse_parameters(["loss=0.1"])[0].key == "links.loss"
