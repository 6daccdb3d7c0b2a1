"""`sim fuzz`: its table, its JSON, and the files and lines it leaves where something fails."""

import json
from pathlib import Path

import pytest
from tests.command_line import Called, call

from minicoin.app.sim import fuzz as command
from minicoin.sim.fuzz.campaign import FuzzCampaign
from minicoin.sim.fuzz.drawing import FAULT_KINDS, draw_scenario
from minicoin.sim.fuzz.trial import TrialOutcome
from minicoin.sim.measure.record import ViolationRecord
from minicoin.sim.scenario.schema import Scenario


def run(*options: str) -> Called:
    return call("sim", "fuzz", "--no-progress", *options)


def test_clean_seeds(tmp_path: Path) -> None:
    done = run("--seeds", "1..2", "--jobs", "1", "--json", "--out", str(tmp_path / "out"))
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["seeds"], told["failures"]) == (2, [])
    assert set(FAULT_KINDS) <= set(told["coverage"])
    assert set(told["never_fired"]) == {kind for kind in FAULT_KINDS if not told["coverage"][kind]}
    assert not (tmp_path / "out").exists()


def test_seeds_under_a_network_model() -> None:
    done = run("--seeds", "1", "--jobs", "1", "--overlay", "everybody", "--json")
    assert done.exit_code == 0, done.output
    plain = json.loads(run("--seeds", "1", "--jobs", "1", "--json").stdout)
    assert json.loads(done.stdout)["events"] != plain["events"]


def test_a_model_that_is_none_is_named() -> None:
    done = run("--overlay", "nonsense")
    assert done.exit_code == 1
    assert "no such network model; there are random" in done.stderr


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> TrialOutcome:
    outcome = TrialOutcome(9, (ViolationRecord("supply", 5, [1], "too [much] money"),), {"crash": 2}, 100)

    def fake(seeds: tuple[int, ...], *_: object, **__: object) -> FuzzCampaign:
        campaign = FuzzCampaign()
        campaign.add(outcome)
        return campaign

    monkeypatch.setattr(command, "fuzz", fake)
    small = draw_scenario(9).model_copy(update={"fault": ()})
    monkeypatch.setattr(command, "shrink_seed", lambda seed, verifier, tries, overlay: (small, outcome))
    return outcome


def test_a_failure_leaves_a_small_file_and_the_line_that_runs_it(failing: TrialOutcome, tmp_path: Path) -> None:
    done = run("--out", str(tmp_path))
    assert done.exit_code == 3
    assert "seed 9 failed: supply: too [much] money" in done.stdout
    small = tmp_path / "fuzz-9-small.toml"
    assert f"minicoin sim run {small} --seed 9" in done.stdout.replace("\n", "")
    assert Scenario.load(small).fault == ()
    assert Scenario.load(tmp_path / "fuzz-9.toml") == draw_scenario(9)


def test_what_failed_before_an_interrupt_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = TrialOutcome(9, (ViolationRecord("supply", 5, [1], "too much"),), {"crash": 2}, 100)

    def interrupted(seeds: tuple[int, ...], *_: object, on_outcome, **__: object) -> FuzzCampaign:
        campaign = FuzzCampaign()
        campaign.add(outcome)
        on_outcome(outcome, campaign)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "fuzz", interrupted)
    done = run("--seeds", "9..20", "--out", str(tmp_path))
    assert done.exit_code == 130
    assert "interrupted; 1 of 12 seeds were run" in done.stderr
    assert Scenario.load(tmp_path / "fuzz-9.toml") == draw_scenario(9)


def test_a_failure_as_json_without_shrinking(failing: TrialOutcome, tmp_path: Path) -> None:
    done = run("--json", "--no-shrink", "--out", str(tmp_path))
    assert done.exit_code == 3
    (failure,) = json.loads(done.stdout)["failures"]
    assert failure["seed"] == 9
    assert failure["violations"] == ["supply: too [much] money"]
    assert failure["replay"] == f"minicoin sim run {tmp_path / 'fuzz-9.toml'} --seed 9"
    assert not (tmp_path / "fuzz-9-small.toml").exists()


def test_seeds_that_make_no_sense(tmp_path: Path) -> None:
    done = run("--seeds", "9..1", "--out", str(tmp_path))
    assert done.exit_code == 1
    assert "runs backwards" in done.output
