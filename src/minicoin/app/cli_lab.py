"""`minicoin lab`: a private network of real processes on this machine."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from minicoin.app.client import NoNode, RpcFailure
from minicoin.app.lab.plan import NODES_MAX, plan_lab
from minicoin.app.lab.up import LabResult, lab_up
from minicoin.app.shared import JsonOption
from minicoin.app.show import EXIT_FAILED, error_line
from minicoin.core.faults import MisuseError
from minicoin.core.overlay.forms import FORMS
from minicoin.rpc.json_text import Json, encode_json

_LAB_NETWORK = "regtest"


def up(
    count: Annotated[int, typer.Argument(min=1, max=NODES_MAX, help="How many nodes.")] = 3,
    once: Annotated[
        bool | None,
        typer.Option("--once/--watch", help="End once a payment is confirmed on all. [default: without a terminal]"),
    ] = None,
    network: Annotated[str, typer.Option("--network", help="A network's name, or a .toml file.")] = _LAB_NETWORK,
    overlay: Annotated[
        str | None, typer.Option(help="The network model. [default: the network's own]", metavar="|".join(FORMS))
    ] = None,
    overlay_setting: Annotated[
        list[str] | None, typer.Option(help="A setting of the model, NAME=VALUE; repeatable.", metavar="NAME=VALUE")
    ] = None,
    datadir: Annotated[Path | None, typer.Option("--datadir", help="Keep the nodes' directories here.")] = None,
    json: JsonOption = False,
) -> None:
    """Start nodes, connect them, mine, pay from one to another, show them live."""
    results: list[LabResult] = []
    console = Console(stderr=True) if json else Console(soft_wrap=True)
    try:
        code = lab_up(
            plan_lab(count, network, overlay, overlay_setting or ()),
            once=json or not sys.stdout.isatty() if once is None else once,
            datadir=datadir,
            console=console,
            on_result=results.append,
        )
    except (MisuseError, NoNode, RpcFailure) as error:
        if json:
            typer.echo(encode_json({"error": {"code": None, "message": str(error)}}))
        else:
            typer.echo(error_line(str(error)), err=True)
        raise typer.Exit(EXIT_FAILED) from error
    if json and results:
        typer.echo(encode_json(_result_json(results[0])))
    raise typer.Exit(code)


def _result_json(result: LabResult) -> Json:
    nodes: list[Json] = [
        {
            "name": row.name,
            "role": row.role,
            "height": row.height,
            "tip": row.tip,
            "peers": row.peers,
            "mempool": row.mempool,
            "balance": row.balance,
        }
        for row in result.nodes
    ]
    return {
        "payment": result.payment,
        "block": result.block,
        "amount": result.amount,
        "seconds": round(result.seconds, 3),
        "nodes": nodes,
    }
