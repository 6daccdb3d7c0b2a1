"""`sim run` and `sim list`: what they say of files that are not there or wrong, and their exit codes."""

import json
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.command_line import call

from minicoin.app import cli_sim
from minicoin.app.sim import run as sim_run
from minicoin.sim.measure.record import ViolationRecord
from minicoin.sim.result.progress import RunProgress

HELLO = """
name = "tiny"
question = "Does it run?"
[nodes]
count = 3
[network]
spacing_s = 10.0
[topology]
outbound = 2
[mining]
blocks = 2
"""


def sim(*words):
    return call("sim", *map(str, words))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(HELLO)
    return path


def test_one_json_object_with_a_digest(tiny):
    done = sim("run", tiny, "--seed", 4, "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["scenario"] == "tiny"
    assert told["seed"] == 4
    assert len(told["digest"]) == 64
    assert told["replay"] == f"minicoin sim run {tiny} --seed 4"


def test_the_seed_is_the_scenarios_first_where_none_is_given(tmp_path):
    path = tmp_path / "seeded.toml"
    path.write_text(HELLO.replace("[nodes]", 'seeds = "31..33"\n[nodes]', 1))
    assert json.loads(sim("run", path, "--json").stdout)["seed"] == 31


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        (None, (), "absent.toml"),
        ("name = ", (), "wrong.toml"),
        (HELLO.replace("blocks = 2", "block = 2"), (), "mining.block"),
        (HELLO.replace("count = 3", 'count = "many"'), (), "nodes.count"),
        (HELLO, ("--set", "mining.blokcs=2"), "mining.blokcs"),
        (HELLO, ("--set", "nonsense"), "nonsense"),
    ],
    ids=["absent", "no toml", "unknown key", "wrong type", "unknown setting", "no setting"],
)
def test_a_scenario_that_is_wrong_is_one_line_of_reason(tmp_path, text, words, expected):
    path = tmp_path / ("absent.toml" if text is None else "wrong.toml")
    if text is not None:
        path.write_text(text)
    done = sim("run", path, *words)
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    assert expected in done.stderr
    assert "Traceback" not in done.output
    as_json = sim("run", path, *words, "--json")
    assert as_json.exit_code == 1
    assert expected in json.loads(as_json.stdout)["error"]["message"]


@pytest.mark.parametrize("option", ["--json", "--events", "--no-progress"])
def test_a_network_that_does_not_connect_is_said_so(tiny, option):
    done = sim("run", tiny, "--set", "warmup.connect_s=0.001", option)
    assert done.exit_code == 1
    assert "3 of 3 nodes are not connected after 0.001 s" in done.output


def test_a_directory_that_cannot_be_written_is_found_before_the_run(tiny, monkeypatch):
    monkeypatch.setattr(sim_run, "run", lambda *_: pytest.fail("it ran first"))
    done = sim("run", tiny, "--out", tiny / "result")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {tiny / 'result'} cannot be written to")


def test_a_violation_has_its_own_exit_code(tiny, monkeypatch):
    run = sim_run.run

    def violated(*arguments):
        record = run(*arguments)
        record.violations.append(ViolationRecord("money", 1, [0], "too much of it"))
        return record

    monkeypatch.setattr(sim_run, "run", violated)
    done = sim("run", tiny, "--no-progress")
    assert done.exit_code == 3
    assert "too much of it" in done.stdout


@pytest.mark.parametrize(
    ("sent", "code", "words"),
    [
        (signal.SIGINT, 130, "interrupted after"),
        (signal.SIGTERM, 143, "told to end after"),
        (signal.SIGHUP, 129, "the terminal was closed after"),
    ],
)
def test_a_run_that_is_interrupted_keeps_what_was_measured_and_says_so(tiny, tmp_path, monkeypatch, sent, code, words):
    def interrupt(self, virtual_us, events, blocks):
        if blocks == 2:
            signal.raise_signal(sent)

    monkeypatch.setattr(RunProgress, "update", interrupt)
    before = signal.getsignal(sent)
    out = tmp_path / "out"
    long = ("--set", "blocks=1000000", "--out", out)
    done = sim("run", tiny, *long)
    assert done.exit_code == code
    assert f"PARTIAL: {words}" in done.stdout
    assert f"written to {out}" in done.stdout
    kept = json.loads((out / "result.json").read_text())
    assert kept["interrupted"].startswith(words)
    assert 2 <= kept["figures"]["forks"]["blocks"] < 20
    assert f"Partial: {words}" in (out / "report.html").read_text()
    told = json.loads(sim("run", tiny, *long, "--json").stdout)
    assert told["interrupted"].startswith(words)
    assert signal.getsignal(sent) is before


def test_a_run_that_is_interrupted_before_it_measures_keeps_nothing_and_says_so(tiny, monkeypatch):
    monkeypatch.setattr(RunProgress, "set_up", lambda *at: signal.raise_signal(signal.SIGINT))
    done = sim("run", tiny)
    assert done.exit_code == 130
    assert "interrupted before anything was measured: nothing is kept" in done.stderr


def test_a_whole_run_is_not_marked(tiny):
    assert json.loads(sim("run", tiny, "--json").stdout)["interrupted"] is None


@pytest.mark.parametrize("seed", [-1, 1 << 63, 1 << 64])
def test_a_seed_that_is_none_is_refused_in_words(tiny, seed):
    done = sim("run", tiny, f"--seed={seed}")
    assert done.exit_code == 2
    assert "--seed" in done.stderr
    assert "Traceback" not in done.output


def test_the_largest_seed(tiny):
    assert json.loads(sim("run", tiny, "--seed", (1 << 63) - 1, "--json").stdout)["seed"] == (1 << 63) - 1


def test_a_byte_order_mark_is_no_part_of_a_scenario(tiny):
    expected = json.loads(sim("run", tiny, "--json").stdout)["digest"]
    tiny.write_text(HELLO, encoding="utf-8-sig")
    assert json.loads(sim("run", tiny, "--json").stdout)["digest"] == expected


def test_events_are_lines_of_time_node_and_what_and_end_with_the_digest(tiny):
    digest = json.loads(sim("run", tiny, "--seed", 4, "--json").stdout)["digest"]
    *events, last = sim("run", tiny, "--seed", 4, "--events").stdout.splitlines()
    assert last == f"digest {digest}"
    times = [int(line.split(" ")[0]) for line in events]
    assert times == sorted(times)
    assert {line.split(" ")[1] for line in events} == {"0", "1", "2"}
    whats = [line.split(" ", 2)[2] for line in events]
    assert any(what.startswith("connection 1: version ") for what in whats)
    assert sum("headers " in what for what in whats) >= 2


def test_list_says_what_each_asks(tiny, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    done = sim("list", tiny.parent)
    assert done.exit_code == 0
    assert str(tiny) in done.stdout
    assert "Does it run?" in done.stdout
    assert json.loads(sim("list", tiny.parent, "--json").stdout) == [
        {"file": str(tiny), "name": "tiny", "engine": "full", "nodes": 3, "question": "Does it run?"}
    ]


def test_list_of_a_directory_without_scenarios(tmp_path):
    for directory in (tmp_path, tmp_path / "absent"):
        done = sim("list", directory)
        assert done.exit_code == 1
        assert "holds no scenario files" in done.stderr


def test_list_names_the_file_that_is_wrong(tiny):
    (tiny.parent / "broken.toml").write_text("name = ")
    done = sim("list", tiny.parent)
    assert done.exit_code == 1
    assert "broken.toml" in done.stderr


def test_without_the_extra_packages_the_laboratory_says_which(tiny, monkeypatch):
    monkeypatch.setattr(cli_sim, "find_spec", lambda name: None if name == "polars" else SimpleNamespace())
    done = sim("run", tiny)
    assert done.exit_code == 1
    assert "the laboratory needs polars; install with: pip install polars" in done.stderr


def test_shipped_scenarios_are_known_by_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    shown = sim("list").stdout
    assert any(line.startswith("hello ") for line in shown.splitlines())
    listed = json.loads(sim("list", "--json").stdout)
    assert all(Path(row["file"]).is_file() for row in listed)
    done = sim("run", "hello", "--json", "--set", "nodes=4", "--set", "mining.blocks=1", "--set", "topology.outbound=2")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["replay"].startswith("minicoin sim run hello --seed ")


def test_a_name_that_is_none_names_the_nearest():
    assert sim("run", "helo").stderr == "error: no scenario is called 'helo'; did you mean hello?\n"
    assert "minicoin sim list" in sim("run", "zzzzz").stderr
