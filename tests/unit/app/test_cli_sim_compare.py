"""`sim compare` with a runner that is this process: its table, its page, and its exit codes."""

import json
from pathlib import Path

import pytest
from tests.command_line import Called, call

from minicoin.app.sim import compare as compare_module

TINY = """
name = "tiny"
question = "Which model?"
nodes.count = 4
network.spacing_s = 10.0
topology.source = "addrman"
topology.tells_addresses = false
mining.blocks = 3
warmup.start = "connected"
[compare]
everybody = ["nodes.count=5"]
"""


class Here:
    """Runs jobs in this process."""

    def __init__(self, processes):
        pass

    def __call__(self, jobs, work):
        for job in jobs:
            yield work(job)


@pytest.fixture
def scenario(tmp_path, monkeypatch):
    monkeypatch.setattr(compare_module, "LocalRunner", Here)
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    return file


def run(scenario: Path, *options: str) -> Called:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        return call("sim", "compare", scenario, "--out", scenario.parent / "out", *options)


def test_each_model_is_run_with_each_seed_and_with_what_it_needs(scenario):
    done = run(scenario, "--overlay", "random,everybody", "--seeds", "1..2", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert list(told["models"]) == ["random", "everybody"]
    assert [model["runs"] for model in told["models"].values()] == [2, 2]
    assert all(model["figures"]["blocks.coverage"] == 1 for model in told["models"].values())
    # Four and five nodes.
    assert told["replays"][1].endswith("--seed 1 --set network.overlay=everybody --set nodes.count=5")
    replayed = json.loads(call(*told["replays"][1].split()[1:], "--json").stdout)
    assert replayed["figures"]["nodes"] == 5
    page = Path(told["page"]).read_text()
    assert "Which model?" in page and "everybody" in page
    assert told["models"]["random"]["absent"]["overlay.control.bytes_per_node_hour"] == "has none"


def test_the_terminal_has_a_column_a_model(scenario):
    done = run(scenario, "--overlay", "everybody,random", "--no-progress")
    assert done.exit_code == 0, done.output
    head = next(line for line in done.stdout.splitlines() if "everybody" in line)
    assert head.split() == ["everybody", "random"]
    assert "nodes reached by a block" in done.stdout
    assert "written to" in done.stdout


def test_a_model_that_is_none_is_named(scenario):
    done = run(scenario, "--overlay", "random,nonsense")
    assert done.exit_code == 1
    assert "no network model 'nonsense'" in done.stderr


def test_a_run_that_fails_says_why(scenario):
    done = run(scenario, "--overlay", "random", "--set", "warmup.connect_s=0.001")
    assert done.exit_code == 1
    assert "not connected" in done.stdout and "1 run failed" in done.stdout
