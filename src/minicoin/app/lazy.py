"""Commands as typer runs them, each loaded when it is called and not before.

A `Stub` knows a command's name and line of help, which is all that help and completion ask of it; its function's module
is loaded when a context for it is made. `Verb` is the loaded command: it takes over the options given before its name,
and names the nearest option for one it does not know.
"""

import difflib
import inspect
from collections.abc import Callable, Iterable
from typing import Protocol

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from minicoin.app.commands import Command
from minicoin.app.help_text import help_text
from minicoin.app.loading import load
from minicoin.app.shared import SHARED_OPTIONS
from minicoin.app.values import Value

_NEAREST = 0.6


class HelpFormatter(Protocol):
    """What typer gives to be written to."""

    def write(self, string: str) -> None: ...


class UsageProblem(TyperException):
    """The words of the command line do not make a command."""

    exit_code = 2

    def __init__(self, message: str, command_path: str) -> None:
        super().__init__(message)
        self.command_path = command_path


def read_plainly(params: Iterable[object], function: Callable[..., object] | None = None) -> None:
    """Have the words of parameters read by `values`, unless that is so already.

    A typer that looks for its reader elsewhere reads them its own way, which costs time and nothing else. Parameters
    that are not the function's are typer's own, for help and completion: flags and words.
    """
    own = {} if function is None else inspect.signature(function).parameters
    for param in params:
        if isinstance(vars(param).get("_runtime_param"), Value):
            continue
        parameter = own.get(str(getattr(param, "name", "")))
        vars(param)["_runtime_param"] = Value(str if parameter is None else parameter.annotation)


class Verb(TyperCommand):
    """A command whose function is loaded."""

    def get_params(self, ctx: typer.Context) -> list[TyperArgument | TyperOption]:  # type: ignore[override]
        params = super().get_params(ctx)
        read_plainly(params)
        return params  # type: ignore[return-value]

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        words = list(args)
        try:
            rest = super().parse_args(ctx, args)
        except TyperException as error:
            hint = None if ctx.resilient_parsing else self._explain_option(ctx, words)
            if hint is None:
                raise
            raise UsageProblem(hint, ctx.command_path) from error
        if not ctx.resilient_parsing:
            self._take_over(ctx)
        return rest

    def format_help(self, ctx: typer.Context, formatter: HelpFormatter) -> None:  # type: ignore[override]
        """Its own options; those that all commands share are told once, by `minicoin --help`."""
        params = self.get_params(ctx)
        shared = [param for param in params if _shared_name(param)]
        epilog = ""
        if len(shared) == len(SHARED_OPTIONS):
            params = [param for param in params if param not in shared]
            epilog = f"Also: {', '.join(f'--{name}' for name in SHARED_OPTIONS)} (see minicoin --help)."
        formatter.write(help_text(self, self.get_usage(ctx), params, epilog=epilog))

    def _take_over(self, ctx: typer.Context) -> None:
        """Options given before the command's name count as given after it."""
        given: dict[str, object] = ctx.obj or {}
        own = {_shared_name(param): param.name for param in self.params if param.name}
        for shared, value in given.items():
            name = own.get(shared)
            if name is None:
                raise UsageProblem(f"{ctx.command_path} takes no --{shared}", ctx.command_path)
            source = ctx.get_parameter_source(name)
            if source is None or source.name != "COMMANDLINE":
                ctx.params[name] = value

    def _explain_option(self, ctx: typer.Context, words: list[str]) -> str | None:
        """What is wrong with the first word that is no option of this command; None where all are."""
        known = [spelling for param in self.get_params(ctx) for spelling in (*param.opts, *param.secondary_opts)]
        known = [spelling for spelling in known if spelling.startswith("-")]
        for word in words:
            option = word.partition("=")[0]
            if word == "--":
                break
            if not option.startswith("-") or option[1:2].isdigit() or option in known or option == "-":
                continue
            if not option.startswith("--") and option[:2] in known:
                # -l17444, or a misspelt long one whose first letter happens to be a short one.
                continue
            bare = option.lstrip("-")
            longer = [spelling for spelling in known if bare and spelling.startswith(f"--{bare}")]
            nearest = difflib.get_close_matches(bare, [spelling.lstrip("-") for spelling in known], 1, _NEAREST)
            alike = [spelling for spelling in known if nearest and spelling.lstrip("-") == nearest[0]]
            hint = "".join(f"; did you mean {spelling}?" for spelling in (*longer, *alike)[:1])
            return f"no such option: {option}{hint}"
        return None


class Stub(TyperCommand):
    """A command or group that is not made yet: its name and its line of help."""

    def __init__(self, name: str, about: str, panel: str, make: Callable[[], TyperCommand | TyperGroup]) -> None:
        super().__init__(name, help=about, rich_help_panel=panel)
        self._make = make

    def make_context(  # type: ignore[override]
        self, info_name: str | None, args: list[str], parent: typer.Context | None = None, **extra: object
    ) -> typer.Context:
        """That of the command itself."""
        return self._make().make_context(info_name, args, parent, **extra)  # type: ignore[return-value]


def load_verb(command: Command) -> TyperCommand:
    """The command with its function."""
    function = getattr(load(command.module), command.function)
    if _takes_invocation(function):
        function = load("invocation").with_invocation(function)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    settings: dict[str, object] = {"help_option_names": ["-h", "--help"]}
    if command.takes_anything:
        settings["ignore_unknown_options"] = True
    app.command(command.name, cls=Verb, context_settings=settings)(function)
    verb = typer.main.get_command(app)
    assert isinstance(verb, Verb)
    read_plainly(verb.params, function)
    return verb


def _takes_invocation(function: Callable[..., object]) -> bool:
    """Whether the command is about a node, and is given which. Its module has loaded what an invocation is, if so."""
    first = next(iter(inspect.signature(function).parameters.values()), None)
    return getattr(first and first.annotation, "__module__", "") == "minicoin.app.invocation"


def _shared_name(param: object) -> str:
    """The shared option that this parameter is; empty for a command's own."""
    options: list[str] = getattr(param, "opts", [])
    return next((name for name in SHARED_OPTIONS if f"--{name}" in options), "")
