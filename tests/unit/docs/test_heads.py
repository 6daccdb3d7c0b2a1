"""What docstrings name exists: limits and other constants, and modules of the core."""

import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[3] / "src/minicoin"
CORE = PACKAGE / "core"
TEXTS = {path.relative_to(PACKAGE): path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}
# Names of other specifications and programs, as they write them.
FOREIGN = (
    *("FIND_NODE", "GET_VALUE", "PUT_VALUE", "NODE_BLOOM", "NODE_WITNESS", "MAX_MONEY", "OP_TRUE", "OP_UNKNOWN"),
    *("SO_PEERCRED", "SO_REUSEPORT", "NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT"),
)
# Two specifications, and a message as the laboratory names it.
NO_MODULES = ("libp2p/specs", "discovery/mdns", "overlay/pull")
CONSTANT = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
MODULE = re.compile(r"(?<![\w/.-])(?:core/)?([a-z0-9_]+)/([a-z0-9_]+)(?![\w/])")


def docstrings() -> Iterator[tuple[str, str]]:
    """(module, text) of each."""
    return ((str(path), text) for path, whole in TEXTS.items() for text in re.findall(r'"""(.*?)"""', whole, re.DOTALL))


def test_constants_that_docstrings_name_are_there() -> None:
    set_somewhere = {
        name for text in TEXTS.values() for name in re.findall(r"^\s*_?([A-Z][A-Z0-9_]+)\s*[:=]", text, re.MULTILINE)
    }
    known = set_somewhere | set(FOREIGN)
    missing = [(where, name) for where, text in docstrings() for name in CONSTANT.findall(text) if name not in known]
    assert missing == []


def test_modules_that_docstrings_name_are_there() -> None:
    folders = {path.name for path in CORE.iterdir() if path.is_dir()}
    named = ((where, folder, name) for where, text in docstrings() for folder, name in MODULE.findall(text))
    missing = [
        (where, f"{folder}/{name}")
        for where, folder, name in named
        if folder in folders
        and f"{folder}/{name}" not in NO_MODULES
        and not any((CORE / folder / one).exists() for one in (name, f"{name}.py"))
    ]
    assert missing == []
