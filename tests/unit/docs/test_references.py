"""What the documents point at exists: files, tests by name, other documents."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
PLACES = (ROOT, ROOT / "src/minicoin")


def names_defined(path: Path) -> set[str]:
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, definitions)}


def missing(reference: str) -> str | None:
    path, _, name = reference.partition("::")
    found = next((place / path for place in PLACES if (place / path).exists()), None)
    if found is None:
        return f"{reference}: no such file"
    return f"{reference}: no such name" if name and name not in names_defined(found) else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_references_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    references = re.findall(r"`([\w./-]+\.(?:py|toml|lock|sh)(?:::\w+)?)`", text)
    own = [reference for reference in references if "/" in reference or (ROOT / reference).exists()]
    assert [problem for reference in own if (problem := missing(reference)) is not None] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []
