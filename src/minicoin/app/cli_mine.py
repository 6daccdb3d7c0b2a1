"""`minicoin mine`: blocks on demand, told one by one; or mining from now on."""

import sys
from typing import Annotated

import typer

from minicoin.app.client import as_array
from minicoin.app.invocation import Invocation
from minicoin.app.show import counted
from minicoin.core.faults import MisuseError
from minicoin.rpc.json_text import Json

_EXIT_INTERRUPTED = 130


def mine(
    invocation: Invocation,
    count: Annotated[int, typer.Argument(min=0, help="How many blocks, now.")] = 1,
    address: Annotated[
        str | None, typer.Option("--to", help="Who is paid. [default: a fresh wallet address]", show_default=False)
    ] = None,
    start: Annotated[bool, typer.Option("--start", help="Keep mining from now on.")] = False,
    stop_mining: Annotated[bool, typer.Option("--stop", help="Stop mining.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell the hash of each block.")] = False,
) -> None:
    """Mine blocks: some now, or from now on."""
    if start and stop_mining:
        raise MisuseError("--start and --stop exclude each other")
    if stop_mining:
        invocation.show(invocation.call("setmining", ""), "mining stopped")
        return
    paid = address or str(invocation.call("getnewaddress", "mining"))
    if start:
        invocation.show(invocation.call("setmining", paid), f"mining to {paid}")
        return
    _mine_now(invocation, count, paid, is_verbose=verbose)


def _mine_now(invocation: Invocation, count: int, paid: str, *, is_verbose: bool) -> None:
    """One block a call, so that progress can be told and Ctrl-C ends what is under way."""
    found: list[Json] = []
    is_shown = sys.stderr.isatty()
    try:
        while len(found) < count:
            if is_shown:
                typer.echo(f"\rmined {len(found)} of {counted(count, 'block')} ", err=True, nl=False)
            found += as_array(invocation.call("generatetoaddress", 1, paid))
    except KeyboardInterrupt:
        # The call under way goes on in the node unless it is told.
        invocation.close()
        invocation.call("abortgenerate")
        _clear(is_shown)
        invocation.show(found, f"stopped after {len(found)} of {counted(count, 'block')}")
        raise typer.Exit(_EXIT_INTERRUPTED) from None
    _clear(is_shown)
    height = invocation.call("getblockcount")
    told = f"mined {counted(len(found), 'block')} to {paid}; height {height}"
    invocation.show(found, "\n".join([*map(str, found), told]) if is_verbose else told)


def _clear(is_shown: bool) -> None:
    if is_shown:
        typer.echo("\r\x1b[K", err=True, nl=False)
