"""`minicoin config`: what the members of a network set while it runs."""

from typing import Annotated

import typer

from minicoin.app.client import as_array, as_object
from minicoin.app.invocation import Invocation
from minicoin.app.show import Table, terminal_width
from minicoin.rpc.json_text import Json

_HASH_SHOWN = 16
_UNSET = "default"


def show(invocation: Invocation) -> None:
    """What holds at this node: value, and by whose word."""
    found = as_object(invocation.call("getconfiguration"))
    table = Table("setting", "value", "unit", "source", "signed by")
    notes: list[str] = []
    for row in map(as_object, as_array(found["settings"])):
        signers = ", ".join(map(str, as_array(row["signers"])))
        table.add(str(row["name"]), str(row["value"]), str(row["unit"]), _source(row), signers)
        if row["problem"]:
            notes.append(f"{row['name']}: {row['problem']}")
    if found["pending"] is not None:
        notes.append(f"pending: {_told(as_object(found['pending']))}")
    if found["split"] is not None:
        split = as_object(found["split"])
        liars = ", ".join(map(str, as_array(split["members"])))
        notes.append(f"two contents of version {split['version']} have a quorum each; who signed both: {liars}")
    lines = table.lines(terminal_width())
    invocation.show(found, "\n".join((*lines, "", *notes) if notes else lines))


def list_drafts(invocation: Invocation) -> None:
    """Drafts that collect signatures, and the change that is pending."""
    found = as_object(invocation.call("getconfiguration"))
    table = Table("hash", "version", "holds", "settings", "signed by", "missing")
    for row in map(as_object, as_array(found["drafts"])):
        signers = ", ".join(map(str, as_array(row["signers"])))
        holds = "once signed" if row["from_height"] is None else f"from block {row['from_height']}"
        table.add(str(row["hash"])[:_HASH_SHOWN], str(row["version"]), holds, _set(row), signers, str(row["missing"]))
    pending = [] if found["pending"] is None else ["", f"pending: {_told(as_object(found['pending']))}"]
    shown: dict[str, Json] = {"drafts": found["drafts"], "pending": found["pending"]}
    invocation.show(shown, "\n".join((*table.lines(terminal_width()), *pending)))


def propose(
    invocation: Invocation,
    settings: Annotated[list[str], typer.Argument(help=f"NAME=VALUE, or NAME={_UNSET} to take it back.")],
    from_height: Annotated[
        int | None, typer.Option("--from-height", min=1, help="The first block, for what a block carries.")
    ] = None,
) -> None:
    """Draft other settings, and sign them as this node's member."""
    values: dict[str, Json] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r} is no NAME=VALUE")
        values[name] = None if value == _UNSET else value
    _show(invocation, invocation.call("proposeconfiguration", values, from_height))


def approve(
    invocation: Invocation, digest: Annotated[str, typer.Argument(metavar="HASH", help="As `config list` shows it.")]
) -> None:
    """Sign a draft of another member as this node's."""
    _show(invocation, invocation.call("approveconfiguration", digest))


def _show(invocation: Invocation, answer: Json) -> None:
    found = as_object(answer)
    digest, missing = str(found["hash"])[:_HASH_SHOWN], int(str(found["missing"]))
    rest = f"{missing} more must sign: minicoin config approve {digest}"
    if not missing:
        rest = "it holds now" if found["from_height"] is None else "the next blocks carry it"
    lines = [f"signed {_told(found)}; {rest}", *(f"note: {line}" for line in as_array(found["warnings"]))]
    invocation.show(found, "\n".join(lines))


def _source(row: dict[str, Json]) -> str:
    if row["from_height"] is not None:
        return f"chain v{row['version']}, from block {row['from_height']}"
    return str(row["source"]) if row["version"] is None else f"record v{row['version']}"


def _told(row: dict[str, Json]) -> str:
    where = "" if row["from_height"] is None else f" from block {row['from_height']}"
    return f"version {row['version']} ({str(row['hash'])[:_HASH_SHOWN]}){where}: {_set(row)}"


def _set(row: dict[str, Json]) -> str:
    return ", ".join(f"{name}={value}" for name, value in as_object(row["settings"]).items()) or "nothing set"
