"""Whole sweeps of tiny networks: what runs, what is skipped, what fails, and what is left in the directory."""

import io
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.sim.run import run
from minicoin.sim.sweep import campaign as campaign_module
from minicoin.sim.sweep.campaign import SweepCampaign, sweep
from minicoin.sim.sweep.output import write_output
from minicoin.sim.sweep.plan import make_plan
from minicoin.sim.sweep.terminal import failed_jobs, print_sweep
from minicoin.sim.sweep.work import RunnerError, make_work, run_job

from .sweeps import UNCONNECTED, Here, tiny


def run_sweep(
    directory: Path, settings: list[str], seeds: str, stop_after: int | None = None
) -> tuple[SweepCampaign, Here]:
    runner = Here(stop_after)
    return sweep(make_plan(tiny(), settings, seeds), directory, runner, ScriptedVerifier), runner


def test_rows_are_the_runs(tmp_path: Path) -> None:
    campaign, _ = run_sweep(tmp_path, ["nodes=3,4"], "1..2")
    assert (campaign.total, campaign.skipped, campaign.ran, campaign.errors) == (4, 0, 4, {})
    output = write_output(campaign, tmp_path)
    table = pl.read_parquet(output.table)
    assert table["set.nodes.count"].to_list() == [3, 3, 4, 4]
    assert table["seed"].to_list() == [1, 2, 1, 2]
    assert table["nodes"].to_list() == [3, 3, 4, 4]
    expected = [run(tiny().override(f"nodes={n}"), s, ScriptedVerifier()).digest for n in (3, 4) for s in (1, 2)]
    assert table["digest"].to_list() == expected
    assert table["scenario_hash"].n_unique() == 2
    assert output.comparisons == (tmp_path / "by-nodes.count.html",)
    assert "By nodes.count" in output.comparisons[0].read_text()


def test_a_second_call_runs_what_is_missing(tmp_path: Path) -> None:
    first, _ = run_sweep(tmp_path, ["nodes=3,4"], "1..2")
    again, runner = run_sweep(tmp_path, ["nodes=3,4"], "1..2")
    assert (again.skipped, again.ran, runner.seen) == (4, 0, [])
    assert dict(again.rows) == dict(first.rows)
    more, runner = run_sweep(tmp_path, ["nodes=4,5"], "2..3")
    assert (more.total, more.skipped, more.ran) == (4, 1, 3)
    assert len(runner.seen) == 3
    assert pl.read_parquet(write_output(more, tmp_path).table)["nodes"].to_list() == [4, 4, 5, 5]


def test_after_a_break_it_goes_on(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match="pulled the plug"):
        run_sweep(tmp_path, ["nodes=3,4"], "1..2", stop_after=3)
    campaign, runner = run_sweep(tmp_path, ["nodes=3,4"], "1..2")
    assert (campaign.skipped, campaign.ran, len(runner.seen)) == (3, 1, 1)


def test_a_changed_scenario_takes_nothing_over(tmp_path: Path) -> None:
    run_sweep(tmp_path, ["nodes=3"], "1..2")
    campaign, _ = run_sweep(tmp_path, ["nodes=3", "links.loss=0.01"], "1..2")
    assert (campaign.skipped, campaign.ran) == (0, 2)


def test_changed_code_takes_nothing_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_sweep(tmp_path, ["nodes=3"], "1..2")
    monkeypatch.setattr(campaign_module, "code_version", lambda: "other")
    campaign, _ = run_sweep(tmp_path, ["nodes=3"], "1..2")
    assert (campaign.skipped, campaign.ran) == (0, 2)


def test_a_failed_job_is_a_row_and_is_tried_again(tmp_path: Path) -> None:
    settings = ["warmup.connect_s=0.001,60", "nodes=3,4"]
    campaign, _ = run_sweep(tmp_path, settings, "1")
    assert (campaign.ran, len(campaign.errors), len(campaign.rows)) == (4, 2, 2)
    failed = failed_jobs(campaign)
    assert [(point.parameters["warmup.connect_s"], seed) for point, seed, _ in failed] == [(0.001, 1), (0.001, 1)]
    assert failed[0][2].startswith("SetupFailed: ")
    output = write_output(campaign, tmp_path)
    table = pl.read_parquet(output.table)
    assert [error is None for error in table["error"]] == [False, False, True, True]
    assert table["digest"].null_count() == 2
    # The pages show the runs that there are.
    assert [page.name for page in output.comparisons] == ["by-warmup.connect_s.html", "by-nodes.count.html"]
    assert "2 runs of tiny" in output.comparisons[0].read_text()
    again, runner = run_sweep(tmp_path, settings, "1")
    assert (again.skipped, len(runner.seen), len(again.errors)) == (2, 2, 2)


def test_with_nothing_but_failures_there_is_a_table_and_no_page(tmp_path: Path) -> None:
    campaign, _ = run_sweep(tmp_path, [UNCONNECTED, "nodes=3,4"], "1")
    output = write_output(campaign, tmp_path)
    assert pl.read_parquet(output.table)["error"].null_count() == 0
    assert output.comparisons == ()


def test_a_list_is_swept_and_its_page_has_a_name(tmp_path: Path) -> None:
    campaign, _ = run_sweep(tmp_path, ["mining.hash_shares=equal,[0.5,0.5]"], "1")
    output = write_output(campaign, tmp_path)
    assert pl.read_parquet(output.table)["set.mining.hash_shares"].to_list() == ["equal", "[0.5,0.5]"]
    assert [page.name for page in output.comparisons] == ["by-mining.hash_shares.html"]


def test_a_bug_in_a_run_is_its_outcome() -> None:
    def explode() -> ScriptedVerifier:
        raise AssertionError("a bug")

    outcome = make_work(explode)(make_plan(tiny(), [], "1").jobs()[0])
    assert outcome.row is None
    assert outcome.error is not None
    assert outcome.error.startswith("AssertionError: a bug (line ")


def test_a_worker_of_other_code_runs_nothing() -> None:
    outcome = run_job(ScriptedVerifier, "0.0.0+other", make_plan(tiny(), [], "1").jobs()[0])
    assert outcome.row is None
    assert outcome.error is not None
    assert "this sweep is of 0.0.0+other" in outcome.error


def test_the_terminal_says_what_was_skipped_and_what_failed(tmp_path: Path) -> None:
    run_sweep(tmp_path, ["nodes=3"], "1..2")
    campaign, _ = run_sweep(tmp_path, ["warmup.connect_s=0.001,60"], "1..2")
    assert campaign.skipped == 0
    text = printed(campaign)
    assert "4 jobs: 4 run in" in text
    assert ", 0 skipped (finished before); 2 failed" in text
    assert "0 of 2" in text
    campaign, _ = run_sweep(tmp_path, ["nodes=3"], "1..2")
    assert "2 jobs: 0 run in 0.0 s, 2 skipped (finished before)" in printed(campaign)


def printed(campaign: SweepCampaign) -> str:
    console = Console(width=160, file=io.StringIO(), record=True)
    print_sweep(campaign, console)
    return console.export_text()
