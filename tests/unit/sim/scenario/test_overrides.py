"""--set: paths, indices, aliases, values, and mistakes."""

import pytest

from minicoin.sim.scenario.form import ScenarioForm
from minicoin.sim.scenario.overrides import ALIASES, parse_value
from minicoin.sim.scenario.problems import ScenarioError, key_paths
from minicoin.sim.scenario.schema import Scenario

BASE = Scenario.from_toml(
    'name = "a"\nquestion = "b"\n[nodes]\ncount = 10\n[mining]\nblocks = 3\n'
    '[[fault]]\nkind = "loss"\nat_s = 1\nprobability = 0.1\n'
    "[faults.random.per_hour]\ncrash = 1\n"
)


def test_settings_reach_every_depth() -> None:
    made = BASE.override(
        "fault[0].probability=0.5",
        "faults.random.per_hour.delay-spike=2",
        "mining.hash_shares=[0.5, 0.5]",
        "links.geography=simblock-2015",
        'topology="ring"',
        "seeds=1..3",
    )
    given = made.given()
    assert given["fault"] == [{"kind": "loss", "at_s": 1.0, "probability": 0.5}]
    assert made.faults.random is not None
    assert made.faults.random.per_hour == {"crash": 1.0, "delay-spike": 2.0}
    assert made.mining.hash_shares == (0.5, 0.5)
    assert (made.links.geography, made.topology.source, made.seeds) == ("simblock-2015", "ring", (1, 2, 3))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("nodes", "--set nodes: must be KEY=VALUE"),
        ("=3", "--set =3: must be KEY=VALUE"),
        ("bloks=3", "--set bloks=3: no key 'bloks'; did you mean blocks"),
        ("network.spacing=3", "--set network.spacing=3: no key 'network.spacing'; did you mean network.spacing_s"),
        ("qqq=3", "--set qqq=3: no key 'qqq'; aliases are nodes"),
        ("fault[1].at_s=3", "--set fault[1].at_s=3: this scenario has no [1] to set something in"),
        ("fault.at_s=3", "--set fault.at_s=3: 'at_s' is a key of one of several tables; write an index"),
        ("attacker[0].count=3", "--set attacker[0].count=3: this scenario has no 'attacker'"),
        ("fault[0].until_s=0.5", "--set fault[0].until_s=0.5: fault[0].until_s: 0.5 is not after at_s (1)"),
        ("loss=2", "--set loss=2: links.loss: should be less than or equal to 1, not 2"),
        ("nodes=many", "--set nodes=many: nodes.count: should be a valid integer, not 'many'"),
        ("faults.random.per_hour.crsh=2", "--set faults.random.per_hour.crsh=2: faults.random.per_hour.crsh: 'crsh'"),
    ],
)
def test_mistakes_name_the_setting(setting: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        BASE.override(setting)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("true", True),
        ("[1, 2]", [1, 2]),
        ("1..20", "1..20"),
        ('"a b"', "a b"),
        ("simblock-2015", "simblock-2015"),
        ("1\nother = 2", "1\nother = 2"),
        ("9" * 5_000, "9" * 5_000),
    ],
)
def test_values_are_toml_or_text(text: str, value: object) -> None:
    assert parse_value(text) == value


def test_aliases_lead_to_keys() -> None:
    assert set(ALIASES.values()) <= set(key_paths(ScenarioForm))
