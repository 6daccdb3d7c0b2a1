"""`minicoin sim compare`: one scenario under several network models, as one table and one page."""

from dataclasses import replace
from pathlib import Path

import joblib
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from minicoin.app.show import EXIT_FAILED, counted
from minicoin.app.sim.run import EXIT_VIOLATED
from minicoin.app.sim.source import ScenarioSource, fail
from minicoin.app.sim.sweep import EXIT_INTERRUPTED
from minicoin.core.faults import MisuseError
from minicoin.drivers.kernel import KernelVerifier
from minicoin.rpc.json_text import encode_json
from minicoin.sim.result.models import ModelColumn, models_html, models_json
from minicoin.sim.result.models_terminal import print_models
from minicoin.sim.sweep.campaign import SweepCampaign, sweep
from minicoin.sim.sweep.local import LocalRunner
from minicoin.sim.sweep.models import make_model_plan, read_overlays
from minicoin.sim.sweep.plan import JobId, Plan
from minicoin.sim.sweep.work import RunnerError

PAGE_NAME = "models.html"


def run_compare(
    source: ScenarioSource,
    overlays: str,
    settings: tuple[str, ...],
    seeds: str | None,
    jobs: int | None,
    out: Path | None,
    *,
    is_json: bool,
    shows_progress: bool,
) -> None:
    """Run what is missing, show the table, write the page, and end with the exit code."""
    try:
        plan = make_model_plan(source.scenario, read_overlays(overlays), settings, seeds)
    except MisuseError as error:
        fail(str(error), is_json=is_json)
    directory = out or Path(f"compare-{plan.name}")
    campaign = _run(plan, directory, jobs or joblib.cpu_count(), is_json=is_json, shows_progress=shows_progress)
    columns = _columns(campaign)
    replays = [replace(source, settings=point.settings).replay_line(plan.seeds[0]) for point in plan.points]
    scenario = source.scenario
    page = directory / PAGE_NAME
    page.write_text(models_html(scenario.name, scenario.question, columns, len(plan.seeds), replays), encoding="utf-8")
    errors = list(dict.fromkeys(campaign.errors.values()))
    if is_json:
        typer.echo(
            encode_json(
                {
                    "scenario": scenario.name,
                    "seeds": list(plan.seeds),
                    "models": models_json(columns),
                    "errors": errors,
                    "page": str(page),
                    "replays": replays,
                }
            )
        )
    else:
        console = Console()
        print_models(scenario.name, scenario.question, columns, len(plan.seeds), console)
        for why in errors:
            console.print(f"failed: {why}", markup=False, highlight=False)
        console.print(f"written to {page}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(EXIT_FAILED if errors else EXIT_VIOLATED if campaign.violated else 0)


def _columns(campaign: SweepCampaign) -> list[ModelColumn]:
    plan = campaign.plan
    columns = []
    for point in plan.points:
        jobs = [JobId(point.scenario_hash, seed) for seed in plan.seeds]
        runs = [campaign.rows[job] for job in jobs if job in campaign.rows]
        name = str(next(iter(point.parameters.values())))
        columns.append(ModelColumn(name, runs, sum(job in campaign.errors for job in jobs)))
    return columns


def _run(plan: Plan, directory: Path, jobs: int, *, is_json: bool, shows_progress: bool) -> SweepCampaign:
    console = Console(stderr=True)
    columns = (TextColumn("compare"), BarColumn(), MofNCompleteColumn(), TextColumn("runs"), TimeElapsedColumn())
    done = 0
    try:
        with Progress(*columns, console=console, disable=not (shows_progress and console.is_terminal)) as progress:
            task = progress.add_task("compare", total=None)

            def on_progress(campaign: SweepCampaign) -> None:
                nonlocal done
                done = campaign.done
                progress.update(task, total=campaign.total, completed=campaign.done)

            return sweep(plan, directory, LocalRunner(jobs), KernelVerifier, on_progress)
    except (RunnerError, MisuseError) as error:
        fail(str(error), is_json=is_json)
    except OSError as error:
        fail(f"cannot write to {directory}: {error.strerror}", is_json=is_json)
    except KeyboardInterrupt:
        kept = f"{counted(done, 'finished run')} kept in {directory}"
        fail(f"interrupted; {kept}, and the same command goes on from there", is_json=is_json, code=EXIT_INTERRUPTED)
