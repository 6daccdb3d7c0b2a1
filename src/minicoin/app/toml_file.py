"""Reads a file of TOML, whoever wrote it and with whatever editor."""

from pathlib import Path

from minicoin.core.params.table import NotToml, parse_toml


def read_toml(path: Path) -> dict[str, object]:
    """What the file says; a byte order mark is left out. Raises OSError, and NotToml."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotToml(str(error)) from error
    return parse_toml(text)
