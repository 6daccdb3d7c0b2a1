"""`minicoin records`: small signed values that nodes keep for each other."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer

from minicoin.app.client import as_array, as_object
from minicoin.app.invocation import Invocation
from minicoin.app.show import Table, describe
from minicoin.rpc.json_text import Json

_Kind = Annotated[str, typer.Argument(help="status, super, alert, change, config or admission.")]
_Key = Annotated[str, typer.Argument(help="Its key; none by default.")]


def list_records(
    invocation: Invocation,
    kind: Annotated[str, typer.Argument(help="One kind only: status, super, alert, change, config, admission.")] = "",
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=100_000, help="How many at most.")] = 1_000,
    skip: Annotated[int, typer.Option(min=0, max=100_000, help="How many to leave out before.")] = 0,
) -> None:
    """The records this node holds."""
    rows = as_array(invocation.call("listrecords", kind, count, skip))
    table = Table("kind", "key", "says", "expires", "signed by")
    for row in map(as_object, rows):
        table.add(str(row["kind"]), str(row["key"]), _says(row), _expires(row), _signers(row))
    invocation.show(rows, table if rows else "no records")


def show(
    invocation: Invocation,
    kind: _Kind,
    signer: Annotated[str, typer.Argument(help="The peer id that signed it; none for config.")] = "",
    key: _Key = "",
) -> None:
    """One record, with who signed it and when."""
    found = as_object(invocation.call("getrecord", kind, signer, key))
    invocation.show(found, describe(_told(found)))


def put(
    invocation: Invocation,
    kind: _Kind,
    value: Annotated[str, typer.Argument(help="What it says.")],
    key: Annotated[str, typer.Option(help="A newer record of the same key takes its place.")] = "",
    seconds: Annotated[
        int | None, typer.Option(min=1, help="How long it lives. [default: as long as its kind allows]")
    ] = None,
    is_hex: Annotated[bool, typer.Option("--hex", help="The value is hexadecimal bytes.")] = False,
) -> None:
    """Sign a record as this node, and give it to everybody.

    A record of kind config needs the signatures of several founders: then the command shows what the next one gives to
    `minicoin records sign`.
    """
    _show_signed(invocation, invocation.call("putrecord", kind, key, value, seconds, is_hex))


def sign(
    invocation: Invocation,
    record: Annotated[str, typer.Argument(help="What `records put` or another `records sign` showed.")],
) -> None:
    """Add this node's signature to a record that several sign."""
    _show_signed(invocation, invocation.call("signrecord", record))


def _show_signed(invocation: Invocation, answer: Json) -> None:
    found = as_object(answer)
    missing = int(str(found["missing"]))
    if missing:
        # Nobody reads what must be copied whole out of a table.
        told = f"signed; {missing} more must sign it: minicoin records sign {found['record']}"
    else:
        told = describe(_told(found))
    invocation.show(found, told)


def _told(row: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "kind": row["kind"],
        "key": row["key"],
        "says": _says(row),
        "signed by": _signers(row),
        "signed": _time(int(str(row["time"]))),
        "expires": _expires(row),
        "version": row["version"],
    }


def _says(row: Mapping[str, Json]) -> str:
    return str(row.get("text", f"0x{row['hex']}"))


def _signers(row: Mapping[str, Json]) -> str:
    return " ".join(map(str, as_array(row["signers"])))


def _expires(row: Mapping[str, Json]) -> str:
    return "never" if row["expires"] is None else _time(int(str(row["expires"])))


def _time(unix_s: int) -> str:
    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
