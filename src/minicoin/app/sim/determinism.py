"""`--check-determinism`: one scenario in two processes with different hash seeds, compared event by event."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import IO

import typer

from minicoin.app.sim.source import ScenarioSource, fail
from minicoin.rpc.json_text import encode_json
from minicoin.sim.result.comparison import Comparison, compare

EXIT_DIFFERED = 4
_HASH_SEEDS = ("0", "123")


def check_determinism(source: ScenarioSource, seed: int | None, *, is_json: bool) -> None:
    """Exit code 0 where every event is equal, 4 with the first that is not."""
    chosen = source.scenario.seeds[0] if seed is None else seed
    arguments = ["sim", "run", str(source.file), "--seed", str(chosen), "--events"]
    for setting in source.settings:
        arguments += ["--set", setting]
    runs = [_start(arguments, hash_seed) for hash_seed in _HASH_SEEDS]
    streams = [_stdout(run) for run in runs]
    outcome = compare(streams[0], streams[1])
    for run in runs if not outcome.is_equal else ():
        run.kill()
    codes = [run.wait() for run in runs]
    if outcome.is_equal and not outcome.digest:
        fail(f"both runs ended early, with exit codes {codes[0]} and {codes[1]}", is_json=is_json)
    _tell(outcome, source.replay_line(chosen), is_json=is_json)
    raise typer.Exit(0 if outcome.is_equal else EXIT_DIFFERED)


def _start(arguments: Sequence[str], hash_seed: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "minicoin.app", *arguments],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1 << 20,
    )


def _stdout(run: subprocess.Popen[str]) -> IO[str]:
    assert run.stdout is not None
    return run.stdout


def _tell(outcome: Comparison, replay: str, *, is_json: bool) -> None:
    if is_json:
        first, second = outcome.first, outcome.second
        typer.echo(
            encode_json(
                {
                    "is_deterministic": outcome.is_equal,
                    "events": outcome.events,
                    "digest": outcome.digest,
                    "first_difference": None if outcome.is_equal else {"one": first, "other": second},
                    "replay": replay,
                }
            )
        )
    elif outcome.is_equal:
        typer.echo(f"deterministic: {outcome.events} events, equal in two processes; digest {outcome.digest}")
    else:
        typer.echo(f"not deterministic: event {outcome.events + 1} differs", err=True)
        for hash_seed, line in zip(_HASH_SEEDS, (outcome.first, outcome.second), strict=True):
            typer.echo(f"  with PYTHONHASHSEED={hash_seed}: {line}", err=True)
        typer.echo(f"run it again: {replay}", err=True)
