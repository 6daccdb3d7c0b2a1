"""The program `minicoin`: the group of all commands, the options before a command's name, and how errors of usage end.

A running node is driven through its RPC, never through its files; `chain import`, `export` and `verify` work on the
files of a node that does not run. Completion: minicoin --install-completion.
"""

import sys
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.exceptions import TyperException

from minicoin import __version__
from minicoin.app.commands import GROUPS, commands_of
from minicoin.app.help_text import help_text
from minicoin.app.lazy import HelpFormatter, Stub, UsageProblem, load_verb, read_plainly
from minicoin.app.places import DEFAULT_NETWORK, PROGRAM
from minicoin.app.shared import (
    SHARED_OPTIONS,
    DatadirOption,
    JsonOption,
    NetworkOption,
    RpcHostOption,
    RpcPasswordOption,
    RpcPortOption,
    RpcUserOption,
)
from minicoin.app.show import EXIT_FAILED, error_line
from minicoin.app.standard_files import turn_off
from minicoin.rpc.json_text import encode_json

EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


_VersionOption = Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="The version.")]


def _remember(
    context: typer.Context,
    network: NetworkOption = DEFAULT_NETWORK,
    datadir: DatadirOption = None,
    rpcconnect: RpcHostOption = None,
    rpcport: RpcPortOption = None,
    rpcuser: RpcUserOption = None,
    rpcpassword: RpcPasswordOption = None,
    json: JsonOption = False,
    version: _VersionOption = False,
) -> None:
    """What is given before a command's name, for the command to take over."""
    given: dict[str, object] = dict(context.obj or {})
    for name in SHARED_OPTIONS:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            given[name] = context.params[name]
    context.obj = given


class _Program(TyperGroup):
    """The group of everything."""

    def get_params(self, ctx: typer.Context) -> list[TyperArgument | TyperOption]:  # type: ignore[override]
        params = super().get_params(ctx)
        read_plainly(params)
        return params  # type: ignore[return-value]

    def format_help(self, ctx: typer.Context, formatter: HelpFormatter) -> None:  # type: ignore[override]
        commands = [command for command in self.commands.values() if isinstance(command, Stub)]
        formatter.write(help_text(self, self.get_usage(ctx), self._told(ctx), commands))

    def _told(self, ctx: typer.Context) -> list[TyperArgument | TyperOption]:
        return self.get_params(ctx)


class _Group(_Program):
    """A group below it: what it says about itself is which commands it has."""

    def _told(self, ctx: typer.Context) -> list[TyperArgument | TyperOption]:
        return []


def _make_group(name: str, about: str, kind: type[TyperGroup], *, completes: bool) -> TyperGroup:
    app = typer.Typer(
        name=name,
        help=about,
        cls=kind,
        no_args_is_help=True,
        add_completion=completes,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_remember)
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    read_plainly(group.params, _remember)
    for command in commands_of(name if name != PROGRAM else ""):
        group.add_command(Stub(command.name, command.about, command.panel, partial(load_verb, command)))
    return group


def make_program() -> TyperGroup:
    """The group of everything; nothing of a command is loaded."""
    program = _make_group(PROGRAM, "minicoin: a blockchain network you can run.", _Program, completes=True)
    for group in GROUPS:
        make = partial(_make_group, group.name, group.about, _Group, completes=False)
        program.add_command(Stub(group.name, group.about, "Groups of commands", make))
    return program


def run(words: Sequence[str]) -> int:
    """One call of the program; its exit code."""
    try:
        code = make_program().main(list(words), prog_name=PROGRAM, standalone_mode=False)
    except TyperException as error:
        return _refuse(error, is_json="--json" in words)
    except typer.Abort:
        typer.echo("aborted", err=True)
        return EXIT_FAILED
    return code if isinstance(code, int) else 0


def _refuse(error: TyperException, *, is_json: bool) -> int:
    """Words that make no command."""
    message = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":
        # Called without a word: its help is the message.
        typer.echo(message)
        return EXIT_USAGE
    message = message[:1].lower() + message[1:].rstrip(".")
    if is_json:
        typer.echo(encode_json({"error": {"code": None, "message": message}}))
        return error.exit_code
    typer.echo(error_line(message), err=True)
    path = error.command_path if isinstance(error, UsageProblem) else _path(error)
    if path:
        typer.echo(f"see: {path} --help", err=True)
    return error.exit_code


def _path(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if isinstance(context, typer.Context) else str(getattr(context, "command_path", ""))


def main() -> None:
    """The program's entry."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing is left to be flushed at the end.
        turn_off(sys.stdout)
        code = EXIT_FAILED
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    sys.exit(code)
