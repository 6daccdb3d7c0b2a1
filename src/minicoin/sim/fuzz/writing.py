"""A scenario's plain values as TOML, for people: the file that a failure leaves behind."""

import json
from collections.abc import Mapping, Sequence


def to_toml(document: Mapping[str, object], comment: str = "") -> str:
    """The document as a file; each line of `comment` stands above it."""
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    lines += [""] if lines else []
    _write_table(document, "", lines)
    return "\n".join(lines).strip() + "\n"


def _write_table(table: Mapping[str, object], path: str, lines: list[str]) -> None:
    """Values first: what stands below a table's head belongs to it."""
    for key, value in table.items():
        if value is not None and not isinstance(value, Mapping) and not _is_tables(value):
            lines.append(f"{key} = {_value(value)}")
    for key, value in table.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping):
            lines += ["", f"[{name}]"]
            _write_table(value, f"{name}.", lines)
        elif isinstance(value, Sequence) and _is_tables(value):
            for element in value:
                lines += ["", f"[[{name}]]"]
                _write_table(element, f"{name}.", lines)


def _is_tables(value: object) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        # JSON's escapes are TOML's as well.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(one) for one in value)}]"
    raise TypeError(f"{value!r} has no form in TOML")
