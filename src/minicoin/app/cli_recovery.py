"""`minicoin recovery`: what is left of a consortium goes on, if too many of its members are lost for good."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from minicoin.app.client import as_array, as_object
from minicoin.app.invocation import Invocation
from minicoin.app.recovery_files import write_text
from minicoin.app.show import Table, field_lines
from minicoin.core.faults import MisuseError
from minicoin.rpc.json_text import Json

_HASH_SHOWN = 16
_Force = Annotated[bool, typer.Option("--force", help="Sign it although a quorum of members was heard.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Sign without asking.")]
_Look = Annotated[bool, typer.Option("--dry-run", help="Show what would be signed, and sign nothing.")]


def list_recoveries(invocation: Invocation) -> None:
    """Recoveries that this node names, and drafts with their signatures."""
    found = as_object(invocation.call("listrecoveries"))
    table = Table("recovery", "behind block", "members", "signed by", "state")
    for state in ("named", "unnamed", "drafts"):
        for row in map(as_object, as_array(found[state])):
            told = {"named": "named here", "unnamed": "peers follow it, not named here"}.get(state)
            if told is None:
                told = f"{row['missing']} more must sign" if row["missing"] else "enough have signed: combine"
            signed = str(len(as_array(row["signers"])))
            table.add(str(row["hash"])[:_HASH_SHOWN], str(row["height"]), _names(row), signed, told)
    invocation.show(found, table)


def propose(
    invocation: Invocation,
    out: Annotated[Path, typer.Option("--out", help="The file for the other banks.")],
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", help="A member that is lost for good, by name or key.", metavar="MEMBER"),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", help="A new member: its name, =, and its key (hex).", metavar="NAME=KEY"),
    ] = None,
    dry_run: _Look = False,
    yes: _Yes = False,
    force: _Force = False,
) -> None:
    """Draft a recovery of a halted network, and sign it.

    Shows first what it would be. Whoever signs signs no more block for the members at hand.
    """
    added: dict[str, Json] = {}
    for text in add or ():
        name, equals, key = text.rpartition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r} is no NAME=KEY", param_hint="--add")
        added[name] = key
    left: list[Json] = list(remove or ())
    look = as_object(invocation.call("proposerecovery", added, left, False, force))
    if _goes_on(invocation, look, dry_run=dry_run, yes=yes):
        _write(invocation, invocation.call("proposerecovery", added, left, True, force), out)


def sign(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(help="What another bank handed on.", metavar="FILE")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where it goes with our signature; FILE unless it is said.")
    ] = None,
    dry_run: _Look = False,
    yes: _Yes = False,
    force: _Force = False,
) -> None:
    """Sign a recovery that another bank drafted.

    Shows first what it is.
    """
    text = _read(file)
    look = as_object(invocation.call("signrecovery", text, False, force))
    if _goes_on(invocation, look, dry_run=dry_run, yes=yes):
        _write(invocation, invocation.call("signrecovery", text, True, force), out or file)


def show_file(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(help="The recovery's file.", metavar="FILE")],
) -> None:
    """What a recovery's file says, and who has signed it."""
    found = as_object(invocation.call("signrecovery", _read(file), False, False))
    invocation.show(found, _told(found))


def combine(
    invocation: Invocation,
    out: Annotated[Path, typer.Option("--out", help="The file that every node is started with.")],
    files: Annotated[list[Path] | None, typer.Argument(help="Files with signatures.", metavar="FILE")] = None,
) -> None:
    """Put the signatures together that make a recovery."""
    texts: list[Json] = [_read(file) for file in files or ()]
    found = as_object(invocation.call("combinerecovery", texts))
    write_text(out, str(found["file"]))
    text = (
        f"{out}: recovery {found['hash']}\nsend it to every operator, who compares the hash with the others and starts "
        f"the node anew with --recovery {out}"
    )
    invocation.show({**found, "written": str(out)}, text)


def _goes_on(invocation: Invocation, look: dict[str, Json], *, dry_run: bool, yes: bool) -> bool:
    """Whether to sign what was shown."""
    if dry_run:
        invocation.show(look, _told(look))
        return False
    if yes:
        return True
    if not sys.stdin.isatty():
        raise MisuseError("nothing was signed: look at it with --dry-run, then say --yes")
    typer.echo(_told(look), err=True)
    typer.confirm("Sign it?", abort=True, err=True)
    return True


def _write(invocation: Invocation, answer: Json, out: Path) -> None:
    found = as_object(answer)
    write_text(out, str(found["file"]))
    following = (
        f"others sign it with: minicoin recovery sign {out}"
        if found["missing"]
        else f"enough have signed: minicoin recovery combine {out} --out FILE makes what every node is started with"
    )
    invocation.show({**found, "written": str(out)}, f"{_told(found)}\nwritten to {out}\n{following}")


def _told(found: dict[str, Json]) -> str:
    rows = [
        ("recovery", str(found["hash"])),
        ("behind block", f"{found['height']}, {found['blockhash']}"),
        ("members from then on", _names(found)),
        ("signed by", f"{len(as_array(found['signers']))} of {found['needed']} needed"),
    ]
    if found["bound"] is not None:
        rows.append(("decided first", f"block {found['bound']}, on which a signer is locked"))
    rows += [("mind", str(warning)) for warning in as_array(found["warnings"])]
    return "\n".join(field_lines(rows))


def _names(found: dict[str, Json]) -> str:
    return ", ".join(str(as_object(one)["name"]) for one in as_array(found["members"]))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MisuseError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MisuseError(f"{path} is no recovery file") from error
