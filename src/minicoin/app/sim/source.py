"""Scenario files as commands take them: loaded and checked, before anything that runs one is loaded; and listed."""

import shlex
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NoReturn

import typer

import minicoin
from minicoin.app.show import EXIT_FAILED, Table, error_line, terminal_width
from minicoin.rpc.json_text import Json, encode_json
from minicoin.sim.scenario.problems import ScenarioError
from minicoin.sim.scenario.schema import Scenario

_FOLDER: Final = "scenarios"
_SUFFIX: Final = ".toml"


@dataclass(frozen=True, slots=True)
class ScenarioSource:
    """A scenario, and where it came from."""

    file: Path
    settings: tuple[str, ...]
    scenario: Scenario

    def replay_line(self, seed: int) -> str:
        """The one line that runs it again."""
        words = ["minicoin", "sim", "run", str(self.file), "--seed", str(seed)]
        for setting in self.settings:
            words += ["--set", setting]
        return shlex.join(words)


def fail(message: str, *, is_json: bool, code: int = EXIT_FAILED) -> NoReturn:
    """End with one line on stderr, or the JSON document of an error."""
    if is_json:
        typer.echo(encode_json({"error": {"code": None, "message": message}}))
    else:
        typer.echo(error_line(message), err=True)
    raise typer.Exit(code)


def shipped_directory() -> Path:
    """The scenarios that come with the program: in the package where it is installed, else in its repository."""
    package = Path(minicoin.__file__).parent
    installed = package / _FOLDER
    return installed if installed.is_dir() else package.parents[1] / _FOLDER


def find_file(given: Path, *, is_json: bool) -> Path:
    """A file, or a shipped scenario by its name; or the end of the program with the nearest name."""
    if given.exists() or given.suffix == _SUFFIX or len(given.parts) != 1:
        return given
    names = sorted(file.stem for file in shipped_directory().glob(f"*{_SUFFIX}"))
    if str(given) in names:
        return shipped_directory() / f"{given}{_SUFFIX}"
    nearest = get_close_matches(str(given), names, 1)
    hint = f"did you mean {nearest[0]}?" if nearest else "minicoin sim list names those there are"
    fail(f"no scenario is called {str(given)!r}; {hint}", is_json=is_json)


def open_source(file: Path, settings: tuple[str, ...], *, is_json: bool) -> ScenarioSource:
    """The scenario, or the end of the program with the reason."""
    try:
        scenario = Scenario.load(find_file(file, is_json=is_json))
        return ScenarioSource(file, settings, scenario.with_settings(settings) if settings else scenario)
    except ScenarioError as error:
        fail(str(error), is_json=is_json)


def list_files(directory: Path | None, *, is_json: bool) -> None:
    """Name and question of every scenario of a directory; of the shipped ones without one."""
    files = sorted((directory or shipped_directory()).glob(f"*{_SUFFIX}"))
    if not files:
        fail(f"{directory} holds no scenario files (*.toml)", is_json=is_json)
    names = [file.stem if directory is None else str(file) for file in files]
    scenarios = [open_source(file, (), is_json=is_json).scenario for file in files]
    if is_json:
        found: Json = [
            {
                "file": str(file),
                "name": one.name,
                "engine": one.engine,
                "nodes": one.nodes.count,
                "question": one.question,
            }
            for file, one in zip(files, scenarios, strict=True)
        ]
        typer.echo(encode_json(found))
        return
    table = Table("scenario", ">nodes", "question")
    for name, one in zip(names, scenarios, strict=True):
        table.add(name, f"{one.nodes.count:,}", one.question)
    typer.echo("\n".join(table.lines(terminal_width())))
