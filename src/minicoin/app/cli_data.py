"""`minicoin data`: small data on the chain, paid by the wallet."""

from typing import Annotated

import typer

from minicoin.app.client import as_array, as_object
from minicoin.app.invocation import Invocation
from minicoin.app.show import Table, counted


def put(
    invocation: Invocation,
    text: Annotated[str, typer.Argument(help="What to record, for example bpm=70; at most 80 bytes.")],
    is_hex: Annotated[bool, typer.Option("--hex", help="The text is hexadecimal bytes.")] = False,
) -> None:
    """Record a small text on the chain."""
    found = as_object(invocation.call_unlocked("putdata", data=text, is_hex=is_hex))
    invocation.show(found, f"{counted(int(str(found['bytes'])), 'byte')} pending in {found['txid']}")


def list_data(
    invocation: Invocation,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many at most.")] = 50,
    skip: Annotated[int, typer.Option(min=0, help="How many of the newest to leave out.")] = 0,
    start: Annotated[int | None, typer.Option(min=0, help="First block; the latest 1,000 by default.")] = None,
) -> None:
    """What was recorded, pending first, then newest first."""
    found = as_object(invocation.client.call_named("listdata", count=count, skip=skip, start_height=start))
    items = as_array(found["items"])
    table = Table("data", "state", "txid")
    for item in map(as_object, items):
        block = item.get("height")
        state = "pending" if block is None else f"block {block}"
        table.add(str(item.get("text", item["hex"])), state, str(item["txid"]))
    none = f"no data pending or in blocks {found['start_height']} to {found['end_height']}"
    invocation.show(found, table if items else none)
