"""`minicoin sim`: the laboratory. Only the words stand here; what they do is loaded when one is used."""

from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from minicoin.app.loading import load
from minicoin.app.show import EXIT_FAILED, error_line

# A scenario is read and checked without them.
_TO_RUN = ("numpy", "polars", "plotly")

SEED_MAX = (1 << 63) - 1
"""Seeds are written into tables of 64-bit numbers with a sign, as those of a scenario are."""

SeedOption = Annotated[
    int | None, typer.Option(min=0, max=SEED_MAX, help="Otherwise the first of the scenario's seeds.")
]
FileArgument = Annotated[Path, typer.Argument(help="A scenario file, or one of `minicoin sim list` by its name.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Change a key, as nodes.count=100 or nodes=100; repeatable.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
QuietOption = Annotated[bool, typer.Option("--no-progress", help="No progress display.")]


def _load(name: str, needed: tuple[str, ...] = _TO_RUN) -> ModuleType:
    missing = [package for package in needed if find_spec(package) is None]
    if missing:
        packages = " ".join(missing)
        typer.echo(
            error_line(f"the laboratory needs {', '.join(missing)}; install with: pip install {packages}"), err=True
        )
        raise typer.Exit(EXIT_FAILED)
    return load(f"sim.{name}")


def run(
    file: FileArgument,
    seed: SeedOption = None,
    settings: SetOption = None,
    is_json: JsonOption = False,
    out: Annotated[Path | None, typer.Option(help="Directory for result.json, report.html and Parquet files.")] = None,
    no_progress: QuietOption = False,
    check_determinism: Annotated[
        bool, typer.Option("--check-determinism", help="Run twice in processes of their own and compare every event.")
    ] = False,
    events: Annotated[bool, typer.Option("--events", help="Print every event, one line each, instead.")] = False,
) -> None:
    """Run a scenario.

    Ctrl-C ends it early and shows what was measured until then, marked partial. Exit code 0: done; 1: not possible;
    3: a checker found something; 4: two runs differed; 130: interrupted.
    """
    source = _load("source", ()).open_source(file, tuple(settings or ()), is_json=is_json)
    if check_determinism:
        _load("determinism").check_determinism(source, seed, is_json=is_json)
    elif events:
        _load("run").print_events(source, seed)
    else:
        _load("run").run_file(source, seed, out, is_json=is_json, shows_progress=not no_progress)


def list_scenarios(
    directory: Annotated[
        Path | None, typer.Argument(help="Where scenario files are; those of the program by default.")
    ] = None,
    is_json: JsonOption = False,
) -> None:
    """The scenarios there are and what each asks."""
    _load("source", ()).list_files(directory, is_json=is_json)


def fuzz(
    seeds: Annotated[str, typer.Option(help="A number, or ranges as 1..200,777.")] = "1..200",
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop after so long, whatever seeds are left.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes.")] = 2,
    out: Annotated[Path, typer.Option(help="Where scenarios that fail are written.")] = Path("fuzz-failures"),
    overlay: Annotated[
        str, typer.Option(metavar="NAME", help="A network model for all of them, its settings and roles drawn.")
    ] = "",
    shrink: Annotated[bool, typer.Option(help="Make what fails small: fewer nodes and faults, shorter.")] = True,
    is_json: JsonOption = False,
    no_progress: QuietOption = False,
) -> None:
    """Run random scenarios with random faults.

    Exit code 0: all clean; 3: some failed, each with its replay line.
    """
    module = _load("fuzz")
    module.run_fuzz(seeds, minutes, jobs, out, overlay, shrinks=shrink, is_json=is_json, shows_progress=not no_progress)


def compare(
    file: FileArgument,
    overlay: Annotated[
        str, typer.Option(metavar="NAME,NAME", help="Network models, as in network files: random,gossip and so on.")
    ],
    settings: SetOption = None,
    seeds: Annotated[str | None, typer.Option(help="As 1..5; otherwise those of the scenario.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, max=256, help="Processes; otherwise one a processor.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory of the page and the journal; otherwise compare-NAME.")
    ] = None,
    is_json: JsonOption = False,
    no_progress: QuietOption = False,
) -> None:
    """Run a scenario under several network models and compare.

    What a model needs besides, the scenario says under [compare]. Called again, it runs only what is missing. Exit code
    0: all done; 1: a run failed, or not possible; 3: a checker found something.
    """
    source = _load("source", ()).open_source(file, (), is_json=is_json)
    module = _load("compare", (*_TO_RUN, "joblib"))
    module.run_compare(
        source, overlay, tuple(settings or ()), seeds, jobs, out, is_json=is_json, shows_progress=not no_progress
    )


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
    """Run a scenario at many settings and seeds.

    Called again, it runs only what is missing. Exit code 0: all done; 1: a job failed, or not possible; 3: a checker
    found something.
    """
    source = _load("source", ()).open_source(file, (), is_json=is_json)
    plan = _load("plan", ()).plan_sweep(source, tuple(settings or ()), seeds, is_json=is_json)
    module = _load("sweep", (*_TO_RUN, "joblib"))
    module.run_sweep(source, plan, jobs, cluster, out, is_json=is_json, shows_progress=not no_progress)
