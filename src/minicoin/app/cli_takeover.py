"""`minicoin members takeover`: a standby signs in the place of the node that had its key; how that goes is said."""

import time
from typing import Annotated

import typer

from minicoin.app.client import as_array, as_object
from minicoin.app.invocation import Invocation, fail
from minicoin.rpc.json_text import Json

_LOOK_S = 0.5
HALTED_LOOKS = 20
"""So often there is no quorum until that is said: those that are here need a moment to prove who they are."""
_WAITS = "it takes over"
_GOING_ON = (_WAITS, "it asks", "its key may have signed")


def take_over(
    invocation: Invocation,
    sign_from: Annotated[
        int | None,
        typer.Option(
            "--sign-from",
            min=1,
            help="Your word that the key signed nothing from this block on; where the chain stands still.",
        ),
    ] = None,
) -> None:
    """Have a standby sign in the place of the node that had its key.

    Stop that node for good first. Ends when the standby signs, or stands by again; Ctrl-C leaves it at its work.
    """
    invocation.call("takeover", sign_from)
    said, halted = "", 0
    while why := str((found := as_object(invocation.call("getconsensusinfo")))["abstains"] or ""):
        if not why.startswith(_GOING_ON):
            fail(invocation, why)
        if why != said and not invocation.is_json:
            typer.echo(why, err=True)
        said = why
        halted = halted + 1 if why.startswith(_WAITS) and not found["has_quorum"] else 0
        if halted == HALTED_LOOKS and not invocation.is_json:
            typer.echo(_halted(found), err=True)
        time.sleep(_LOOK_S)
    invocation.show({"signs": True}, "it signs")


def _halted(found: dict[str, Json]) -> str:
    """What to do where no height passes."""
    return (
        f"the chain stands still, so this does not end by itself: {found['here']} of {len(as_array(found['members']))} "
        f"members are here and {found['quorum']} must sign. Either copy state/sign-state and state/sign-blocks from "
        "the first node's disk into this node's data directory while it is stopped, and start it without --standby; "
        "or, where that disk is lost, answer for it yourself that the key signed nothing from the block at hand on: "
        f"minicoin members takeover --sign-from {found['height']} (docs/upkeep.md, A standby)"
    )
