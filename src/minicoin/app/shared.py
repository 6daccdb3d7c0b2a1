"""The options that every command has, before or after its name: which node is meant, and how results are shown."""

from pathlib import Path
from typing import Annotated, Final

import typer

PANEL: Final = "Which node, and how to show (before or after the command)"
# Those of every command; given before its name they count as given after it.
SHARED_OPTIONS: Final = ("network", "datadir", "rpcconnect", "rpcport", "rpcuser", "rpcpassword", "json")

NetworkOption = Annotated[
    str,
    typer.Option(
        "--network", envvar="MINICOIN_NETWORK", help="A network's name, or a .toml file.", rich_help_panel=PANEL
    ),
]
DatadirOption = Annotated[
    Path | None,
    typer.Option(
        "--datadir",
        envvar="MINICOIN_DATADIR",
        help="The node's data directory.",
        show_default="the network's own",
        rich_help_panel=PANEL,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.", rich_help_panel=PANEL)]
RpcHostOption = Annotated[str | None, typer.Option("--rpcconnect", help="RPC host.", rich_help_panel=PANEL)]
RpcPortOption = Annotated[
    int | None, typer.Option("--rpcport", min=0, max=65535, help="RPC port.", rich_help_panel=PANEL)
]
RpcUserOption = Annotated[
    str | None, typer.Option("--rpcuser", help="RPC user instead of the cookie.", rich_help_panel=PANEL)
]
RpcPasswordOption = Annotated[
    str | None,
    typer.Option("--rpcpassword", envvar="MINICOIN_RPCPASSWORD", help="Its password.", rich_help_panel=PANEL),
]
