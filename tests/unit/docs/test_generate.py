"""The generated pages are what the code says, and hold what they are for."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from tests.unit.node.bench import Bench

from minicoin.core import limits
from minicoin.core.effects import Effect
from minicoin.core.events import Event
from minicoin.core.overlay.table import OVERLAYS
from minicoin.core.peer.states import NEXT

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES: dict[Path, str] = load().pages()
MAP = PAGES[DOCS / "architecture/map.md"]
TABLES = PAGES[DOCS / "architecture/tables.md"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_committed_page_is_current(path: Path) -> None:
    assert path.read_text() == PAGES[path], "run .venv/bin/python docs/generate.py"


def test_every_folder_is_on_the_map() -> None:
    folders = [path for path in (ROOT / "src/minicoin").iterdir() if (path / "__init__.py").exists()]
    folders += [path for path in (ROOT / "src/minicoin/core").iterdir() if (path / "__init__.py").exists()]
    assert [folder.name for folder in folders if f"| `{folder.name}/` |" not in MAP] == []
    assert "|  |" not in MAP, "a folder without an owner sentence"


def test_every_arrow_route_event_effect_and_limit_is_in_the_tables() -> None:
    for (state, message), following in NEXT.items():
        assert f"| {state} | `{message.__name__.lower()}` | {following} |" in TABLES
    for taker in Bench().node.view.takers().values():
        assert f"`{taker}`" in TABLES
    for kind in (*Event.__args__, *Effect.__args__):
        assert f"| `{kind.__name__}` |" in TABLES
    for name in vars(limits):
        if name.isupper() and name not in ("DAY_US", "HOUR_US", "MINUTE_US", "SECOND_US"):
            assert f"| `{name}` |" in TABLES


def test_every_setting_and_role_of_a_network_model_is_in_its_table() -> None:
    text = PAGES[DOCS / "overlays.md"]
    for name, model in OVERLAYS.items():
        table = text.partition(f"<!-- settings of {name} -->")[2].partition("<!-- end -->")[0]
        assert [setting.name for setting in model.settings if f"| `{setting.name}` |" not in table] == []
        assert not model.settings or [role for role in model.roles if f"`{role}`" not in table] == []
        assert f"`{name}`" in text


def test_what_is_written_by_hand_between_the_tables_stays() -> None:
    page = "before\n<!-- settings of gossip -->\nold\n<!-- end -->\nafter\n"
    filled = load().overlays_page(page)
    assert (filled[:6], filled[-6:], "old" in filled) == ("before", "after\n", False)
    assert "| `fanout` |" in filled
