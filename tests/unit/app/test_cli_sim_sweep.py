"""`sim sweep` with a runner that is this process: what it prints, what it leaves, and its exit codes."""

import json
from pathlib import Path

import pytest
from tests.command_line import Called, call

from minicoin.app.sim import sweep as sweep_module
from minicoin.sim.sweep.work import JobOutcome, RunnerError

TINY = """
name = "tiny"
question = "Does a sweep run?"
nodes.count = 3
network.spacing_s = 10.0
topology.outbound = 2
mining.blocks = 2
"""


class Here:
    """Runs jobs in this process; says of each outcome what `change` makes of it."""

    processes: int | None = None

    def __init__(self, processes, change=lambda outcome: outcome):
        Here.processes = processes
        self.change = change

    def __call__(self, jobs, work):
        for job in jobs:
            yield self.change(work(job))


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(sweep_module, "LocalRunner", Here)


@pytest.fixture
def scenario(tmp_path):
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    return file


def change_outcomes(monkeypatch, change):
    monkeypatch.setattr(sweep_module, "LocalRunner", lambda processes: Here(processes, change))


def run(scenario: Path, *options: str) -> Called:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        return call("sim", "sweep", scenario, "--out", scenario.parent / "out", *options)


def test_it_runs_and_then_skips(scenario):
    options = ("--set", "nodes=3,4", "--seeds", "1..2", "--json")
    first = run(scenario, *options)
    assert first.exit_code == 0
    told = json.loads(first.stdout)
    assert (told["jobs"], told["skipped"], told["ran"], told["failed"], told["violated"]) == (4, 0, 4, 0, 0)
    assert [(row["set"], row["seed"]) for row in told["rows"]] == [
        ({"nodes.count": 3}, 1),
        ({"nodes.count": 3}, 2),
        ({"nodes.count": 4}, 1),
        ({"nodes.count": 4}, 2),
    ]
    assert told["rows"][3]["replay"] == f"minicoin sim run {scenario} --seed 2 --set nodes.count=4"
    assert Path(told["table"]).name == "sweep.parquet"
    assert [Path(page).name for page in told["comparisons"]] == ["by-nodes.count.html"]
    assert all(Path(name).exists() for name in (told["table"], *told["comparisons"]))
    second = json.loads(run(scenario, *options).stdout)
    assert (second["skipped"], second["ran"]) == (4, 0)
    assert second["rows"] == told["rows"]


def test_a_replay_line_gives_the_digest_of_its_row(scenario):
    row = json.loads(run(scenario, "--set", "nodes=3,4", "--seeds", "5", "--json").stdout)["rows"][1]
    words = row["replay"].split()[1:]
    assert json.loads(call(*words, "--json").stdout)["digest"] == row["digest"]


def test_for_people(scenario):
    done = run(scenario, "--set", "nodes=3,4", "--jobs", "7")
    assert done.exit_code == 0
    assert Here.processes == 7
    assert "tiny: medians over the seeds" in done.stdout
    assert "2 jobs: 2 run in" in done.stdout
    assert "0 skipped" in done.stdout
    assert "by-nodes.count.html" in done.stdout


def test_a_failed_job_is_exit_code_1_and_has_its_line(scenario):
    done = run(scenario, "--set", "warmup.connect_s=0.001,60")
    assert done.exit_code == 1
    assert "failed: SetupFailed: " in done.stdout
    assert "--seed 1 --set warmup.connect_s=0.001" in done.stdout


def test_a_violation_is_exit_code_3(scenario, monkeypatch):
    change_outcomes(monkeypatch, lambda found: JobOutcome(found.id, {**(found.row or {}), "violations": 2}))
    done = run(scenario)
    assert done.exit_code == 3
    assert "violations in 1 run" in done.stdout


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (RunnerError("the cluster went away"), 1, "the cluster went away"),
        (KeyboardInterrupt(), 130, "interrupted; 1 finished job kept in"),
    ],
)
def test_a_break_keeps_what_is_done(scenario, monkeypatch, error, code, message):
    def break_at_2(outcome):
        if outcome.id.seed == 2:
            raise error
        return outcome

    change_outcomes(monkeypatch, break_at_2)
    done = run(scenario, "--seeds", "1..3", "--json")
    assert done.exit_code == code
    assert message in json.loads(done.stdout)["error"]["message"]
    change_outcomes(monkeypatch, lambda outcome: outcome)
    assert json.loads(run(scenario, "--seeds", "1..3", "--json").stdout)["skipped"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "nodes=3,many"), "nodes.count=many: nodes.count"),
        (("--seeds", "x"), "--seeds x: 'x' is no seed"),
        (("--jobs", "2", "--cluster", "tcp://127.0.0.1:8786"), "--jobs is for this machine"),
        (("--cluster", "somewhere"), "'somewhere' is no address of a Dask scheduler"),
    ],
)
def test_mistakes_are_said_before_anything_runs(scenario, options, message):
    done = run(scenario, *options)
    assert done.exit_code == 1
    assert message in done.stderr
    assert not (scenario.parent / "out" / "sweep.parquet").exists()


def test_a_directory_that_cannot_be_written(scenario):
    (scenario.parent / "out").write_text("a file")
    done = run(scenario)
    assert done.exit_code == 1
    assert "cannot write to" in done.stderr
