"""One seed, one trace: across hash seeds and Python versions, in a storm of faults; and what breaks that is named."""

import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from .lab import ROOT, SCENARIOS, end, result, settings, sim, start

WALLETS_MADE_SHORT = (
    *("mining.duration_s=60", "transactions.start_s=1", "check.heal_s=90"),
    *("fault[0].at_s=5", "fault[0].until_s=20", "fault[1].at_s=25", "fault[1].restart_after_s=5"),
    *("fault[2].at_s=35", "fault[3].at_s=40", "fault[3].until_s=50"),
)
HELLO = str(SCENARIOS / "hello.toml")
HELLO_DIGEST = tomllib.loads((ROOT / "tests/data/digests.toml").read_text())["hello"]["digest"]
"""Of scenarios/hello.toml as it is, with seed 1, on every Python, machine and hash seed."""

OTHER_PYTHONS = "MINICOIN_PYTHONS"
"""Interpreters of other versions that have minicoin and its `sim` extra, separated as in PATH."""

CALM = ("nodes.count=4", "topology.outbound=2", "mining.blocks=4")

ATTACKS = """
[[attacker]]
kind = "flood-transactions"
at_s = 10.0
until_s = 100.0
rate_per_s = 0.5
validity = "valid"

[[attacker]]
kind = "invalid-headers"
at_s = 10.0
rate_per_s = 0.2

[[attacker]]
kind = "selfish-miner"
hash_share = 0.2
connections = 4
"""
STORM_MADE_SHORT = (
    *("mining.duration_s=240", "check.heal_s=60", "transactions.start_s=5"),
    *("faults.random.start_s=20", "faults.random.stop_s=150", "faults.random.duration_s=10"),
    *(f"faults.random.per_hour.{kind}=100" for kind in ("churn", "crash", "loss", "flipped-byte")),
)

WALL_CLOCK = """
import time
from minicoin.core.peer import session

ping = session.Session.ping

def ping_of_now(self, now):
    ping(self, now)
    self._ping_nonce = time.time_ns()
    return [session.Ping(self._ping_nonce)]

session.Session.ping = ping_of_now
"""

SET_ITERATION = """
from minicoin.core.netsync import following

announce_blocks = following.announce_blocks

def announce_in_any_order(tree, peers, connected):
    by_name = {str(peer.conn): peer for peer in peers}
    return announce_blocks(tree, [by_name[name] for name in set(by_name)], connected)

following.announce_blocks = announce_in_any_order
"""


def sabotage(directory: Path, code: str) -> dict[str, str]:
    """The environment in which every process runs this code at its start."""
    (directory / "sitecustomize.py").write_text(code)
    before = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(directory), *([before] if before else [])])}


def test_the_digest_is_the_same_for_every_hash_seed() -> None:
    runs = [start("run", HELLO, "--seed", "1", "--json", PYTHONHASHSEED=seed) for seed in ("0", "1", "123")]
    digests = [result(end(run))["digest"] for run in runs]
    assert digests == [HELLO_DIGEST] * 3


def test_the_digest_is_the_same_on_every_python() -> None:
    pythons = [python for python in os.environ.get(OTHER_PYTHONS, "").split(os.pathsep) if python]
    if not pythons:
        pytest.skip(f"{OTHER_PYTHONS} names no interpreters; this one is {sys.version.split()[0]}")
    source = str(SCENARIOS.parent / "src")
    runs = [start("run", HELLO, "--seed", "1", "--json", python=one, PYTHONPATH=source) for one in pythons]
    assert [result(end(run))["digest"] for run in runs] == [HELLO_DIGEST] * len(pythons)


def test_another_seed_gives_another_trace() -> None:
    digests = {result(sim("run", HELLO, "--seed", seed, "--json", *settings(CALM)))["digest"] for seed in ("1", "2")}
    assert len(digests) == 2


def test_a_storm_of_faults_attackers_and_payments_is_deterministic(tmp_path: Path) -> None:
    storm = tmp_path / "storm.toml"
    storm.write_text((SCENARIOS / "fault_storm.toml").read_text() + ATTACKS)
    words = ["run", str(storm), "--seed", "3", *settings(STORM_MADE_SHORT), "--json"]
    compared = start(*words, "--check-determinism")
    told = result(sim(*words))
    # It must have been a storm, or there was nothing to be deterministic about.
    kinds = {fault["kind"] for fault in told["faults"] if fault["fired"]}
    assert {"churn", "crash", "loss", "attacker flood-transactions", "attacker selfish-miner"} <= kinds
    assert not told["violations"]
    checked = result(end(compared))
    assert checked["is_deterministic"]
    assert checked["digest"] == told["digest"]
    assert checked["events"] > 10_000


def test_fifty_nodes_with_wallets_over_libp2p_are_deterministic() -> None:
    run = ["run", str(SCENARIOS / "wallets_over_libp2p.toml"), *settings(WALLETS_MADE_SHORT), "--json"]
    told = result(sim(*run, "--check-determinism"))
    assert told["is_deterministic"]
    assert told["events"] > 20_000


@pytest.mark.parametrize(("code", "event"), [(WALL_CLOCK, "ping"), (SET_ITERATION, "headers")], ids=["clock", "set"])
def test_what_breaks_determinism_is_caught_and_named(tmp_path: Path, code: str, event: str) -> None:
    words = ["run", HELLO, "--seed", "1", "--check-determinism", *settings(CALM)]
    environment = sabotage(tmp_path, code)
    done = sim(*words, **environment)
    assert done.returncode == 4, done.stderr
    assert re.search(r"^not deterministic: event \d+ differs$", done.stderr, re.MULTILINE)
    named = re.findall(r"with PYTHONHASHSEED=\d+: at (\d+\.\d{6}) s, node (\d+): (.+)$", done.stderr, re.MULTILINE)
    assert len(named) == 2
    assert named[0] != named[1]
    assert "run it again: minicoin sim run" in done.stderr
    assert event in named[0][2]
    if event == "ping":
        # A clock shows in the nonce, so both runs are at one place: the same moment, the same node.
        assert named[0][:2] == named[1][:2]
        assert all(what.startswith("connection ") for _, _, what in named)


def test_a_run_that_fails_twice_alike_is_a_failure_and_no_difference() -> None:
    done = sim("run", HELLO, "--check-determinism", *settings([*CALM, "warmup.connect_s=0.001"]))
    assert done.returncode == 1
    assert "not connected" in done.stderr
    assert "not deterministic" not in done.stderr
