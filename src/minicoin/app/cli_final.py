"""`minicoin waitforfinal`: until a payment stands in a block that the members signed."""

from typing import Annotated

import typer

from minicoin.app.client import as_object
from minicoin.app.invocation import Invocation
from minicoin.app.show import counted

_MS = 1_000


def wait_for_final(
    invocation: Invocation,
    txid: Annotated[str, typer.Argument(help="The payment's transaction id.")],
    timeout: Annotated[float, typer.Argument(min=0, help="Seconds to wait; 0: without an end.")] = 0.0,
) -> None:
    """Wait until a payment is final.

    For networks whose blocks members sign.
    """
    # However short, it is a time: none at all would be one without an end.
    timeout_ms = max(round(timeout * _MS), 1) if timeout else 0
    found = as_object(invocation.call("waitforfinal", txid, timeout_ms))
    signers = counted(int(str(found["signers"])), "member")
    invocation.show(found, f"final at height {found['height']}, signed by {signers}: block {found['blockhash']}")
