"""`minicoin admission`: who may connect to the nodes of a consortium, and changing that together."""

from typing import Annotated

import typer

from minicoin.app.client import as_array, as_object
from minicoin.app.invocation import Invocation
from minicoin.app.show import Table, terminal_width
from minicoin.core.faults import MisuseError
from minicoin.rpc.json_text import Json

_HASH_SHOWN = 16


def list_admission(invocation: Invocation) -> None:
    """Who may connect, and what members drafted."""
    found = as_object(invocation.call("getadmission"))
    table = Table("bank", "role", "member", "nodes")
    for row in map(as_object, as_array(found["banks"])):
        member = str(row["member"] or "")[:_HASH_SHOWN]
        table.add(str(row["name"]), str(row["role"]), member, " ".join(map(str, as_array(row["peerids"]))))
    lines = [_told(found)]
    for draft in map(as_object, as_array(found["drafts"])):
        lines += ["", f"draft of {_told(draft)}: {draft['missing']} more must sign", f"  {_banks(draft)}"]
        lines += [f"  {line}" for line in as_array(draft["consequences"])]
    lines += [f"warning: {line}" for line in as_array(found["warnings"])]
    invocation.show(found, "\n".join((*table.lines(terminal_width()), "", *lines)))


def history(invocation: Invocation) -> None:
    """The versions this node went by.

    And evidence, where members signed two contents of one version.
    """
    found = as_object(invocation.call("getadmissionhistory"))
    table = Table(">version", "hash", "signed at block", "signed by", "banks")
    for row in map(as_object, as_array(found["versions"])):
        signers = f"{len(as_array(row['signers']))} members" if row["version"] else "the network file"
        table.add(str(row["version"]), str(row["hash"])[:_HASH_SHOWN], str(row["height"]), signers, _banks(row))
    lines = table.lines(terminal_width())
    if found["split"] is not None:
        split = as_object(found["split"])
        lines += ["", f"two contents of version {split['version']} were signed by a quorum each; these signed both:"]
        lines += [f"  {member}" for member in as_array(split["members"])]
    invocation.show(found, "\n".join(lines))


def propose(
    invocation: Invocation,
    signer: Annotated[
        list[str] | None,
        typer.Option(help="A bank that signs: its name, its member key (hex), its peer ids.", metavar="NAME,KEY,ID..."),
    ] = None,
    observer: Annotated[
        list[str] | None,
        typer.Option(help="A bank that looks on: its name and its peer ids.", metavar="NAME,ID..."),
    ] = None,
    expel: Annotated[list[str] | None, typer.Option(help="A bank that may connect no longer.", metavar="NAME")] = None,
) -> None:
    """Draft who may connect, and sign it as a member.

    What is named takes the place of what the bank has in that role; the others stay. It holds once a quorum of the
    members approved the same.
    """
    banks: list[Json] = [_bank(text, is_signer=True) for text in signer or ()]
    banks += [_bank(text, is_signer=False) for text in observer or ()]
    expelled: list[Json] = list(expel or ())
    _show_signed(invocation, invocation.call("proposeadmission", banks, expelled))


def approve(
    invocation: Invocation,
    version: Annotated[int, typer.Argument(min=1, help="Which, as `admission list` shows it.")],
    digest: Annotated[
        str, typer.Option("--hash", help="The first digits of its hash, where there are several of the version.")
    ] = "",
) -> None:
    """Sign a draft of another member as this node's."""
    _show_signed(invocation, invocation.call("approveadmission", version, digest))


def _bank(text: str, *, is_signer: bool) -> dict[str, Json]:
    name, *words = text.split(",")
    needed = 2 if is_signer else 1
    if len(words) < needed:
        form = "NAME,KEY,ID..." if is_signer else "NAME,ID..."
        raise MisuseError(f"write a bank as {form}, not {text!r}")
    member = words.pop(0) if is_signer else None
    ids: list[Json] = list(words)
    return {"name": name, "role": "signer" if is_signer else "observer", "member": member, "peerids": ids}


def _show_signed(invocation: Invocation, answer: Json) -> None:
    found = as_object(answer)
    missing = int(str(found["missing"]))
    rest = f"{missing} more must sign: minicoin admission approve {found['version']}" if missing else "it holds now"
    lines = [f"signed {_told(found)}; {rest}"]
    lines += [f"note: {line}" for line in as_array(found["consequences"])]
    invocation.show(found, "\n".join(lines))


def _told(row: dict[str, Json]) -> str:
    return f"version {row['version']} ({str(row['hash'])[:_HASH_SHOWN]})"


def _banks(row: dict[str, Json]) -> str:
    names = (as_object(bank) for bank in as_array(row["banks"]))
    return ", ".join(f"{bank['name']} ({bank['role']}, {len(as_array(bank['peerids']))})" for bank in names)
