"""`minicoin members takeover`: a standby signs in the place of the node that had its key; how that goes is said."""

import time
from typing import Annotated

import typer

from minicoin.app.client import as_object
from minicoin.app.invocation import Invocation, fail

_LOOK_S = 0.5
_GOING_ON = ("it takes over", "it asks")


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
    said = ""
    while why := str(as_object(invocation.call("getconsensusinfo"))["abstains"] or ""):
        if not why.startswith(_GOING_ON):
            fail(invocation, why)
        if why != said and not invocation.is_json:
            typer.echo(why, err=True)
        said = why
        time.sleep(_LOOK_S)
    invocation.show({"signs": True}, "it signs")
