"""Sweeps as a user runs them: on this machine and on a real Dask cluster, with processes that die at the worst time."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from distributed import Client, Scheduler
from tests.ports import free_ports
from tests.waiting import COMPUTE_HANG_S, wait_until

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.sim.run import run
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.sweep.cluster import ClusterRunner
from minicoin.sim.sweep.journal import NAME
from minicoin.sim.sweep.local import DIED, LocalRunner
from minicoin.sim.sweep.plan import Job, make_plan
from minicoin.sim.sweep.work import JobOutcome, RunnerError, make_work

from .processes import PROGRAMS, environment

HELLO = Path(__file__).parents[2] / "scenarios" / "hello.toml"
NETWORK = "regtest"
SETTINGS = ["nodes=4,8", "blocks=20"]
SEEDS = "1..8"
JOBS = 16


def sweep_command(out: Path, *options: str, settings: list[str] = SETTINGS, seeds: str = SEEDS) -> list[str]:
    sets = [word for setting in settings for word in ("--set", setting)]
    words = [str(PROGRAMS / "minicoin"), "sim", "sweep", str(HELLO), *sets, "--seeds", seeds, "--out", str(out)]
    return [*words, "--json", "--no-progress", *options]


@dataclass
class Swept:
    """What `minicoin sim sweep` said."""

    code: int
    report: dict

    @property
    def digests(self) -> dict[tuple[int, int], str]:
        """(nodes, seed) -> digest."""
        return {(row["set"]["nodes.count"], row["seed"]): row["digest"] for row in self.report["rows"]}


def finish(process: "subprocess.Popen[str]") -> Swept:
    out, _ = process.communicate(timeout=COMPUTE_HANG_S)
    return Swept(process.returncode, json.loads(out))


def start(command: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command, env=environment(NETWORK), stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def journal_lines(out: Path) -> int:
    file = out / NAME
    return file.read_bytes().count(b"\n") if file.exists() else 0


@pytest.fixture(scope="module")
def expected() -> dict[tuple[int, int], str]:
    """The digests of all jobs, run here one by one."""
    plan = make_plan(Scenario.load(HELLO), SETTINGS, SEEDS)
    return {
        (job.scenario.nodes.count, job.seed): run(job.scenario, job.seed, ScriptedVerifier()).digest
        for job in plan.jobs()
    }


def test_killed_on_this_machine_it_goes_on_where_it_was(tmp_path: Path, expected: dict[tuple[int, int], str]) -> None:
    out = tmp_path / "swept"
    first = start(sweep_command(out, "--jobs", "2"))
    try:
        wait_until(lambda: journal_lines(out) >= 2, "two finished jobs")
        # Only the sweep itself; its workers must not keep the next one from going on.
        first.kill()
        first.wait()
        kept = journal_lines(out)
        assert kept < JOBS, "the sweep was over before it was killed"
        second = finish(start(sweep_command(out, "--jobs", "2")))
    finally:
        # Those that were orphaned, if any are left.
        with suppress(ProcessLookupError):
            os.killpg(first.pid, signal.SIGKILL)
    assert second.code == 0
    assert (second.report["skipped"], second.report["ran"]) == (kept, JOBS - kept)
    assert second.digests == expected
    table = pl.read_parquet(second.report["table"])
    assert table.height == JOBS
    assert table["digest"].to_list() == list(expected.values())
    (page,) = second.report["comparisons"]
    assert "16 runs of hello" in Path(page).read_text()


def test_a_job_that_kills_its_process_fails_alone() -> None:
    jobs = make_plan(Scenario.load(HELLO), ["nodes=4", "blocks=2"], "1..4").jobs()
    work = make_work(ScriptedVerifier)

    def work_or_die(job: Job) -> JobOutcome:
        if job.seed == 2:
            os._exit(9)
        return work(job)

    found = {outcome.id.seed: outcome for outcome in LocalRunner(2)(jobs, work_or_die)}
    assert found.pop(2).error == DIED
    assert {seed: outcome.error for seed, outcome in found.items()} == {1: None, 3: None, 4: None}


@dataclass
class Cluster:
    """A scheduler with two workers. One is watched by a nanny, which replaces it; the other may be killed for good."""

    address: str
    mortal: "subprocess.Popen[str]"


@contextmanager
def dask_process(log: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    with log.open("w") as file:
        process = subprocess.Popen(
            [str(PROGRAMS / "dask"), *words],
            env=environment(NETWORK),
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            # One may have been killed by its test already, and is gone with its whole group.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("dask")
    (port,) = free_ports(1)
    address = f"tcp://127.0.0.1:{port}"
    worker = ["worker", address, "--host", "127.0.0.1", "--nworkers", "1", "--nthreads", "1", "--no-dashboard"]
    logs = [directory / name for name in ("scheduler.log", "mortal.log", "watched.log")]
    with ExitStack() as stack:
        scheduler = ["scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
        stack.enter_context(dask_process(logs[0], *scheduler))
        mortal = stack.enter_context(
            dask_process(logs[1], *worker, "--no-nanny", "--local-directory", str(directory / "mortal"))
        )
        stack.enter_context(dask_process(logs[2], *worker, "--local-directory", str(directory / "watched")))
        for log in logs[1:]:
            wait_until(lambda log=log: "Registered to" in log.read_text(), f"a worker in {log}")
        yield Cluster(address, mortal)


def test_on_a_cluster_that_loses_a_worker_all_jobs_give_the_same_digests(
    cluster: Cluster, tmp_path: Path, expected: dict[tuple[int, int], str]
) -> None:
    out = tmp_path / "swept"
    # 600 is what the scenario has anyway; with 0.001 no run gets through its set-up.
    settings = ["warmup.connect_s=600,0.001", *SETTINGS]
    running = start(sweep_command(out, "--cluster", cluster.address, settings=settings))
    try:
        wait_until(lambda: journal_lines(out) >= 2, "two finished jobs")
        cluster.mortal.kill()
        assert journal_lines(out) < JOBS, "the sweep was over before the worker was killed"
        swept = finish(running)
    finally:
        running.kill()
    assert swept.code == 1
    assert (swept.report["jobs"], swept.report["ran"], swept.report["failed"]) == (2 * JOBS, 2 * JOBS, JOBS)
    fine, failed = swept.report["rows"][:JOBS], swept.report["rows"][JOBS:]
    assert {(row["set"]["nodes.count"], row["seed"]): row["digest"] for row in fine} == expected
    assert all(row["error"].startswith("SetupFailed: ") and row["digest"] is None for row in failed)
    table = pl.read_parquet(swept.report["table"])
    assert table.height == 2 * JOBS
    assert table["error"].null_count() == JOBS


def test_a_job_that_the_cluster_gives_up_is_an_outcome(cluster: Cluster) -> None:
    jobs = make_plan(Scenario.load(HELLO), ["nodes=4", "blocks=2"], "1..3").jobs()
    work = make_work(ScriptedVerifier)

    def work_or_die(job: Job) -> JobOutcome:
        if job.seed == 2:
            os._exit(9)
        return work(job)

    def give_up_at_once(dask_scheduler: Scheduler) -> None:
        dask_scheduler.allowed_failures = 0

    with Client(cluster.address, set_as_default=False) as client:
        client.run_on_scheduler(give_up_at_once)
    found = {outcome.id.seed: outcome for outcome in ClusterRunner(cluster.address)(jobs, work_or_die)}
    assert (found[2].error or "").startswith("the cluster gave it up: KilledWorker: ")
    assert (found[1].error, found[3].error) == (None, None)


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "http://127.0.0.1:8786", "tcp://nowhere"])
def test_an_address_must_be_one(address: str) -> None:
    with pytest.raises(RunnerError, match="is no address of a Dask scheduler; write tcp://HOST:PORT"):
        next(ClusterRunner(address)([], make_work(ScriptedVerifier)))
