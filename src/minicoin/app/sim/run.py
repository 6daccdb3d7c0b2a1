"""`minicoin sim run` and `list`: a scenario file to a result on the terminal, as JSON, or in a directory."""

import shlex
import sys
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console
from rich.table import Column, Table

from minicoin.core.faults import MisuseError
from minicoin.core.units import SECOND_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.rpc.json_text import Json, encode_json
from minicoin.sim.engine.simulation import Progress, SetupFailed
from minicoin.sim.measure.record import RunRecord
from minicoin.sim.result.json import json_text, to_json, write_json
from minicoin.sim.result.parquet import write_parquet
from minicoin.sim.result.progress import RunProgress
from minicoin.sim.result.report import write_report
from minicoin.sim.result.terminal import print_summary
from minicoin.sim.run import run
from minicoin.sim.scenario.problems import ScenarioError
from minicoin.sim.scenario.schema import Scenario

EXIT_FAILED = 1
EXIT_VIOLATED = 3


def fail(message: str, *, is_json: bool, code: int = EXIT_FAILED) -> NoReturn:
    """End with one line on stderr, or the JSON document of an error."""
    if is_json:
        typer.echo(encode_json({"error": {"code": None, "message": message}}))
    else:
        typer.echo(f"error: {message}", err=True)
    raise typer.Exit(code)


def load(file: Path, settings: tuple[str, ...], *, is_json: bool) -> Scenario:
    """The scenario, or the end of the program with the reason."""
    try:
        scenario = Scenario.load(file)
        return scenario.with_settings(settings) if settings else scenario
    except ScenarioError as error:
        fail(str(error), is_json=is_json)


def replay_line(file: Path, seed: int, settings: tuple[str, ...]) -> str:
    """The one line that runs it again."""
    words = ["minicoin", "sim", "run", str(file), "--seed", str(seed)]
    for setting in settings:
        words += ["--set", setting]
    return shlex.join(words)


def run_file(
    file: Path, seed: int | None, settings: tuple[str, ...], out: Path | None, *, is_json: bool, shows_progress: bool
) -> None:
    """Run once and show what came out."""
    scenario = load(file, settings, is_json=is_json)
    chosen = scenario.seeds[0] if seed is None else seed
    if out is not None:
        _make_directory(out, is_json=is_json)
    with RunProgress(scenario.name, _planned_us(scenario), is_wanted=shows_progress) as progress:

        def report(at: Progress) -> None:
            progress.update(at.virtual_us, at.events, at.blocks)

        try:
            record = run(scenario, chosen, KernelVerifier(), report)
        except (SetupFailed, MisuseError) as error:
            fail(str(error), is_json=is_json)
    record.replay = replay_line(file, chosen, settings)
    if out is not None:
        _write(record, out)
    if is_json:
        typer.echo(json_text(to_json(record)))
    else:
        print_summary(record, Console())
        if out is not None:
            typer.echo(f"written to {out}: result.json, report.html, Parquet tables")
    raise typer.Exit(EXIT_VIOLATED if record.violations else 0)


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


def print_events(file: Path, seed: int | None, settings: tuple[str, ...]) -> None:
    """Every event as a line: time in microseconds, node, what happened; the digest last."""
    scenario = load(file, settings, is_json=False)
    chosen = scenario.seeds[0] if seed is None else seed
    write = sys.stdout.write

    def listen(time_us: int, host: int, what: str) -> None:
        write(f"{time_us} {host} {what}\n")

    try:
        record = run(scenario, chosen, KernelVerifier(), listener=listen)
    except (SetupFailed, MisuseError) as error:
        fail(str(error), is_json=False)
    write(f"digest {record.digest}\n")


def list_files(directory: Path, *, is_json: bool) -> None:
    """Name and question of every scenario of a directory."""
    files = sorted(directory.glob("*.toml"))
    if not files:
        fail(f"{directory} holds no scenario files (*.toml)", is_json=is_json)
    scenarios = [(file, load(file, (), is_json=is_json)) for file in files]
    if is_json:
        found: Json = [
            {
                "file": str(file),
                "name": one.name,
                "engine": one.engine,
                "nodes": one.nodes.count,
                "question": one.question,
            }
            for file, one in scenarios
        ]
        typer.echo(encode_json(found))
        return
    table = Table(Column("scenario", overflow="fold"), "nodes", "question")
    for file, one in scenarios:
        table.add_row(str(file), f"{one.nodes.count:,}", one.question)
    Console().print(table)
