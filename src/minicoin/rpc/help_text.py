"""The text of `help`, made from the rows of the method table and from nothing else."""

from collections.abc import Iterable
from typing import Final

from minicoin.rpc.json_text import Json, encode_json
from minicoin.rpc.method import Argument, Category, Kind, Method

CONVERSIONS: Final = "dump_all_command_conversions"
"""What `help` is asked for it, as Bitcoin Core is."""


def usage(method: Method) -> str:
    """One line: the name, required arguments, and the optional ones in brackets."""
    required = [_word(argument) for argument in method.arguments if not argument.is_optional]
    left_out = [_word(argument) for argument in method.arguments if argument.is_optional]
    brackets = ["(", *left_out, ")"] if left_out else []
    return " ".join((method.name, *required, *brackets))


def overview(methods: Iterable[Method]) -> str:
    """All methods by category."""
    rows = list(methods)
    sections: list[str] = []
    for category in Category:
        lines = sorted(usage(method) for method in rows if method.category is category and not method.is_hidden)
        if lines:
            sections.append("\n".join((f"== {category} ==", *lines)))
    return "\n\n".join(sections)


def describe(method: Method) -> str:
    """Everything about one method."""
    lines = [usage(method), "", method.about, ""]
    if method.arguments:
        lines.append("Arguments:")
        lines += [_explain(position, argument) for position, argument in enumerate(method.arguments, 1)]
        lines.append("")
    lines += ["Result:", method.result]
    return "\n".join(lines)


def conversions(methods: Iterable[Method]) -> Json:
    """For clients that are given words: a row [method, position, argument, is it text] for each argument."""
    return [
        [method.name, position, argument.name, argument.kind.is_text]
        for method in methods
        for position, argument in enumerate(method.arguments)
    ]


def _word(argument: Argument) -> str:
    if argument.in_usage:
        return argument.in_usage
    if argument.kind is Kind.ARRAY:
        return f"[{argument.name},...]"
    return f'"{argument.name}"' if argument.kind.is_text else argument.name


def _explain(position: int, argument: Argument) -> str:
    need = "required"
    if argument.is_optional:
        need = "optional" if argument.default is None else f"optional, default={encode_json(argument.default)}"
    return f"{position}. {argument.name} ({argument.kind}, {need}) {argument.about}"
