"""Scenario files as commands take them: loaded and checked, before anything that runs one is loaded; and listed."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import typer

from minicoin.app.show import EXIT_FAILED, Table, error_line, terminal_width
from minicoin.rpc.json_text import Json, encode_json
from minicoin.sim.scenario.problems import ScenarioError
from minicoin.sim.scenario.schema import Scenario


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


def open_source(file: Path, settings: tuple[str, ...], *, is_json: bool) -> ScenarioSource:
    """The scenario, or the end of the program with the reason."""
    try:
        scenario = Scenario.load(file)
        return ScenarioSource(file, settings, scenario.with_settings(settings) if settings else scenario)
    except ScenarioError as error:
        fail(str(error), is_json=is_json)


def list_files(directory: Path, *, is_json: bool) -> None:
    """Name and question of every scenario of a directory."""
    files = sorted(directory.glob("*.toml"))
    if not files:
        fail(f"{directory} holds no scenario files (*.toml)", is_json=is_json)
    scenarios = [(file, open_source(file, (), is_json=is_json).scenario) for file in files]
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
    table = Table("scenario", ">nodes", "question")
    for file, one in scenarios:
        table.add(str(file), f"{one.nodes.count:,}", one.question)
    typer.echo("\n".join(table.lines(terminal_width())))
