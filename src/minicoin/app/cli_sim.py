"""`minicoin sim`: the laboratory. Only the words stand here; what they do is loaded when one is used."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from minicoin.app import cli_sim_replay

app = typer.Typer(no_args_is_help=True, help="The laboratory: the same node code in virtual time.")
app.command("replay")(cli_sim_replay.replay)

_NEEDED = ("numpy", "polars", "plotly")

FileArgument = Annotated[Path, typer.Argument(help="A scenario file; docs/scenarios.md says what it may hold.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Change a key, as nodes.count=100 or nodes=100; repeatable.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
QuietOption = Annotated[bool, typer.Option("--no-progress", help="No progress display.")]


def _load(name: str, *also_needed: str) -> ModuleType:
    missing = [package for package in (*_NEEDED, *also_needed) if find_spec(package) is None]
    if missing:
        typer.echo(f"error: the laboratory needs {', '.join(missing)}: pip install 'minicoin[sim]'", err=True)
        raise typer.Exit(1)
    return import_module(f"minicoin.app.sim.{name}")


@app.command("run")
def run(
    file: FileArgument,
    seed: Annotated[int | None, typer.Option(min=0, help="Otherwise the first of the scenario's seeds.")] = None,
    settings: SetOption = None,
    is_json: JsonOption = False,
    out: Annotated[Path | None, typer.Option(help="Directory for result.json, report.html and Parquet files.")] = None,
    no_progress: QuietOption = False,
    check_determinism: Annotated[
        bool, typer.Option("--check-determinism", help="Run twice in processes of their own and compare every event.")
    ] = False,
    events: Annotated[bool, typer.Option("--events", help="Print every event, one line each, instead.")] = False,
) -> None:
    """Run a scenario. Exit code 0: done; 1: not possible; 3: a checker found something; 4: two runs differed."""
    module = _load("run")
    chosen = tuple(settings or ())
    if check_determinism:
        _load("determinism").check_determinism(file, seed, chosen, is_json=is_json)
    elif events:
        module.print_events(file, seed, chosen)
    else:
        module.run_file(file, seed, chosen, out, is_json=is_json, shows_progress=not no_progress)


@app.command("list")
def list_scenarios(
    directory: Annotated[Path, typer.Argument(help="Where the scenario files are.")] = Path("scenarios"),
    is_json: JsonOption = False,
) -> None:
    """The scenarios of a directory and what each asks."""
    _load("run").list_files(directory, is_json=is_json)


@app.command("fuzz")
def fuzz(
    seeds: Annotated[str, typer.Option(help="A number, or ranges as 1..200,777.")] = "1..200",
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop after so long, whatever seeds are left.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes.")] = 2,
    out: Annotated[Path, typer.Option(help="Where scenarios that fail are written.")] = Path("fuzz-failures"),
    shrink: Annotated[bool, typer.Option(help="Make what fails small: fewer nodes and faults, shorter.")] = True,
    is_json: JsonOption = False,
    no_progress: QuietOption = False,
) -> None:
    """Run random scenarios with random faults. Exit code 0: all clean; 3: some failed, each with its replay line."""
    module = _load("fuzz")
    module.run_fuzz(seeds, minutes, jobs, out, shrinks=shrink, is_json=is_json, shows_progress=not no_progress)


@app.command("sweep")
def sweep(
    file: FileArgument,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A key and its values, as nodes=100,1000; repeatable: all combinations are run."),
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="As 1..20 or 1..5,9; otherwise those of the scenario.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, max=256, help="Processes; otherwise one a processor.")] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on a Dask cluster: its scheduler as tcp://HOST:PORT.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory of journal, table and plots; otherwise sweep-NAME.")
    ] = None,
    is_json: JsonOption = False,
    no_progress: QuietOption = False,
) -> None:
    """Run a scenario at many settings and seeds. Called again, it runs only what is missing. Exit code 0: all done;
    1: a job failed, or not possible; 3: a checker found something."""
    module = _load("sweep", "joblib")
    chosen = tuple(settings or ())
    module.run_sweep(file, chosen, seeds, jobs, cluster, out, is_json=is_json, shows_progress=not no_progress)
