"""`minicoin sim replay`: what a recorded node handled, fed to a fresh core and compared."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.recording.reader import RecordingReader
from minicoin.core.recording.replay import ReplayReport
from minicoin.core.recording.replay import replay as replay_recording
from minicoin.core.units import SECOND_US, Micros
from minicoin.rpc.json_text import Json, encode_json

EXIT_UNREADABLE = 1
"""No recording, or a damaged one."""
EXIT_DIFFERS = 4
"""The core went another way than the recorded one, as for two runs of a scenario that differ."""

_PROGRESS_EVENTS = 10_000


def replay(
    file: Annotated[Path, typer.Argument(help="What `startnode --record` wrote.")],
    is_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Replay a recorded node and compare.

    Exit code 0: all equal; 1: not readable or damaged; 4: not equal.
    """
    try:
        with file.expanduser().open("rb") as stream:
            report = replay_recording(RecordingReader(stream.read), _note_progress)
    except OSError as error:
        _fail(f"cannot read {file}: {error.strerror or error}", is_json=is_json)
    except (MisuseError, DecodeError) as error:
        _fail(f"{file}: {error}", is_json=is_json)
    if is_json:
        typer.echo(encode_json(_as_json(report)))
    else:
        _show(report)
    code = EXIT_UNREADABLE if report.damage else 0
    raise typer.Exit(code if report.mismatch is None else EXIT_DIFFERS)


def _note_progress(events: int) -> None:
    """A long recording takes minutes: somebody who waits sees how far it is."""
    if events % _PROGRESS_EVENTS == 0 and sys.stderr.isatty():
        typer.echo(f"\r{events} events", err=True, nl=False)


def _fail(message: str, *, is_json: bool) -> NoReturn:
    if is_json:
        typer.echo(encode_json({"error": {"message": message}}))
    else:
        typer.echo(f"error: {message}", err=True)
    raise typer.Exit(EXIT_UNREADABLE)


def _as_json(report: ReplayReport) -> Json:
    mismatch = report.mismatch
    return {
        "digest": report.state_digest.hex(),
        "effects_digest": report.effects_digest.hex(),
        "is_equal": report.is_equal,
        "events": report.events,
        "checkpoints": report.checkpoints,
        "height": report.height,
        "tip": hash_to_hex(report.tip),
        "mempool": report.mempool_count,
        "network": report.network,
        "version": report.version,
        "started": _time(report.started_at),
        "ended": _time(report.ended_at),
        "end": report.end_reason,
        "damage": report.damage or None,
        "mismatch": None
        if mismatch is None
        else {
            "after_events": mismatch.after_events,
            "before_events": mismatch.before_events,
            "what": mismatch.what,
        },
    }


def _show(report: ReplayReport) -> None:
    typer.echo(f"recorded by minicoin {report.version} on {report.network}")
    typer.echo(f"from {_time(report.started_at)} to {_time(report.ended_at)}")
    typer.echo(f"events      {report.events}")
    typer.echo(f"height      {report.height}  {hash_to_hex(report.tip)}")
    typer.echo(f"mempool     {report.mempool_count}")
    typer.echo(f"state       {report.state_digest.hex()}")
    typer.echo(f"effects     {report.effects_digest.hex()}")
    if report.mismatch is None:
        typer.echo(f"checkpoints {report.checkpoints}, all equal")
    else:
        typer.echo(f"checkpoints {report.checkpoints}")
    if report.damage:
        typer.echo(f"DAMAGED     {report.damage}; replayed up to there")
    elif report.end_reason is not None:
        typer.echo(f"ended       {report.end_reason}")
    elif report.mismatch is None:
        typer.echo("cut         the recording has no end mark; replayed up to its last whole record")
    if report.mismatch is not None:
        found = report.mismatch
        typer.echo(f"DIFFERENT   between events {found.after_events} and {found.before_events}: {found.what}")


def _time(at: Micros) -> str:
    return datetime.fromtimestamp(at / SECOND_US, UTC).isoformat(timespec="milliseconds")
