"""What every command of the command line shares: which node is meant, how results are shown, how errors end.

Commands take an Invocation as their first parameter; `with_invocation` adds the options that make one to their own.
"""

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import typer

from minicoin.app.client import UNLOCK_NEEDED, NodePlace, NoNode, RpcClient, RpcFailure
from minicoin.app.loading import load
from minicoin.app.places import DEFAULT_NETWORK, NETWORK_SUFFIX, default_datadir, own_network_file
from minicoin.app.shared import (
    DatadirOption,
    JsonOption,
    NetworkOption,
    RpcHostOption,
    RpcPasswordOption,
    RpcPortOption,
    RpcUserOption,
)
from minicoin.app.show import EXIT_FAILED, Table, error_line, terminal_width
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.drivers.store.errors import StoreError
from minicoin.rpc.auth import Credentials
from minicoin.rpc.json_text import Json, encode_json

PASSPHRASE_VARIABLE: Final = "MINICOIN_PASSPHRASE"
_UNLOCK_S: Final = 60
_UNLOCK_TRIES: Final = 5
_LOCKED: Final = f"the wallet is locked: unlock it with `minicoin wallet unlock`, or set {PASSPHRASE_VARIABLE}"


@dataclass(slots=True)
class Invocation:
    """One run of one command."""

    network_name: str
    datadir_given: Path | None
    is_json: bool
    host: str | None = None
    port: int | None = None
    credentials: Credentials | None = None
    _client: RpcClient | None = None

    @property
    def datadir(self) -> Path:
        """The data directory meant."""
        if self.datadir_given is not None:
            return self.datadir_given.expanduser()
        name = self.network_name
        if name.endswith(NETWORK_SUFFIX) or own_network_file(name).exists():
            # The file says how the network is called.
            name = load("networks").find_network(name).name
        return default_datadir(name)

    @property
    def client(self) -> RpcClient:
        """The running node. Raises NoNode."""
        if self._client is None:
            place = NodePlace(self.network_name, self.datadir, self.host, self.port, self.credentials)
            self._client = RpcClient(place)
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
                raise RpcFailure(UNLOCK_NEEDED, _LOCKED) from None
        for _ in range(_UNLOCK_TRIES):
            self.call("walletpassphrase", passphrase, _UNLOCK_S)
            try:
                return self.client.call_named(method, **params)
            except RpcFailure as failure:
                # Another command that unlocked it for itself has locked it again.
                if failure.code != UNLOCK_NEEDED:
                    raise
            finally:
                self.call("walletlock")
        raise RpcFailure(UNLOCK_NEEDED, _LOCKED)

    def show(self, value: Json, for_people: str | Table) -> None:
        """The result: as JSON where that was asked for, else for people."""
        if self.is_json:
            typer.echo(encode_json(value))
        elif isinstance(for_people, str):
            typer.echo(for_people)
        else:
            typer.echo("\n".join(for_people.lines(terminal_width())))

    def close(self) -> None:
        """End the connection, if there was one; the next call opens another."""
        if self._client is not None:
            self._client.close()
            self._client = None


def ask_passphrase(prompt: str, *, is_new: bool = False, variable: str = PASSPHRASE_VARIABLE) -> str | None:
    """From the environment, or typed unseen; None where nobody can be asked."""
    given = os.environ.get(variable)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        return None
    answer: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=is_new, err=True)
    return answer


def fail(invocation: Invocation, message: str, code: int | None = None) -> NoReturn:
    """End with one line on stderr, or the JSON document of an error, and exit code 1."""
    if invocation.is_json:
        typer.echo(encode_json({"error": {"code": code, "message": message}}))
    else:
        typer.echo(error_line(message), err=True)
    raise typer.Exit(EXIT_FAILED)


def _make_invocation(
    network: NetworkOption = DEFAULT_NETWORK,
    datadir: DatadirOption = None,
    rpcconnect: RpcHostOption = None,
    rpcport: RpcPortOption = None,
    rpcuser: RpcUserOption = None,
    rpcpassword: RpcPasswordOption = None,
    json: JsonOption = False,
) -> Invocation:
    credentials = Credentials(rpcuser, rpcpassword or "") if rpcuser is not None else None
    return Invocation(network, datadir, json, rpcconnect, rpcport, credentials)


def with_invocation(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer sees it: its own options and those that make the Invocation it takes first."""
    own = list(inspect.signature(command).parameters.values())[1:]
    shared = list(inspect.signature(_make_invocation).parameters.values())
    shared_names = [parameter.name for parameter in shared]
    make_invocation: Callable[..., Invocation] = _make_invocation

    def run(**values: object) -> None:
        invocation = make_invocation(**{name: values.pop(name) for name in shared_names})
        try:
            command(invocation, **values)
        except RpcFailure as failure:
            fail(invocation, failure.message, failure.code)
        except (NoNode, MisuseError, DecodeError, StoreError) as error:
            fail(invocation, str(error))
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            fail(invocation, f"{where}{error.strerror or error}")
        finally:
            invocation.close()

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *shared)]
    run.__name__ = command.__name__
    run.__doc__ = command.__doc__
    # What typer reads instead of the wrapper's own signature.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
