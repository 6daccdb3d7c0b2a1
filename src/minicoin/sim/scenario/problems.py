"""Says what is wrong with a scenario: where, what, and what is allowed instead.

Turns pydantic's findings into sentences with the key's path as it stands in the file, and finds the key that was meant
when one is misspelt or stands in the wrong table.
"""

import difflib
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from minicoin.core.faults import MisuseError

_CLOSE: Final = 0.6
_PREFIXES: Final = ("Value error, ", "Input ")


class ScenarioError(MisuseError):
    """A scenario that cannot be used. The message has a line for each problem, with file and key."""


class KeyProblem(ValueError):
    """A check between keys that failed, with the path of the key to change."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")


def scenario_error(source: str, error: ValidationError, root: type[BaseModel]) -> ScenarioError:
    """All that pydantic found, one line each."""
    lines = [f"{source}: {line}" for line in dict.fromkeys(_lines(error, root))]
    return ScenarioError("\n".join(lines))


def _lines(error: ValidationError, root: type[BaseModel]) -> Iterator[str]:
    for detail in error.errors(include_url=False):
        found = detail["loc"]
        path, models, _ = _walk(found, root)
        message = _sentence(detail["msg"])
        kind = detail["type"]
        if _is_other_form(kind, found, detail["input"]):
            continue
        context: Mapping[str, object] = detail.get("ctx", {})
        if kind == "extra_forbidden":
            # The schema has no such step, so the walk ends at the table.
            path, _, inside = _walk(found[:-1], root)
            path = f"{path}.{found[-1]}" if path else str(found[-1])
            message = _unknown_key(str(found[-1]), inside, root)
        elif kind == "missing":
            message = f"is required{_meaning(models, str(found[-1]))}"
        elif kind in ("literal_error", "union_tag_invalid"):
            message = _unknown_word(detail["input"], str(context.get("discriminator", "")), context)
            path += ".kind" if kind == "union_tag_invalid" else ""
        elif kind == "union_tag_not_found":
            path, message = f"{path}.kind", "is required; it says which of them this is"
        elif kind in ("model_type", "model_attributes_type"):
            message = f"must be a table of keys, not {detail['input']!r}"
        elif kind == "tuple_type":
            message = _not_a_list(path, detail["input"])
        elif kind != "value_error":
            message += f", not {detail['input']!r}"
        yield f"{path}: {message}" if path else message


def _is_other_form(kind: str, found: Sequence[int | str], given: object) -> bool:
    """Where a list or a word may stand, pydantic says of each what it is not; the form that was meant is enough."""
    tried_list = any(isinstance(step, str) and step.startswith("tuple[") for step in found)
    return (kind == "tuple_type" and tried_list and isinstance(given, str)) or (
        kind == "literal_error" and isinstance(given, list)
    )


def _sentence(text: str) -> str:
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    return text.replace("valid dictionary", "table")


def _unknown_key(key: str, models: Sequence[type[BaseModel]], root: type[BaseModel]) -> str:
    known = list(dict.fromkeys(name for model in models for name in model.model_fields))
    nearest = near_misses(key, known)
    if nearest:
        return f"no such key; did you mean {' or '.join(nearest)}?"
    elsewhere = [path for path in key_paths(root) if path.rsplit(".", 1)[-1] == key]
    if elsewhere:
        return f"no such key here; it is {' or '.join(elsewhere[:3])}"
    return f"no such key; allowed are {', '.join(known)}"


def _unknown_word(given: object, discriminator: str, context: Mapping[str, object]) -> str:
    tag = discriminator.strip("'")
    allowed = _words(str(context.get("expected_tags") or context.get("expected", "")))
    word = given.get(tag) if tag and isinstance(given, Mapping) else given
    nearest = near_misses(str(word), allowed)
    hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ""
    return f"{word!r} is unknown{hint} (allowed are {', '.join(allowed)})"


def _words(text: str) -> list[str]:
    """The words of pydantic's `'a', 'b' or 'c'`."""
    return [word.strip().strip("'") for word in text.replace(" or ", ", ").split(",")]


def _not_a_list(path: str, given: object) -> str:
    if isinstance(given, Mapping):
        return f"is a list of tables: write [[{path}]] instead of [{path}]"
    return f"must be a list, not {given!r}"


def _meaning(models: Sequence[type[BaseModel]], key: str) -> str:
    for model in models:
        field = model.model_fields.get(key)
        if field is not None and field.description:
            text = " ".join(field.description.split())
            return f" ({text[:1].lower()}{text[1:].rstrip('.')})"
    return ""


def near_misses(word: str, known: Sequence[str]) -> list[str]:
    """At most two words that `word` may have been meant to be. A missing or wrong unit counts as near."""
    stem = word.rsplit("_", 1)[0]
    by_unit = [name for name in known if name.rsplit("_", 1)[0] in (stem, word)]
    close = difflib.get_close_matches(word, known, 2, _CLOSE)
    return list(dict.fromkeys((*by_unit, *close)))[:2]


# --- walking the schema ---


def _walk(
    found: Sequence[int | str], root: type[BaseModel]
) -> tuple[str, list[type[BaseModel]], list[type[BaseModel]]]:
    """The path in the file's words, the tables that hold its last key, and those that this key is.

    Pydantic puts tags of unions and names of types in between.
    """
    path = ""
    holders: list[type[BaseModel]] = [root]
    inside: list[type[BaseModel]] = [root]
    for step in found:
        if isinstance(step, int):
            path += f"[{step}]"
            continue
        fields = [model.model_fields[step] for model in inside if step in model.model_fields]
        tagged = [model for model in inside if tag_of(model) == step]
        if tagged and not fields:
            inside = tagged
        elif step.startswith(("tuple[", "function-", "literal[")) or step in ("float", "int", "str", "[key]"):
            # Which member of a union of plain types was tried.
            continue
        else:
            path = f"{path}.{step}" if path else step
            holders = inside
            inside = [model for field in fields for model in models_of(field.annotation)]
    return path, holders, inside


def tag_of(model: type[BaseModel]) -> str | None:
    """The kind that a table is for, where its kind is fixed."""
    field = model.model_fields.get("kind")
    words = get_args(field.annotation) if field is not None else ()
    return str(words[0]) if len(words) == 1 else None


def models_of(annotation: object) -> list[type[BaseModel]]:
    """The tables that a field's type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Annotated, Union, types.UnionType, tuple):
        return [model for part in get_args(annotation) for model in models_of(part)]
    return []


def key_paths(root: type[BaseModel], before: str = "") -> Iterator[str]:
    """Every key of the schema as a path, outer ones first."""
    for name, field in root.model_fields.items():
        path = f"{before}{name}"
        yield path
        for model in _tables(field):
            yield from key_paths(model, f"{path}.")


def _tables(field: FieldInfo) -> list[type[BaseModel]]:
    return models_of(field.annotation)
