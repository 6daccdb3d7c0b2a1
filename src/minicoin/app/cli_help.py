"""`minicoin help`: the same text as --help, by the word people try first."""

from typing import Annotated

import typer


def show_help(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...", help="Which command.")] = None,
) -> None:
    """The help of a command."""
    program = context.find_root().command
    raise typer.Exit(program.main([*(words or []), "--help"], prog_name=program.name, standalone_mode=False) or 0)
