"""What every command of the command line shares: which node is meant, how results are shown, how errors end.

Commands take a Session as their first parameter; `with_session` adds the options that make one to the command's own.
"""

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from minicoin.app.client import NodePlace, NoNode, RpcClient, RpcFailure
from minicoin.app.options import DEFAULT_NETWORK, default_datadir, find_network
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.node.commands import UNLOCK_NEEDED
from minicoin.core.params.network import Network
from minicoin.drivers.store.errors import StoreError
from minicoin.rpc.auth import Credentials
from minicoin.rpc.json_text import Json, encode_json

PASSPHRASE_VARIABLE: Final = "MINICOIN_PASSPHRASE"
EXIT_FAILED: Final = 1
_UNLOCK_S: Final = 60
_PIPE_WIDTH: Final = 400
_PANEL: Final = "Which node, and how to show"

NetworkOption = Annotated[
    str,
    typer.Option(
        "--network", envvar="MINICOIN_NETWORK", help="A network's name, or a .toml file.", rich_help_panel=_PANEL
    ),
]
DatadirOption = Annotated[
    Path | None,
    typer.Option(
        "--datadir",
        envvar="MINICOIN_DATADIR",
        help="The node's data directory. [default: the network's own]",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.", rich_help_panel=_PANEL)]
_RpcHostOption = Annotated[str | None, typer.Option("--rpcconnect", help="RPC host.", rich_help_panel=_PANEL)]
_RpcPortOption = Annotated[
    int | None, typer.Option("--rpcport", min=0, max=65535, help="RPC port.", rich_help_panel=_PANEL)
]
_RpcUserOption = Annotated[
    str | None, typer.Option("--rpcuser", help="RPC user instead of the cookie.", rich_help_panel=_PANEL)
]
_RpcPasswordOption = Annotated[
    str | None,
    typer.Option("--rpcpassword", envvar="MINICOIN_RPCPASSWORD", help="Its password.", rich_help_panel=_PANEL),
]


@dataclass(slots=True)
class Session:
    """One run of one command."""

    network_name: str
    datadir_given: Path | None
    is_json: bool
    host: str | None = None
    port: int | None = None
    credentials: Credentials | None = None
    console: Console = field(default_factory=lambda: _console())
    _client: RpcClient | None = None

    @property
    def network(self) -> Network:
        """The network meant."""
        return find_network(self.network_name)

    @property
    def datadir(self) -> Path:
        """The data directory meant."""
        return self.datadir_given.expanduser() if self.datadir_given else default_datadir(self.network)

    @property
    def client(self) -> RpcClient:
        """The running node. Raises NoNode."""
        if self._client is None:
            self._client = RpcClient(NodePlace(self.network, self.datadir, self.host, self.port, self.credentials))
        return self._client

    def call(self, method: str, *params: Json) -> Json:
        """Call the node."""
        return self.client.call(method, *params)

    def call_unlocked(self, method: str, **params: Json) -> Json:
        """Call what needs the wallet's keys: asks for the passphrase where it is locked, and locks it again."""
        try:
            return self.client.call_named(method, **params)
        except RpcFailure as failure:
            if failure.code != UNLOCK_NEEDED:
                raise
            passphrase = ask_passphrase("Passphrase of the wallet")
            if passphrase is None:
                raise
        self.call("walletpassphrase", passphrase, _UNLOCK_S)
        try:
            return self.client.call_named(method, **params)
        finally:
            self.call("walletlock")

    def show(self, value: Json, for_people: Callable[[Console], None] | str) -> None:
        """The result: as JSON where that was asked for, else for people."""
        if self.is_json:
            typer.echo(encode_json(value))
        elif isinstance(for_people, str):
            typer.echo(for_people)
        else:
            for_people(self.console)

    def close(self) -> None:
        """End the connection, if there was one."""
        if self._client is not None:
            self._client.close()


def words(value: Json) -> str:
    """A value for people: amounts with all their decimals, never in powers of ten."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def fold_hashes(table: Table, *columns: int) -> Table:
    """Wrap these columns where a terminal is narrow, instead of cutting what people copy."""
    for column in columns:
        table.columns[column].overflow = "fold"
    return table


def _console() -> Console:
    # Into a pipe or file nothing is folded or cut.
    return Console() if sys.stdout.isatty() else Console(width=_PIPE_WIDTH)


def ask_passphrase(prompt: str, *, is_new: bool = False) -> str | None:
    """From the environment, or typed unseen; None where nobody can be asked."""
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        return None
    answer: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=is_new, err=True)
    return answer


def fail(session: Session, message: str, code: int | None = None) -> NoReturn:
    """End with one line on stderr, or the JSON document of an error, and exit code 1."""
    if session.is_json:
        typer.echo(encode_json({"error": {"code": code, "message": message}}))
    else:
        typer.echo(f"error: {message}", err=True)
    raise typer.Exit(EXIT_FAILED)


def _make_session(
    network: NetworkOption = DEFAULT_NETWORK,
    datadir: DatadirOption = None,
    rpcconnect: _RpcHostOption = None,
    rpcport: _RpcPortOption = None,
    rpcuser: _RpcUserOption = None,
    rpcpassword: _RpcPasswordOption = None,
    json: JsonOption = False,
) -> Session:
    credentials = Credentials(rpcuser, rpcpassword or "") if rpcuser is not None else None
    return Session(network, datadir, json, rpcconnect, rpcport, credentials)


def with_session(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer sees it: its own options and those that make the Session it takes first."""
    own = list(inspect.signature(command).parameters.values())[1:]
    shared = list(inspect.signature(_make_session).parameters.values())
    shared_names = [parameter.name for parameter in shared]
    make_session: Callable[..., Session] = _make_session

    def run(**values: object) -> None:
        session = make_session(**{name: values.pop(name) for name in shared_names})
        try:
            command(session, **values)
        except RpcFailure as failure:
            fail(session, failure.message, failure.code)
        except (NoNode, MisuseError, DecodeError, StoreError) as error:
            fail(session, str(error))
        finally:
            session.close()

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *shared)]
    run.__name__ = command.__name__
    run.__doc__ = command.__doc__
    # What typer reads instead of the wrapper's own signature.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
