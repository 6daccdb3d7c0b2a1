"""`minicoin audit`: reads the log of what a consortium's node saw and did, whether the node runs or not."""

import os
from pathlib import Path
from typing import Annotated, cast

import typer

from minicoin.app.invocation import Invocation
from minicoin.app.show import EXIT_FAILED, Table, field_lines, terminal_width
from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.drivers.audit.entry import AuditEntry, EntryKind, moment
from minicoin.drivers.audit.log import AUDIT_FOLDER
from minicoin.drivers.audit.replay import Replayed, replay
from minicoin.drivers.audit.verify import LogVerdict, log_files, read_entries, verify_log
from minicoin.rpc.json_text import Json, encode_json

_HASH_BYTES = 32
_SHOWN_MAX = 160
_Log = Annotated[
    Path | None,
    typer.Option("--log", help="Another folder, or a file that was exported; the data directory's by default."),
]


def show(
    invocation: Invocation,
    from_height: Annotated[int, typer.Option(min=0, help="Entries about lower heights are left out.")] = 0,
    kind: Annotated[list[EntryKind] | None, typer.Option(help="Entries of this kind; as often as needed.")] = None,
    log: _Log = None,
) -> None:
    """The entries of the log.

    One a line; with --json as they stand in the log, each with its own hash.
    """
    for read in read_entries(_path(invocation, log)):
        entry = read.entry
        if entry.height < from_height or (kind and entry.kind not in kind):
            continue
        if invocation.is_json:
            typer.echo(encode_json(cast(Json, entry.shown())))
        else:
            typer.echo(_line(entry))


def verify(
    invocation: Invocation,
    holds: Annotated[
        str | None,
        typer.Option(help="The hash of an entry, noted earlier: whether it still stands there.", metavar="HASH"),
    ] = None,
    log: _Log = None,
) -> None:
    """Check the chain of hashes; says the first entry that breaks it.

    A cut at the end does not show by itself: note the hash that this, or an export, prints, and ask for it later.
    """
    wanted = None if holds is None else _hash(holds)
    verdict = verify_log(_path(invocation, log), wanted)
    broken = verdict.broken
    found: dict[str, Json] = {
        "entries": verdict.entries,
        "first": verdict.first,
        "head": verdict.head.hex(),
        "network": verdict.network,
        "cut": verdict.is_cut,
        "broken": None if broken is None else broken.text,
        "holds": verdict.holds,
    }
    invocation.show(found, "\n".join(field_lines(_verdict_rows(verdict))))
    if broken is not None or verdict.holds is False:
        raise typer.Exit(EXIT_FAILED)


def export(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(help="Where to; it must not be there yet.", metavar="FILE")],
    log: _Log = None,
) -> None:
    """Copy the log to one file; prints the hash to note with it."""
    path = _path(invocation, log)
    verdict = verify_log(path)
    if verdict.broken is not None:
        raise MisuseError(f"the log is broken, and nothing was written: {verdict.broken.text}")
    count = verdict.entries
    try:
        with file.open("xb") as target:
            for read in read_entries(path):
                if not count:
                    # What the node wrote meanwhile is not what was checked.
                    break
                count -= 1
                target.write(read.line + b"\n")
            target.flush()
            os.fsync(target.fileno())
    except FileExistsError:
        raise typer.BadParameter(f"{file} is there already, and is left as it is", param_hint="FILE") from None
    found: dict[str, Json] = {"file": str(file), "entries": verdict.entries, "head": verdict.head.hex()}
    text = f"{file}: {verdict.entries} entries; the hash of the last is {verdict.head.hex()}"
    invocation.show(found, text)


def replay_log(
    invocation: Invocation,
    height: Annotated[
        int | None, typer.Option(min=1, help="Of the block that is asked about; the highest by default.")
    ] = None,
    log: _Log = None,
) -> None:
    """Who signed, who might connect and what was set at a height, from the log alone."""
    path = _path(invocation, log)
    verdict = verify_log(path)
    if verdict.broken is not None:
        raise MisuseError(f"the log is broken, and proves nothing: {verdict.broken.text}")
    at = height or max((read.entry.height for read in read_entries(path)), default=1)
    found = replay((read.entry for read in read_entries(path)), max(at, 1))
    invocation.show(_replayed_json(found), "\n".join(_replayed_lines(found)))


def _path(invocation: Invocation, log: Path | None) -> Path:
    path = invocation.datadir / AUDIT_FOLDER if log is None else log
    log_files(path)
    return path


def _hash(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != _HASH_BYTES:
        raise typer.BadParameter(f"a hash has {2 * _HASH_BYTES} hexadecimal digits", param_hint="--holds")
    return found


def _line(entry: AuditEntry) -> str:
    told = " ".join(f"{name}={_told(value)}" for name, value in sorted(entry.fields.items()))
    return f"{entry.sequence:>8}  {moment(entry.draft.time)}  {entry.height:>8}  {entry.kind:<16}  {told}".rstrip()


def _told(value: object) -> str:
    text = value if isinstance(value, str) else encode_json(cast(Json, value))
    shown = text if text.isprintable() else ascii(text)
    return shown if len(shown) <= _SHOWN_MAX else f"{shown[:_SHOWN_MAX]}... ({len(shown)} letters: --json)"


def _verdict_rows(verdict: LogVerdict) -> list[tuple[str, str]]:
    rows = [("entries", str(verdict.entries)), ("head", verdict.head.hex()), ("network", verdict.network)]
    if verdict.first:
        rows.append(("note", f"it begins with entry {verdict.first}: older files were moved away"))
    if verdict.is_cut:
        rows.append(("note", "the last line is not whole: it is being written, or the next start mends it"))
    if verdict.holds is not None:
        rows.append(("holds", "the entry with this hash stands there" if verdict.holds else "NO ENTRY HAS THIS HASH"))
    rows.append(("result", "it holds" if verdict.broken is None else f"BROKEN at {verdict.broken.text}"))
    return rows


def _replayed_json(found: Replayed) -> Json:
    admission: Json = None
    if found.admission is not None:
        banks: list[Json] = [
            {"name": row.name, "role": row.role.name.lower(), "peerids": [str(PeerId(one)) for one in row.peer_ids]}
            for row in found.admission.rows
        ]
        admission = {"version": found.admission.version, "banks": banks}
    return {
        "height": found.height,
        "network": found.network,
        "members": [{"name": name, "key": key.hex()} for name, key in found.members],
        "members_version": found.members_version,
        "admission": admission,
        "settings": dict(found.settings),
        "settings_version": found.settings_version,
        "configuration": dict(found.configuration),
        "configuration_version": found.configuration_version,
        "evidence": found.evidence,
    }


def _replayed_lines(found: Replayed) -> list[str]:
    table = Table("member", "key")
    for name, key in found.members:
        table.add(name, key.hex())
    lines = [f"{found.name}, block {found.height}: member list of version {found.members_version}", ""]
    lines += table.lines(terminal_width())
    if found.admission is None:
        lines += ["", "anybody may connect"]
    else:
        banks = Table("may connect", "role", "nodes")
        for row in found.admission.rows:
            banks.add(row.name, row.role.name.lower(), " ".join(str(PeerId(one)) for one in row.peer_ids))
        lines += ["", f"admission of version {found.admission.version}", "", *banks.lines(terminal_width())]
    lines += ["", f"settings of version {found.settings_version}"]
    lines += field_lines(list(found.settings))
    lines += ["", f"configuration of version {found.configuration_version}"]
    lines += field_lines(list(found.configuration))
    lines += ["", f"evidence so far: {found.evidence}"]
    return lines
