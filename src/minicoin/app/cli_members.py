"""`minicoin members`: who signs the blocks, and changing that together."""

from pathlib import Path
from typing import Annotated

import typer

from minicoin.app.client import as_array, as_object
from minicoin.app.invocation import Invocation
from minicoin.app.show import Table, field_lines, terminal_width, tolerated
from minicoin.rpc.json_text import Json

_Height = Annotated[int | None, typer.Option("--from-height", min=1, help="The first block of the new list.")]
_Force = Annotated[bool, typer.Option("--force", help="Sign it although the chain would stand still.")]
_HASH_SHOWN = 16


def list_members(
    invocation: Invocation,
    export: Annotated[
        Path | None, typer.Option(help="Write the anchor of a new node there instead: startnode --anchor FILE.")
    ] = None,
) -> None:
    """The members, their signatures, and changes on their way."""
    if export is not None:
        _export(invocation, export)
        return
    found = as_object(invocation.call("listmembers"))
    table = Table("member", "key", "signed", "missed", "last block")
    accused: list[str] = []
    for row in map(as_object, as_array(found["members"])):
        name = f"{row['name']} (this node)" if row["own"] else str(row["name"])
        last = "none" if row["last_signed"] is None else str(row["last_signed"])
        table.add(name, str(row["key"])[:_HASH_SHOWN], str(row["signed"]), str(row["missed"]), last)
        if row["evidence"]:
            accused.append(f"evidence against {row['name']}: minicoin members evidence")
    count, quorum, faults = len(as_array(found["members"])), int(str(found["quorum"])), int(str(found["faults"]))
    lines = [
        f"block {found['height']}: {quorum} of {count} must sign; {tolerated(count, quorum, faults)}; "
        f"final up to block {found['finalized']}"
    ]
    if found["pending"] is not None:
        lines.append(f"pending: {_told(found['pending'])}")
    lines += [
        f"draft: {_told(draft)}; {as_object(draft)['missing']} more must sign" for draft in as_array(found["drafts"])
    ]
    invocation.show(found, "\n".join((*table.lines(terminal_width()), "", *lines, *accused)))


def _export(invocation: Invocation, path: Path) -> None:
    text = str(invocation.call("getanchor"))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise typer.BadParameter(f"{path} is there already, and is left as it is", param_hint="--export") from None
    except OSError as error:
        raise typer.BadParameter(f"cannot write {path}: {error.strerror}", param_hint="--export") from error
    invocation.show({"anchor": str(path)}, f"{path}: for a new node, minicoin startnode --anchor {path}")


def history(invocation: Invocation) -> None:
    """The founding list and every change that the chain carried."""
    rows = as_array(invocation.call("getmemberhistory"))
    table = Table("version", "from block", "carried in", "change", "signed by")
    for row in map(as_object, rows):
        elsewhere = "a recovery" if row["version"] else "the network file"
        carried = elsewhere if row["carried_at"] is None else f"block {row['carried_at']}"
        signers = ", ".join(map(str, as_array(row["signers"])))
        table.add(str(row["version"]), str(row["from_height"]), carried, _difference(row), signers)
    invocation.show(rows, table)


def evidence(
    invocation: Invocation,
    seen: Annotated[
        bool, typer.Option("--seen", help="You have looked at all that is shown: the node warns of it no more.")
    ] = False,
) -> None:
    """What proves that a member lied.

    Or that its key is used in two places. It stays for good; what to do about it the members decide.
    """
    rows = as_array(invocation.call("getevidence"))
    table = Table("member", "key", ">height", "what", "seen")
    for row in map(as_object, rows):
        member = as_object(row["member"]) if row["member"] is not None else {"name": "(several)", "key": ""}
        shown = "yes" if row["seen"] else "no"
        table.add(str(member["name"]), str(member["key"])[:_HASH_SHOWN], str(row["height"]), str(row["says"]), shown)
    if seen and rows:
        invocation.call("acknowledgeevidence", len(rows))
    invocation.show(rows, table if rows else "there is no evidence against anybody")


def propose(
    invocation: Invocation,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", help="A new member: its name, =, and its key (hex).", metavar="NAME=KEY"),
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", help="A member that leaves, by name or key.", metavar="MEMBER")
    ] = None,
    from_height: _Height = None,
    force: _Force = False,
) -> None:
    """Draft a change of the members, and sign it as this node's."""
    added: dict[str, Json] = {}
    for text in add or ():
        name, equals, key = text.rpartition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r} is no NAME=KEY", param_hint="--add")
        added[name] = key
    if not added and not remove:
        raise typer.BadParameter("say whom to add or to remove: --add NAME=KEY, --remove MEMBER")
    left: list[Json] = list(remove or ())
    _show(invocation, invocation.call("proposemembers", added, left, from_height, force))


def approve(
    invocation: Invocation,
    change: Annotated[str, typer.Argument(help="What its hash begins with: `minicoin members list`.", metavar="HASH")],
    force: _Force = False,
) -> None:
    """Sign a draft of another member as this node's."""
    _show(invocation, invocation.call("approvemembers", change, force))


def remove(
    invocation: Invocation,
    member: Annotated[str, typer.Argument(help="By name or key.", metavar="MEMBER")],
    from_height: _Height = None,
    force: _Force = False,
) -> None:
    """Draft that a member leaves, and sign it as this node's."""
    _show(invocation, invocation.call("proposemembers", {}, [member], from_height, force))


def roll(
    invocation: Invocation,
    member: Annotated[str, typer.Argument(help="By name.", metavar="MEMBER")],
    key: Annotated[str, typer.Argument(help="Its new key (hex).", metavar="KEY")],
    from_height: _Height = None,
    force: _Force = False,
) -> None:
    """Draft that a member signs with a new key; the old one holds until then."""
    _show(invocation, invocation.call("proposemembers", {member: key}, [member], from_height, force))


def _show(invocation: Invocation, answer: Json) -> None:
    found = as_object(answer)
    rows = [
        ("change", str(found["hash"])),
        ("from block", str(found["from_height"])),
        ("signed by", f"{found['signatures']} of {found['quorum']} needed"),
    ]
    rows += [("warning", str(warning)) for warning in as_array(found["warnings"])]
    approve_it = f"others sign it with: minicoin members approve {str(found['hash'])[:_HASH_SHOWN]}"
    rows.append(("next", approve_it if found["missing"] else "the next block carries it"))
    invocation.show(found, "\n".join(field_lines(rows)))


def _told(change: Json) -> str:
    row = as_object(change)
    signers = ", ".join(map(str, as_array(row["signers"])))
    return f"{str(row['hash'])[:_HASH_SHOWN]} from block {row['from_height']}: {_difference(row)}; signed by {signers}"


def _difference(row: dict[str, Json]) -> str:
    added = {str(as_object(one)["name"]): as_object(one)["key"] for one in as_array(row["added"])}
    removed = {str(as_object(one)["name"]): as_object(one)["key"] for one in as_array(row["removed"])}
    rolled = [name for name in added if name in removed]
    parts = [f"{name} signs with a new key" for name in rolled]
    parts += [f"+ {name}" for name in added if name not in rolled]
    parts += [f"- {name}" for name in removed if name not in rolled]
    return ", ".join(parts) or "names only"
