"""`minicoin sim run` and `list` on every shipped scenario, made small: each runs, no checker finds anything, and
the run has the digest that is written down for it.

The scenarios as they stand take minutes; what they show is for their readers. Here it counts that the files work. Under
MINICOIN_SOAK they run as they stand, too, those of thousands of nodes with one thousand.
"""

import json
import tomllib
from pathlib import Path

import pytest
from tests.command_line import call
from tests.soak import IS_SOAK

from .lab import ROOT, SCENARIOS, end, result, settings, sim, start

BLOCKS = ("mining.blocks=3",)
PINNED = tomllib.loads((ROOT / "tests/data/digests.toml").read_text())
"""Of each scenario, the settings that make it small and the digest of that run; under `whole` the same as it stands."""
FORMS = [(name, form) for form in (("small", "whole") if IS_SOAK else ("small",)) for name in PINNED]


def invoke(*words: str) -> dict:
    """The JSON of a command that is run in this process."""
    done = call("sim", *words, "--json")
    assert done.exit_code == 0, done.output[-2000:]
    return json.loads(done.stdout)


def test_every_shipped_scenario_has_its_small_form() -> None:
    assert set(PINNED) == {path.stem for path in SCENARIOS.glob("*.toml")}


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_a_shipped_scenario_runs_clean(name: str, form: str) -> None:
    pinned = PINNED[name]["whole"] if form == "whole" else PINNED[name]
    told = invoke("run", str(SCENARIOS / f"{name}.toml"), *settings(pinned["settings"]))
    assert told["scenario"] == name.replace("_", "-")
    assert told["violations"] == []
    assert told["digest"] == pinned["digest"], "the nodes behave otherwise than before: see tests/data/digests.toml"
    # What a scenario plans must happen in its small form as well.
    assert [fault for fault in told["faults"] if not fault["fired"] and name != "fault_storm"] == []


def test_a_run_writes_its_result_its_tables_and_its_report(tmp_path: Path) -> None:
    out = tmp_path / "new" / "hello"
    hello = ("run", str(SCENARIOS / "hello.toml"), "--seed", "7", *settings(BLOCKS))
    for_people = start(*hello, "--out", str(out), "--no-progress")
    told = result(sim(*hello, "--json"))
    shown = end(for_people)
    assert shown.returncode == 0, shown.stderr
    written = json.loads((out / "result.json").read_text())
    assert written["digest"] == told["digest"]
    assert (out / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert {path.suffix for path in (out / "tables").iterdir()} == {".parquet"}
    assert told["digest"][:16] in shown.stdout
    assert str(out) in shown.stdout
    assert told["replay"].startswith("minicoin sim run ")
    assert "--seed 7 --set mining.blocks=3" in told["replay"]


def test_the_replay_line_gives_the_same_run() -> None:
    told = invoke("run", str(SCENARIOS / "hello.toml"), "--seed", "5", *settings(BLOCKS))
    words = told["replay"].split()
    assert words[:2] == ["minicoin", "sim"]
    assert invoke(*words[2:])["digest"] == told["digest"]


def test_list_names_every_scenario_and_its_question() -> None:
    done = call("sim", "list", str(SCENARIOS), "--json")
    listed = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert {name.replace("-", "_") for name in listed} == set(PINNED)
    assert listed["million-nodes"]["engine"] == "model"
    assert listed["million-nodes"]["nodes"] == 1_000_000
    assert all(entry["question"].endswith("?") for entry in listed.values())
