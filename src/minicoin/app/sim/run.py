"""`minicoin sim run`: a scenario to a result on the terminal, as JSON, or in a directory."""

import contextlib
import sys
from pathlib import Path

import typer
from rich.console import Console

from minicoin.app.sim.interrupting import interruptible
from minicoin.app.sim.source import ScenarioSource, fail
from minicoin.core.faults import MisuseError
from minicoin.core.units import SECOND_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.sim.engine.phases import SET_UP, Interrupted, Progress, SetupFailed
from minicoin.sim.measure.record import RunRecord
from minicoin.sim.result.json import json_text, to_json, write_json
from minicoin.sim.result.parquet import write_parquet
from minicoin.sim.result.progress import RunProgress
from minicoin.sim.result.report import write_report
from minicoin.sim.result.terminal import print_summary
from minicoin.sim.run import run
from minicoin.sim.scenario.schema import Scenario

EXIT_VIOLATED = 3


def run_file(
    source: ScenarioSource, seed: int | None, out: Path | None, *, is_json: bool, shows_progress: bool
) -> None:
    """Run once and show what came out."""
    scenario = source.scenario
    chosen = scenario.seeds[0] if seed is None else seed
    with interruptible() as interrupt:
        if out is not None:
            _make_directory(out, is_json=is_json)
        with RunProgress(scenario.name, _planned_us(scenario), is_wanted=shows_progress) as progress:

            def report(at: Progress) -> None:
                interrupt.check()
                if at.phase == SET_UP:
                    progress.set_up(at.share, at.events)
                else:
                    progress.update(at.virtual_us, at.events, at.blocks)

            try:
                record = run(scenario, chosen, KernelVerifier(), report)
            except Interrupted as interrupted:
                message = f"{interrupted} before anything was measured: nothing is kept"
                fail(message, is_json=is_json, code=interrupt.exit_code)
            except (SetupFailed, MisuseError) as error:
                fail(str(error), is_json=is_json)
    record.replay = source.replay_line(chosen)
    if out is not None:
        _write(record, out)
    # Whoever closed the terminal has what was written; there is nobody to tell.
    with contextlib.suppress(*((OSError,) if record.interrupted else ())):
        _tell(record, out, is_json=is_json)
    if record.interrupted:
        raise typer.Exit(interrupt.exit_code)
    raise typer.Exit(EXIT_VIOLATED if record.violations else 0)


def _tell(record: RunRecord, out: Path | None, *, is_json: bool) -> None:
    if is_json:
        typer.echo(json_text(to_json(record)))
        return
    print_summary(record, Console())
    if out is not None:
        typer.echo(f"written to {out}: result.json, report.html, Parquet tables")


def _planned_us(scenario: Scenario) -> int:
    """About how long the run will last in virtual time."""
    mining = scenario.mining
    planned_s = [
        *([mining.start_s + mining.blocks * scenario.network.spacing_s] if mining.blocks is not None else []),
        *([mining.duration_s] if mining.duration_s is not None else []),
        *([max(planned.time_s for planned in mining.at)] if mining.at else []),
    ]
    return round((min(planned_s, default=0.0) + mining.settle_s) * SECOND_US)


def _make_directory(out: Path, *, is_json: bool) -> None:
    """Before the run, which may be a long one."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"{out} cannot be written to: {error.strerror}", is_json=is_json)


def _write(record: RunRecord, out: Path) -> None:
    write_json(record, out / "result.json")
    write_parquet(record, out / "tables")
    write_report(record, out / "report.html")


def print_events(source: ScenarioSource, seed: int | None) -> None:
    """Every event as a line: time in microseconds, node, what happened; the digest last."""
    scenario = source.scenario
    chosen = scenario.seeds[0] if seed is None else seed
    write = sys.stdout.write

    def listen(time_us: int, host: int, what: str) -> None:
        write(f"{time_us} {host} {what}\n")

    try:
        record = run(scenario, chosen, KernelVerifier(), listener=listen)
    except (SetupFailed, MisuseError) as error:
        fail(str(error), is_json=False)
    write(f"digest {record.digest}\n")
