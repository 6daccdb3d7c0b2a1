"""`minicoin sim sweep`: one scenario at many settings and seeds, on this machine or on a Dask cluster."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import joblib
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from minicoin.app.show import EXIT_FAILED, counted
from minicoin.app.sim.run import EXIT_VIOLATED
from minicoin.app.sim.source import ScenarioSource, fail
from minicoin.core.faults import MisuseError
from minicoin.drivers.kernel import KernelVerifier
from minicoin.rpc.json_text import Json, encode_json
from minicoin.sim.sweep.campaign import SweepCampaign, sweep
from minicoin.sim.sweep.local import LocalRunner
from minicoin.sim.sweep.output import Output, write_output
from minicoin.sim.sweep.plan import JobId, Plan, Point
from minicoin.sim.sweep.terminal import failed_jobs, print_sweep
from minicoin.sim.sweep.work import JobRunner, RunnerError

EXIT_INTERRUPTED = 130
_FAILURES_SHOWN = 10


def run_sweep(
    source: ScenarioSource,
    plan: Plan,
    jobs: int | None,
    cluster: str | None,
    out: Path | None,
    *,
    is_json: bool,
    shows_progress: bool,
) -> None:
    """Run what is missing, write the table and the plots, and end with the exit code."""
    runner = _runner(jobs, cluster, is_json=is_json)
    directory = out or Path(f"sweep-{plan.name}")
    campaign = _run(plan, directory, runner, is_json=is_json, shows_progress=shows_progress)
    output = write_output(campaign, directory)
    if is_json:
        typer.echo(encode_json(_to_json(campaign, output, source)))
    else:
        _print(campaign, output, source)
    raise typer.Exit(EXIT_FAILED if campaign.errors else EXIT_VIOLATED if campaign.violated else 0)


def _runner(jobs: int | None, cluster: str | None, *, is_json: bool) -> JobRunner:
    if cluster is None:
        return LocalRunner(jobs or joblib.cpu_count())
    if jobs is not None:
        fail("--jobs is for this machine; on a cluster its workers say how many jobs run at a time", is_json=is_json)
    try:
        # Only here, since Dask takes a second to load.
        module = import_module("minicoin.sim.sweep.cluster")
    except ModuleNotFoundError as error:
        fail(f"a cluster needs {error.name}: pip install dask distributed", is_json=is_json)
    runner: JobRunner = module.ClusterRunner(cluster)
    return runner


def _run(plan: Plan, directory: Path, runner: JobRunner, *, is_json: bool, shows_progress: bool) -> SweepCampaign:
    console = Console(stderr=True)
    columns = (TextColumn("sweep"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[text]}"))
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    is_shown = shows_progress and console.is_terminal
    done = 0
    try:
        with Progress(*columns, *times, console=console, disable=not is_shown) as progress:
            task = progress.add_task("sweep", total=None, text="")

            def on_progress(campaign: SweepCampaign) -> None:
                nonlocal done
                done = campaign.done
                text = f"{campaign.skipped} skipped, {len(campaign.errors)} failed"
                progress.update(task, total=campaign.total, completed=campaign.done, text=text)

            return sweep(plan, directory, runner, KernelVerifier, on_progress)
    except (RunnerError, MisuseError) as error:
        fail(str(error), is_json=is_json)
    except OSError as error:
        fail(f"cannot write to {directory}: {error.strerror}", is_json=is_json)
    except KeyboardInterrupt:
        kept = f"{counted(done, 'finished job')} kept in {directory}"
        message = f"interrupted; {kept}, and the same command goes on from there"
        fail(message, is_json=is_json, code=EXIT_INTERRUPTED)


def _replay_line(source: ScenarioSource, point: Point, seed: int) -> str:
    return replace(source, settings=point.settings).replay_line(seed)


def _to_json(campaign: SweepCampaign, output: Output, source: ScenarioSource) -> Json:
    plan = campaign.plan
    rows: list[Json] = []
    for point in plan.points:
        for seed in plan.seeds:
            job = JobId(point.scenario_hash, seed)
            row = campaign.rows.get(job)
            rows.append(
                {
                    "set": dict(point.parameters),
                    "seed": seed,
                    "scenario_hash": point.scenario_hash,
                    "digest": row["digest"] if row is not None else None,
                    "error": campaign.errors.get(job),
                    "replay": _replay_line(source, point, seed),
                }
            )
    return {
        "scenario": plan.name,
        "jobs": campaign.total,
        "skipped": campaign.skipped,
        "ran": campaign.ran,
        "failed": len(campaign.errors),
        "violated": campaign.violated,
        "wall_s": round(campaign.wall_s, 3),
        "table": str(output.table),
        "comparisons": [str(page) for page in output.comparisons],
        "rows": rows,
    }


def _print(campaign: SweepCampaign, output: Output, source: ScenarioSource) -> None:
    console = Console()
    print_sweep(campaign, console)
    failed = failed_jobs(campaign)
    for point, seed, error in failed[:_FAILURES_SHOWN]:
        console.print(f"failed: {error}", markup=False, highlight=False)
        console.print(
            f"  {_replay_line(source, point, seed)}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if len(failed) > _FAILURES_SHOWN:
        console.print(f"... and {len(failed) - _FAILURES_SHOWN} more failed; the table has their errors")
    console.print(f"written to {output.table}", markup=False, highlight=False, soft_wrap=True)
    for page in output.comparisons:
        console.print(f"  plots: {page}", markup=False, highlight=False, soft_wrap=True)
