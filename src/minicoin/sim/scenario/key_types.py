"""A key's type and range in words, read off its field: for the documentation."""

import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from minicoin.sim.scenario.fields import BYTE_PER_S_MBIT, MICROSECOND_MS, MICROSECOND_S, NODES_MAX, RATE_MIN, YEAR_S
from minicoin.sim.scenario.seeds import parse_seeds
from minicoin.sim.scenario.targets import parse_target

# Ends of ranges that only keep absurd numbers out.
_WIDE: Final = (NODES_MAX, YEAR_S, -YEAR_S, 1_000_000, 3_600_000, 60_000_000)
# One of a unit, written without an exponent.
_LEAST: Final = (MICROSECOND_S, MICROSECOND_MS, BYTE_PER_S_MBIT, RATE_MIN)
# Types that have forms of their own, by the function that reads them.
_FORMS: Final = {parse_target.__name__: "[target](#targets)", parse_seeds.__name__: "numbers or range"}


def type_words(field: FieldInfo) -> str:
    """What may be written, for people."""
    return _words(field.annotation, field.metadata)


def _words(annotation: object, metadata: Iterable[object]) -> str:
    facts = list(_flat(metadata))
    for fact in facts:
        if isinstance(fact, BeforeValidator):
            return _FORMS[fact.func.__name__]
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(parts[0], parts[1:])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(part, ()) for part in parts if part is not type(None))
    if origin is tuple:
        return f"list of {_words(parts[0], ())}"
    if origin is dict:
        return "table of settings" if parts[0] is str else "table of rates by kind"
    if annotation is bool:
        return "true, false"
    if annotation is int:
        return f"whole number{_range(facts)}"
    if annotation is float:
        return f"number{_range(facts)}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return "text"


def _flat(metadata: Iterable[object]) -> Iterator[object]:
    for fact in metadata:
        if isinstance(fact, FieldInfo):
            yield from fact.metadata
        else:
            yield fact


def _range(facts: Iterable[object]) -> str:
    """The bounds; those that only keep absurd numbers out are left away."""
    low, high = "", ""
    for fact in facts:
        match fact:
            case Ge(ge=bound) if bound in _LEAST:
                low = f"from {bound:f}"
            case Ge(ge=bound) if bound not in _WIDE:
                low = f"from {bound}"
            case Gt(gt=bound):
                low = f"above {bound}"
            case Le(le=bound) if bound not in _WIDE:
                high = f"to {bound:,}"
            case Lt(lt=bound) if bound not in _WIDE:
                high = f"below {bound:,}"
    words = " ".join(word for word in (low, high) if word)
    return f", {words}" if words else ""
