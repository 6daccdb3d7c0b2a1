"""`minicoin sim fuzz`: random scenarios with random faults; failures as small files with the line that replays each."""

from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from minicoin.app.show import counted
from minicoin.app.sim.run import EXIT_VIOLATED
from minicoin.app.sim.source import fail
from minicoin.core.overlay.forms import FORMS
from minicoin.drivers.kernel import KernelVerifier
from minicoin.rpc.json_text import Json, encode_json
from minicoin.sim.fuzz.campaign import FuzzCampaign, failure_file, fuzz, replay_line, shrink_seed
from minicoin.sim.fuzz.drawing import draw_scenario
from minicoin.sim.fuzz.trial import TrialOutcome
from minicoin.sim.scenario.seeds import parse_seeds

EXIT_INTERRUPTED = 130
_SHRINK_TRIES = 200


def run_fuzz(
    seeds: str,
    minutes: float | None,
    jobs: int,
    out: Path,
    overlay: str,
    *,
    shrinks: bool,
    is_json: bool,
    shows_progress: bool,
) -> None:
    """Run the seeds; write what fails into `out`."""
    if overlay and overlay not in FORMS:
        fail(f"--overlay {overlay}: no such network model; there are {', '.join(FORMS)}", is_json=is_json)
    try:
        chosen = parse_seeds(seeds)
    except ValueError as error:
        fail(f"--seeds: {error}", is_json=is_json)
    assert isinstance(chosen, tuple)
    columns = (TextColumn("fuzz"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failed]} failed"))
    console = Console(stderr=True)
    campaign = FuzzCampaign()
    was_interrupted = False
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not shows_progress or is_json) as progress:
        task = progress.add_task("fuzz", total=len(chosen), failed=0)

        def on_outcome(outcome: TrialOutcome, so_far: FuzzCampaign) -> None:
            nonlocal campaign
            campaign = so_far
            progress.update(task, completed=so_far.seeds, failed=len(so_far.failures))

        try:
            campaign = fuzz(chosen, KernelVerifier, jobs=jobs, minutes=minutes, overlay=overlay, on_outcome=on_outcome)
        except KeyboardInterrupt:
            was_interrupted = True
    # Making a failure small takes longest; who interrupts does not want to wait for it.
    is_shrunk = shrinks and not was_interrupted
    files = [_write_failure(outcome, out, overlay, shrinks=is_shrunk) for outcome in campaign.failures]
    if is_json:
        typer.echo(encode_json(_to_json(campaign, files)))
    else:
        _print(campaign, files)
    if was_interrupted:
        message = f"interrupted; {campaign.seeds} of {len(chosen)} seeds were run, and what failed is in {out}"
        fail(message, is_json=False, code=EXIT_INTERRUPTED)
    raise typer.Exit(EXIT_VIOLATED if campaign.failures else 0)


def _write_failure(outcome: TrialOutcome, out: Path, overlay: str, *, shrinks: bool) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"fuzz-{outcome.seed}.toml"
    scenario = draw_scenario(outcome.seed, overlay=overlay)
    path.write_text(failure_file(scenario, outcome, str(path)), encoding="utf-8")
    if not shrinks:
        return path
    small, found = shrink_seed(outcome.seed, KernelVerifier(), _SHRINK_TRIES, overlay)
    if not found.failed:
        return path
    small_path = out / f"fuzz-{outcome.seed}-small.toml"
    small_path.write_text(failure_file(small, found, str(small_path)), encoding="utf-8")
    return small_path


def _to_json(campaign: FuzzCampaign, files: list[Path]) -> Json:
    failures: list[Json] = [
        {
            "seed": outcome.seed,
            "file": str(file),
            "replay": replay_line(str(file), outcome.seed),
            "violations": [f"{violation.checker}: {violation.text}" for violation in outcome.violations],
        }
        for outcome, file in zip(campaign.failures, files, strict=True)
    ]
    return {
        "seeds": campaign.seeds,
        "events": campaign.events,
        "wall_s": round(campaign.wall_s, 3),
        "coverage": dict(campaign.coverage),
        "never_fired": list(campaign.never_fired),
        "failures": failures,
    }


def _print(campaign: FuzzCampaign, files: list[Path]) -> None:
    console = Console()
    table = Table("fault", "seeds in which it fired")
    for kind, seeds in campaign.coverage.items():
        table.add_row(kind, str(seeds) if seeds else "[bold red]none[/]")
    console.print(table)
    console.print(f"{counted(campaign.seeds, 'seed')}, {counted(campaign.events, 'event')} in {campaign.wall_s:.0f} s")
    for outcome, file in zip(campaign.failures, files, strict=True):
        first = outcome.violations[0]
        console.print(f"seed {outcome.seed} failed: {first.checker}: {first.text}", markup=False)
        console.print(f"  {replay_line(str(file), outcome.seed)}", markup=False, soft_wrap=True)
    if not campaign.failures:
        console.print("no failures")
