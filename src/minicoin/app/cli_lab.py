"""`minicoin lab`: a private network of real processes on this machine."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from minicoin.app.client import NoNode, RpcFailure
from minicoin.app.consortium.lab import BANKS_MAX
from minicoin.app.lab.consortium import BANKS_MIN, ConsortiumResult, consortium_up
from minicoin.app.lab.plan import NODES_MAX, plan_lab
from minicoin.app.lab.up import LabResult, lab_up
from minicoin.app.shared import JsonOption
from minicoin.app.show import EXIT_FAILED, error_line
from minicoin.app.signals import end_as_ctrl_c_does
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
    network: Annotated[
        str | None, typer.Option("--network", help=f"A network's name, or a .toml file. [default: {_LAB_NETWORK}]")
    ] = None,
    consortium: Annotated[
        bool, typer.Option("--consortium", help="Banks that sign blocks together: each pays each, and all is final.")
    ] = False,
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
    results: list[Json] = []
    console = Console(stderr=True) if json else Console(soft_wrap=True)
    end_as_ctrl_c_does()
    is_once = json or not sys.stdout.isatty() if once is None else once
    try:
        if consortium:
            _check_consortium(count, network, overlay, overlay_setting)
            code = consortium_up(
                count,
                once=is_once,
                datadir=datadir,
                console=console,
                on_result=lambda result: results.append(_consortium_json(result)),
            )
        else:
            code = lab_up(
                plan_lab(count, network or _LAB_NETWORK, overlay, overlay_setting or ()),
                once=is_once,
                datadir=datadir,
                console=console,
                on_result=lambda result: results.append(_result_json(result)),
            )
    except (MisuseError, NoNode, RpcFailure) as error:
        if json:
            typer.echo(encode_json({"error": {"code": None, "message": str(error)}}))
        else:
            typer.echo(error_line(str(error)), err=True)
        raise typer.Exit(EXIT_FAILED) from error
    if json and results:
        typer.echo(encode_json(results[0]))
    raise typer.Exit(code)


def _check_consortium(count: int, network: str | None, overlay: str | None, settings: list[str] | None) -> None:
    if network is not None or overlay is not None or settings:
        raise MisuseError("--consortium founds a network of its own: leave --network and --overlay out")
    if not BANKS_MIN <= count <= BANKS_MAX:
        raise MisuseError(f"a consortium in a lab has {BANKS_MIN} to {BANKS_MAX} banks, not {count}")


def _consortium_json(result: ConsortiumResult) -> Json:
    banks: list[Json] = [
        {
            "bank": row.bank,
            "height": row.height,
            "finalized": row.finalized,
            "signed": row.signed,
            "peers": row.peers,
            "balance": row.balance,
        }
        for row in result.banks
    ]
    return {
        "payments": result.payments,
        "certificates": result.certificates,
        "seconds": round(result.seconds, 3),
        "banks": banks,
    }


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
