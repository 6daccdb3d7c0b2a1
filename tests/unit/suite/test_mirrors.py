"""Each module of the core has a test of its own name, or a line in CONTRIBUTING.md that says why not."""

import ast
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CORE = ROOT / "src/minicoin/core"
MIRRORS = ROOT / "tests/unit"


@cache
def without_mirror() -> tuple[str, ...]:
    """Modules as they are written in CONTRIBUTING.md: `wallet/errors`."""
    # A package that only says what it owns has nothing to test.
    modules = (path.relative_to(CORE) for path in CORE.rglob("*.py") if len(ast.parse(path.read_text()).body) > 1)
    lacking = (path for path in modules if not (MIRRORS / path.parent / f"test_{path.name}").exists())
    return tuple(sorted(path.with_suffix("").as_posix() for path in lacking))


def exemptions(text: str) -> list[str]:
    """The patterns of the section, of lines such as "- `codec_*`, `table`: why"."""
    section = re.search(r"^## Modules without a mirror\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section is not None
    lines = re.findall(r"^- ((?:`[\w/*]+`(?:,\s+)?)+): \S", section[1], re.MULTILINE)
    return [pattern for line in lines for pattern in re.findall(r"`([^`]+)`", line)]


EXEMPT = exemptions((ROOT / "CONTRIBUTING.md").read_text())


def test_each_module_has_its_mirror_or_a_reason() -> None:
    assert [module for module in without_mirror() if not any(fnmatchcase(module, one) for one in EXEMPT)] == []


@pytest.mark.parametrize("pattern", EXEMPT)
def test_each_reason_is_for_a_module_that_has_no_mirror(pattern: str) -> None:
    assert any(fnmatchcase(module, pattern) for module in without_mirror())


def test_what_has_rules_of_its_own_is_never_excused() -> None:
    assert [
        pattern for pattern in EXEMPT if any(fnmatchcase(name, pattern) for name in ("node/x_flow", "node/node"))
    ] == []


def test_which_lines_are_reasons() -> None:
    lines = ("Why `prose`.", "- `a/b`, `c_*`,\n  `d`: values", "- `silent`:", "## More", "- `e`: of another section")
    text = "\n".join(("## Modules without a mirror", *lines))
    assert exemptions(text) == ["a/b", "c_*", "d"]
