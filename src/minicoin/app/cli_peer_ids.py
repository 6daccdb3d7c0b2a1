"""`minicoin net find`, `tell`, `letters` and `overlay`: the network model of a running node, and peers by their ids."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from minicoin.app.client import as_array, as_object
from minicoin.app.invocation import Invocation
from minicoin.app.show import EXIT_FAILED, Table, field_lines
from minicoin.rpc.json_text import Json

_PeerId = Annotated[str, typer.Argument(help="A peer id, as 12D3Koo...", metavar="PEER_ID")]

_KNOWN_BY = {
    "connected": "it is connected to this node",
    "record": "it signed so itself",
    "lookup": "peers near to it were asked",
    "book": "it stands in the address book of this node",
    "hearsay": "a peer says so",
}


def find(invocation: Invocation, peer_id: _PeerId) -> None:
    """Where the node of a peer id is."""
    found = as_object(invocation.call("findpeer", peer_id))
    where = [str(address) for address in as_array(found["addresses"])] or ["where it listens is not known"]
    if found["known_by"] is None:
        asked = f"; {found['asked']} peers were asked" if found["asked"] else ""
        invocation.show(found, f"nobody here knows where it is{asked}")
        raise typer.Exit(EXIT_FAILED)
    how = _KNOWN_BY[str(found["known_by"])] + (f" ({found['told_by']})" if found["told_by"] else "")
    if found["hops"]:
        how += f", {found['hops']} answers one after another; {found['asked']} peers were asked"
    sure = "certain" if found["certain"] else "not certain: it may be elsewhere by now"
    invocation.show(found, "\n".join((*where, *field_lines((("known", how), ("", sure))))))


def tell(
    invocation: Invocation,
    peer_id: _PeerId,
    text: Annotated[str, typer.Argument(help="One line; whoever passes it on can read it.", metavar="TEXT")],
    letter_id: Annotated[
        str | None, typer.Option("--id", help="Of an earlier letter of the same text, to repeat it.")
    ] = None,
) -> None:
    """Tell the node of a peer id a line of text.

    Answers delivered, failed with the hop and the reason, or maybe where the network model knows no way.
    """
    told = as_object(invocation.client.call_named("tellpeer", peerid=peer_id, text=text, id=letter_id))
    invocation.show(told, f"{told['says']}\nletter {told['id']}")
    if told["outcome"] == "failed":
        raise typer.Exit(EXIT_FAILED)


def letters(invocation: Invocation) -> None:
    """The letters that came for this node."""
    rows = as_array(invocation.call("listletters"))
    table = Table("received", "from", "text")
    for row in map(as_object, rows):
        table.add(_time(row["received"]), str(row["from"]), str(row["text"]))
    invocation.show(rows, table if rows else "no letters")


def overlay(invocation: Invocation) -> None:
    """The network model: role, neighbours, figures."""
    found = as_object(invocation.call("getoverlay"))
    model = f"{found['model']}, {found['role']}" + ("" if found["letters"] else " (no letters)")
    told = [("model", model), *((str(name), str(count)) for name, count in as_object(found["figures"]).items())]
    if found["says"]:
        told.append(("", str(found["says"])))
    rows = as_array(found["neighbours"])
    if not rows:
        invocation.show(found, "\n".join((*field_lines(told), "no neighbours")))
        return
    table = Table(">id", "role", "address")
    for row in map(as_object, rows):
        table.add(str(row["id"]), str(row["role"]), str(row["addr"]))
    invocation.show(found, "\n".join((*field_lines(told), *table.lines(None))))


def _time(value: Json) -> str:
    return datetime.fromtimestamp(int(str(value)), UTC).strftime("%Y-%m-%d %H:%M:%S")
