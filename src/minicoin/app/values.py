"""What the words of an option or argument mean: numbers, paths, choices.

typer would build pydantic models for this, and a command would load pydantic to read its port number.
"""

import types
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Union, get_args, get_origin

import typer
from typer.models import ParameterInfo

from minicoin.core.encoding.numbers import NUMBER


class Value:
    """The meaning of one parameter's words; in the place of what typer would build for it."""

    def __init__(self, annotation: object) -> None:
        self._info: ParameterInfo | None = None
        if get_origin(annotation) is Annotated:
            annotation, self._info = get_args(annotation)
        if get_origin(annotation) in (types.UnionType, Union):
            annotation = next(one for one in get_args(annotation) if one is not type(None))
        self._is_list = get_origin(annotation) is list
        self._kind: object = get_args(annotation)[0] if self._is_list else annotation

    @property
    def label(self) -> str:
        """What stands for it in help."""
        if get_origin(self._kind) is Literal:
            return "|".join(map(str, get_args(self._kind)))
        return {int: "N", float: "X", Path: "PATH"}.get(self._kind, "TEXT")  # type: ignore[call-overload, no-any-return]

    def coerce(self, value: object, param: object, ctx: object) -> object:
        """The value meant. Raises BadParameter."""
        if value is None:
            return () if self._is_list else None
        if self._is_list:
            assert isinstance(value, Sequence)
            return tuple(self._one(word, param, ctx) for word in value)
        return self._one(value, param, ctx)

    def _one(self, word: object, param: object, ctx: object) -> object:
        if not isinstance(word, str):
            # A default, or a flag.
            return word
        try:
            return self._read(word)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from None  # type: ignore[arg-type]

    def _read(self, word: str) -> object:
        if self._kind is int:
            return self._within(_whole(word), word)
        if self._kind is float:
            return self._within(_fraction(word), word)
        if self._kind is bool:
            return _yes(word)
        if self._kind is Path:
            return Path(word)
        if get_origin(self._kind) is Literal:
            choices = get_args(self._kind)
            if word not in choices:
                raise ValueError(f"{word!r} is not one of {', '.join(choices)}")
        return word

    def _within(self, number: float, word: str) -> float:
        low = self._info.min if self._info is not None else None
        high = self._info.max if self._info is not None else None
        if (low is not None and number < low) or (high is not None and number > high):
            bounds = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
            raise ValueError(f"{word} is not {' and '.join(bounds)}")
        return number


def _whole(word: str) -> int:
    if not word.isascii() or not word.removeprefix("-").isdigit():
        raise ValueError(f"{word!r} is not a whole number")
    return int(word)


def _fraction(word: str) -> float:
    # Python takes more: nan, inf, 1_000, and the digits of any script.
    if NUMBER.fullmatch(word) is None:
        raise ValueError(f"{word!r} is not a number")
    try:
        return float(word)
    except ValueError:
        raise ValueError(f"{word!r} is not a number") from None


def _yes(word: str) -> bool:
    if word.lower() in ("1", "true", "yes", "on"):
        return True
    if word.lower() in ("0", "false", "no", "off", ""):
        return False
    raise ValueError(f"{word!r} is neither yes nor no")
