"""Reading scenarios, their identity, and changing single keys."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from minicoin.sim.scenario.problems import ScenarioError
from minicoin.sim.scenario.schema import Scenario

MINIMAL = """
name = "small"
question = "Does it load?"
[nodes]
count = 10
[mining]
blocks = 3
"""


def test_minimal_file_takes_defaults() -> None:
    scenario = Scenario.from_toml(MINIMAL)
    assert (scenario.engine, scenario.seeds, scenario.network.spacing_s) == ("full", (1,), 60.0)
    assert scenario.topology.source == "random"
    assert scenario.transactions is None
    assert scenario.hash_weights == (0.1,) * 10


def test_load_reads_a_file_and_names_it_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(MINIMAL)
    assert Scenario.load(path) == Scenario.from_toml(MINIMAL)
    path.write_text(MINIMAL + "[network]\nspacing = 3\n")
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    assert str(caught.value) == f"{path}: network.spacing: no such key; did you mean spacing_s?"


def test_missing_broken_and_undecodable_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"cannot read the scenario .*none\.toml: No such file"):
        Scenario.load(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("name = ")
    with pytest.raises(ScenarioError, match=r"broken\.toml: is not TOML: Invalid value .at end of document"):
        Scenario.load(broken)
    for value in ("9" * 5_000, "[" * 50_000):
        broken.write_text(f"name = {value}")
        with pytest.raises(ScenarioError, match=r"broken\.toml: is not TOML: "):
            Scenario.load(broken)
    broken.write_bytes(b"name = '\xff'")
    with pytest.raises(ScenarioError, match="is no UTF-8 text"):
        Scenario.load(broken)


def test_hash_does_not_depend_on_order_spelling_of_defaults_texts_or_seeds() -> None:
    again = """
    seeds = "5..9"
    question = "Another sentence?"
    name = "other"
    engine = "full"
    [mining]
    settle_s = 60
    blocks = 3
    [nodes]
    ledger = "shared"
    count = 10
    """
    one, other = Scenario.from_toml(MINIMAL), Scenario.from_toml(again)
    assert one.canonical() == other.canonical()
    assert one.hash() == other.hash()
    assert len(one.hash()) == 64


@pytest.mark.parametrize("setting", ["nodes=11", "spacing=61", "links.loss=0.01", "mining.settle_s=61", "encode=true"])
def test_hash_depends_on_everything_else(setting: str) -> None:
    one = Scenario.from_toml(MINIMAL)
    assert one.override(setting).hash() != one.hash()


def test_canonical_form_is_sorted_json_with_all_defaults() -> None:
    text = Scenario.from_toml(MINIMAL).canonical()
    document = json.loads(text)
    assert document["network"]["spacing_s"] == 60.0
    assert "seeds" not in document
    assert text == json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def test_hash_is_the_same_in_another_process_with_another_hash_seed() -> None:
    code = f"from minicoin.sim.scenario.schema import Scenario; print(Scenario.from_toml('''{MINIMAL}''').hash())"
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "123"}, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == Scenario.from_toml(MINIMAL).hash()


def test_override_keeps_what_was_written_and_leaves_the_original_alone() -> None:
    one = Scenario.from_toml(MINIMAL)
    two = one.override("nodes=100", "spacing=30", "transactions.rate_per_s=2")
    assert (two.nodes.count, two.network.spacing_s, one.nodes.count) == (100, 30.0, 10)
    assert two.transactions is not None
    assert two.given() == {
        "name": "small",
        "question": "Does it load?",
        "nodes": {"count": 100},
        "mining": {"blocks": 3},
        "network": {"spacing_s": 30.0},
        "transactions": {"rate_per_s": 2.0},
    }


def test_written_scenario_reads_back_the_same() -> None:
    rich = MINIMAL + (
        '[[fault]]\nkind = "partition"\nat_s = 1\nuntil_s = 9.5\ngroups = [[0, 1], 0.3, "rest"]\n'
        '[[fault]]\nkind = "loss"\nat_s = 1e-7\nprobability = 1\n'
        "[faults.random.per_hour]\ndelay-spike = 4\n"
        '[[attacker]]\nkind = "sybil"\ncount = 3\n'
        '[[nodes.group]]\nname = "a"\nshare = 0.2\n'
    )
    scenario = Scenario.from_toml(rich)
    again = Scenario.from_toml(scenario.to_toml())
    assert again == scenario
    assert again.given() == scenario.given()
    assert again.hash() == scenario.hash()


def test_a_scenario_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Scenario.from_toml(MINIMAL).nodes.count = 3  # type: ignore[misc]
