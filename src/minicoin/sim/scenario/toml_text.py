"""Plain values as TOML text: what a shrunken or generated scenario is saved as."""

import json
from collections.abc import Iterator, Mapping


def toml_text(document: Mapping[str, object]) -> str:
    """The text that tomllib reads back as an equal document; None values are left out, as TOML has none."""
    return "\n".join(_table("", document)).strip() + "\n"


def _table(path: str, table: Mapping[str, object]) -> Iterator[str]:
    """Plain keys first, since after a heading they would be another table's."""
    inner: list[tuple[str, object]] = []
    for key, value in table.items():
        if isinstance(value, Mapping) or _is_tables(value):
            inner.append((f"{path}.{key}" if path else key, value))
        elif value is not None:
            yield f"{key} = {_value(value)}"
    for name, value in inner:
        if isinstance(value, Mapping):
            yield from ("", f"[{name}]", *_table(name, value))
        elif isinstance(value, list):
            for item in value:
                yield from ("", f"[[{name}]]", *_table(name, item))


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # JSON's escapes are TOML's too, but for the delete character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    return repr(value)
