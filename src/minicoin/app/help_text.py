"""The text of --help: plain lines, options under their headings, each with its default; no name is ever cut."""

import shutil
import textwrap
from collections.abc import Iterable
from typing import Final

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from minicoin.app.values import Value

_WIDTH_MAX: Final = 100
_INDENT: Final = "  "
# Where what an option means begins; a longer name has a line to itself.
_MEANING_AT: Final = 28
_OPTIONS: Final = "Options"

Param = TyperArgument | TyperOption


def help_text(
    command: TyperCommand | TyperGroup,
    usage: str,
    params: Iterable[Param],
    commands: Iterable[TyperCommand] = (),
    epilog: str = "",
) -> str:
    """Everything about one command or group, for the width of the terminal."""
    width = min(shutil.get_terminal_size().columns, _WIDTH_MAX)
    sections = [textwrap.fill(usage, width, subsequent_indent=" " * 4)]
    sections += [textwrap.fill(" ".join(part.split()), width) for part in (command.help or "").split("\n\n") if part]
    panels: dict[str, list[tuple[str, str]]] = {}
    for param in params:
        if not getattr(param, "hidden", False):
            panel = param.rich_help_panel or ("Arguments" if isinstance(param, TyperArgument) else _OPTIONS)
            panels.setdefault(panel, []).append((_names(param), _meaning(param)))
    # The command's own options before those of headings, --help among them.
    for panel in sorted(panels, key=lambda title: title != "Arguments"):
        sections.append(_panel(panel, panels[panel], width))
    groups: dict[str, list[tuple[str, str]]] = {}
    for one in commands:
        groups.setdefault(one.rich_help_panel or "Commands", []).append((one.name or "", one.help or ""))
    sections += [_panel(title, rows, width) for title, rows in groups.items()]
    if epilog:
        sections.append(textwrap.fill(epilog, width))
    return "\n\n".join(sections)


def _panel(title: str, rows: Iterable[tuple[str, str]], width: int) -> str:
    return "\n".join((f"{title}:", *(_row(names, meaning, width) for names, meaning in rows)))


def _row(names: str, meaning: str, width: int) -> str:
    column = " " * _MEANING_AT
    told = textwrap.wrap(meaning, max(width - _MEANING_AT, 20), break_long_words=False, break_on_hyphens=False)
    head = f"{_INDENT}{names}"
    if len(head) + 2 > _MEANING_AT or not told:
        return "\n".join((head, *(column + line for line in told)))
    return "\n".join((head.ljust(_MEANING_AT) + told[0], *(column + line for line in told[1:])))


def _names(param: Param) -> str:
    if isinstance(param, TyperArgument):
        name = param.metavar or (param.name or "").upper()
        return name if param.required or name.startswith("[") else f"[{name}]"
    # typer's own --help comes out of a set.
    opts = sorted(param.opts) if param.name == "help" else param.opts
    names = ", ".join([*opts, *param.secondary_opts])
    value = vars(param).get("_runtime_param")
    return names if param.is_flag or not isinstance(value, Value) else f"{names} {param.metavar or value.label}"


def _meaning(param: Param) -> str:
    told = [param.help or ""]
    default = param.default
    if isinstance(param.show_default, str):
        told.append(f"[default: {param.show_default}]")
    elif param.show_default and default is not None and default is not False and default != "" and not param.required:
        told.append(f"[default: {default}]")
    if param.envvar:
        told.append(f"[or {param.envvar}]")
    return " ".join(told)
