"""`minicoin sim run` and `list` on every shipped scenario, made small: each runs, and no checker finds anything.

The scenarios as they stand take minutes; what they show is for their readers. Here it counts that the files work.
"""

import json
from pathlib import Path

import pytest
from tests.command_line import call

from .lab import SCENARIOS, end, result, settings, sim, start

BLOCKS = ("mining.blocks=3",)
SMALL = ("nodes.count=30", *BLOCKS)
SMALLER = {
    "agreement": SMALL,
    "asymmetric_partition": ("mining.duration_s=300", "fault[0].at_s=30", "fault[0].until_s=150", "check.heal_s=120"),
    "bad_blocks": (
        *(
            "nodes.count=12",
            "mining.duration_s=200",
            "network.spacing_s=10",
            "attacker[0].count=1",
            "attacker[1].count=1",
        ),
        *(f"attacker[{number}].at_s=20" for number in range(4)),
        *("attacker[0].per_hour=900", "attacker[1].per_hour=900"),
    ),
    "bitcoin_2015": SMALL,
    "bitcoin_2019": SMALL,
    "churn_steady": ("nodes.count=12", "mining.duration_s=200", "check.heal_s=120"),
    "crash_and_restart": (
        *("mining.duration_s=200", "check.heal_s=60", "transactions.start_s=5", "fault[4].until_s=150"),
        *(f"fault[{number}].at_s={20 * number + 20}" for number in range(5)),
    ),
    "eclipse_one_node": (
        *("nodes.count=12", "mining.duration_s=200", "check.heal_s=120", "attacker[0].count=8"),
        *("attacker[0].at_s=10", "attacker[0].until_s=120", "fault[0].at_s=60"),
    ),
    "fault_storm": (
        *("mining.duration_s=120", "check.heal_s=60", "transactions.start_s=5"),
        *("faults.random.start_s=10", "faults.random.stop_s=60", "faults.random.duration_s=10"),
    ),
    "fork_rate_vs_interval": SMALL,
    "gervais_2016": ("nodes.count=1000", *BLOCKS),
    "hello": (),
    "lose_30_percent": ("nodes.count=12", "mining.duration_s=200", "fault[0].at_s=60", "check.heal_s=120"),
    "million_nodes": ("nodes.count=300",),
    "one_thousand": SMALL,
    "partition_heals": (
        *("nodes.count=12", "mining.duration_s=400", "fault[0].at_s=30", "fault[0].until_s=150", "check.heal_s=240"),
    ),
    "selfish_mining": ("nodes.count=8", "mining.blocks=20"),
    "simblock_2015": ("nodes.count=300", *BLOCKS),
    "simblock_2019": ("nodes.count=300", *BLOCKS),
    "slow_and_stalling_peers": (
        *("mining.duration_s=400", "fault[0].at_s=200", "attacker[0].at_s=150", "check.heal_s=200"),
    ),
    "ten_thousand": SMALL,
    "transaction_flood": (
        *("nodes.count=12", "mining.duration_s=150", "transactions.start_s=5", "attacker[0].count=2"),
        *("attacker[0].at_s=20", "attacker[0].until_s=60", "transactions.senders=4"),
    ),
}


def invoke(*words: str) -> dict:
    """The JSON of a command that is run in this process."""
    done = call("sim", *words, "--json")
    assert done.exit_code == 0, done.output[-2000:]
    return json.loads(done.stdout)


def test_every_shipped_scenario_has_its_small_form() -> None:
    assert set(SMALLER) == {path.stem for path in SCENARIOS.glob("*.toml")}


@pytest.mark.parametrize("name", SMALLER)
def test_a_shipped_scenario_runs_clean(name: str) -> None:
    told = invoke("run", str(SCENARIOS / f"{name}.toml"), *settings(SMALLER[name]))
    assert told["scenario"] == name.replace("_", "-")
    assert told["violations"] == []
    assert len(told["digest"]) == 64
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
    assert {name.replace("-", "_") for name in listed} == set(SMALLER)
    assert listed["million-nodes"]["engine"] == "model"
    assert listed["million-nodes"]["nodes"] == 1_000_000
    assert all(entry["question"].endswith("?") for entry in listed.values())
