"""`sim replay` on good, different, damaged, cut and foreign files: what it prints, and its exit codes."""

import json

import pytest
from tests.command_line import call
from tests.unit.recording.recorded import live, recorded_bench

from minicoin.core.events import DeadlineReached


@pytest.fixture
def bench(monkeypatch):
    return recorded_bench(monkeypatch)


def run(path, *options):
    return call("sim", "replay", str(path), *options)


def write(tmp_path, raw):
    path = tmp_path / "node.rec"
    path.write_bytes(raw)
    return path


def test_an_equal_replay(bench, tmp_path):
    live(bench)
    bench.node.end("the node stopped")
    path = write(tmp_path, bench.node.raw)
    told = json.loads(run(path, "--json").stdout)
    assert told["is_equal"]
    assert (told["height"], told["end"], told["mismatch"], told["damage"]) == (103, "the node stopped", None, None)
    done = run(path)
    assert done.exit_code == 0
    for part in ("recorded by minicoin 1.2.3 on regtest", told["digest"], told["effects_digest"], "1, all equal"):
        assert part in done.stdout


def test_a_difference_is_named_and_has_its_own_exit_code(bench, tmp_path):
    bench.handle(DeadlineReached())
    bench.node.checkpoint(lambda parts: {**parts, "bans": bytes(32)})
    path = write(tmp_path, bench.node.raw)
    done = run(path)
    assert done.exit_code == 4
    assert "DIFFERENT   between events 0 and 1: the state differs in: bans" in done.stdout
    assert "all equal" not in done.stdout
    told = json.loads(run(path, "--json").stdout)
    assert told["mismatch"] == {"after_events": 0, "before_events": 1, "what": "the state differs in: bans"}


def test_a_cut_file_says_so_and_is_no_failure(bench, tmp_path):
    bench.handle(DeadlineReached())
    bench.handle(DeadlineReached())
    done = run(write(tmp_path, bench.node.raw[:-3]))
    assert done.exit_code == 0
    assert "events      1\n" in done.stdout
    assert "no end mark" in done.stdout


def test_a_damaged_file_is_replayed_up_to_the_damage(bench, tmp_path):
    for _ in range(3):
        bench.handle(DeadlineReached())
    *front, last = bench.node.records
    done = run(write(tmp_path, b"".join((*front, last[:-1] + b"!"))))
    assert done.exit_code == 1
    assert "DAMAGED" in done.stdout
    assert "events      2\n" in done.stdout


def test_what_cannot_be_read_is_one_line(tmp_path):
    foreign = run(write(tmp_path, b"something else"))
    assert foreign.exit_code == 1
    assert foreign.stderr == f"error: {tmp_path}/node.rec: not a recording of a minicoin node\n"
    missing = run(tmp_path / "missing.rec", "--json")
    assert missing.exit_code == 1
    assert json.loads(missing.stdout)["error"]["message"].endswith("missing.rec: No such file or directory")
