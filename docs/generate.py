"""Writes what follows from the code: architecture/map.md, architecture/tables.md, scenarios.md, tables of
overlays.md and consortium.md.

Run it from the repository with `.venv/bin/python docs/generate.py`; a test fails while the committed files differ from
what it would write. Owns no fact: sentences are the docstrings', directions of import are importlinter.toml's.
"""

import ast
import inspect
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, get_args

from minicoin.core import effects, events, limits, notices
from minicoin.core.node.assemble import NodeState, assemble_node
from minicoin.core.overlay.table import OVERLAYS
from minicoin.core.params.builtin import lookup
from minicoin.core.params.models import AddressesSetting, ChoiceSetting, IntSetting, Setting
from minicoin.core.params.settings import SETTINGS, SettingScope
from minicoin.core.peer.states import HANDSHAKE_ONLY, NEXT, SessionState
from minicoin.core.policy.node import NodePolicy
from minicoin.core.rng import Rng
from minicoin.core.units import HOUR_US, MINUTE_US, SECOND_US, Micros
from minicoin.core.wire.codec import TABLE
from minicoin.sim.scenario.documentation import scenarios_page

ROOT: Final = Path(__file__).parents[1]
SOURCE: Final = ROOT / "src" / "minicoin"
ARCHITECTURE: Final = ROOT / "docs" / "architecture"
OVERLAYS_PAGE: Final = ROOT / "docs" / "overlays.md"
CONSORTIUM_PAGE: Final = ROOT / "docs" / "consortium.md"
_GENERATED: Final = "<!-- written by docs/generate.py; change the code and run it again -->\n"
_CORE: Final = "minicoin.core"
_SIM: Final = "minicoin.sim"
_SESSION_ONLY: Final = "the session itself"


def main() -> None:
    """Write what has changed."""
    for path, text in pages().items():
        path.write_text(text)


def pages() -> dict[Path, str]:
    """Path -> text of every generated page."""
    return {
        ARCHITECTURE / "map.md": map_page(),
        ARCHITECTURE / "tables.md": tables_page(),
        ROOT / "docs" / "scenarios.md": scenarios_page(ROOT / "scenarios"),
        OVERLAYS_PAGE: overlays_page(OVERLAYS_PAGE.read_text()),
        CONSORTIUM_PAGE: consortium_page(CONSORTIUM_PAGE.read_text()),
    }


# --- the map ---


def map_page() -> str:
    """Rings, folders, who owns what, who may import what."""
    contracts = tomllib.loads((ROOT / "importlinter.toml").read_text())["tool"]["importlinter"]["contracts"]
    rings = _layers(contracts, "minicoin")
    lines = _layers(contracts, _CORE)
    parts = [
        "# Map",
        "",
        _GENERATED,
        "A ring may import the rings below it; folders of one ring never meet. Inside `core` a line may import the",
        "lines below it; folders of one line never meet. `make imports` holds this (importlinter.toml).",
        "",
        "```text",
        *(f"{number}  {'  '.join(ring)}" for number, ring in enumerate(rings, 1)),
        *(f"   {number:>2}  {'  '.join(line)}" for number, line in enumerate(lines, 1)),
        "```",
        "",
        "## Rings",
        "",
        "| Folder | Owns | May import |",
        "|---|---|---|",
    ]
    for number, ring in enumerate(rings):
        below = [f"`{name}`" for lower in rings[number + 1 :] for name in lower]
        for name in ring:
            parts.append(f"| `{name}/` | {_sentence(SOURCE / name)} | {', '.join(below) or 'nothing of minicoin'} |")
    parts += ["", "## Inside core", "", "| Line | Folder | Owns | May import |", "|---|---|---|---|"]
    for number, line in enumerate(lines, 1):
        for name in line:
            below = "lines below" if number < len(lines) else "nothing of minicoin"
            barred = sorted(_barred(contracts, f"{_CORE}.{name}", {n for lower in lines[number:] for n in lower}))
            but = f", but not {', '.join(f'`{other}`' for other in barred)}" if barred else ""
            folder = f"`{name}/`" if (SOURCE / "core" / name).is_dir() else f"`{name}.py`"
            parts.append(f"| {number} | {folder} | {_sentence(SOURCE / 'core' / name)} | {below}{but} |")
    parts += ["", "## Inside sim", "", "| Line | Folder | Owns |", "|---|---|---|"]
    for number, line in enumerate(_layers(contracts, _SIM), 1):
        for name in line:
            folder = f"`{name}/`" if (SOURCE / "sim" / name).is_dir() else f"`{name}.py`"
            parts.append(f"| {number} | {folder} | {_sentence(SOURCE / 'sim' / name)} |")
    parts += ["", "## Contracts", "", *(f"- {contract['name']}" for contract in contracts)]
    for contract in contracts:
        if contract["name"].startswith("Core does no IO"):
            parts += ["", "Core imports none of: " + ", ".join(f"`{m}`" for m in contract["forbidden_modules"]) + "."]
    return "\n".join(parts) + "\n"


def _layers(contracts: list[dict], container: str) -> list[list[str]]:
    """The lines of a container, highest first. A name in brackets is a place kept for what is not there yet."""
    contract = next(c for c in contracts if c["type"] == "layers" and container in c["containers"])
    lines = [[name.strip() for name in line.split("|")] for line in contract["layers"]]
    return [[name for name in line if not name.startswith("(")] for line in lines]


def _barred(contracts: list[dict], importer: str, below: set[str]) -> Iterator[str]:
    """What the other contracts forbid of the lines below."""
    for contract in contracts:
        if contract["type"] == "forbidden" and importer in contract["source_modules"]:
            names = contract["forbidden_modules"]
        elif contract["type"] == "protected" and importer not in contract["allowed_importers"]:
            names = contract["protected_modules"]
        else:
            continue
        yield from (name.removeprefix(f"{_CORE}.") for name in names if name.removeprefix(f"{_CORE}.") in below)


def _sentence(path: Path) -> str:
    """The first paragraph of a package's or module's docstring, on one line."""
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
    return _cell(docstring.split("\n\n")[0])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# --- the tables ---


def tables_page() -> str:
    """Handshake, messages, events, effects, notices, limits."""
    sections = (_handshake, _messages, _events, _effects, _notices, _limits)
    return "\n".join(["# Tables", "", _GENERATED, *(line for section in sections for line in section())])


def _handshake() -> Iterable[str]:
    yield from ("## Handshake", "", "From `core/peer/states.py`. The dialler speaks first.", "", "```mermaid")
    yield from ("stateDiagram-v2", f"    [*] --> {_state(SessionState.AWAIT_VERSION)}")
    for (state, message), following in NEXT.items():
        yield f"    {_state(state)} --> {_state(following)}: {message.__name__.lower()}"
    yield from ("```", "", "| State | Message | Next |", "|---|---|---|")
    for (state, message), following in NEXT.items():
        yield f"| {state} | `{message.__name__.lower()}` | {following} |"
    late = ", ".join(f"`{message.__name__.lower()}`" for message in HANDSHAKE_ONLY)
    yield from ("", f"In `{SessionState.READY}` every message but {late} is taken.")
    yield f"In `{SessionState.AWAIT_VERSION}` any other message is a fault."
    yield f"In `{SessionState.AWAIT_VERACK}` a second `version` is one; other messages reach no handler."
    yield ""


def _state(state: SessionState) -> str:
    return state.value.replace("-", "_")


def _messages() -> Iterable[str]:
    yield from (
        "## Messages",
        "",
        "From `core/wire/codec.py` and the routes of a full node's parts; what nobody takes is ignored.",
        "",
    )
    yield from ("| Command | Class | Payload bytes at most | Taken by |", "|---|---|---:|---|")
    takers = _takers()
    for command, row in TABLE.items():
        name = row.message.__name__
        yield f"| `{command}` | `{name}` | {row.payload_bytes_max:,} | {_taker(name, takers.get(row.message))} |"
    yield ""


def _takers() -> dict[type, str]:
    """What a full node's parts say that they take."""
    seed = Rng(b"documentation")
    node = assemble_node(lookup("regtest"), NodePolicy(), NodeState(), seed, seed.bytes, Micros(0))
    return node.view.takers()


def _taker(name: str, taker: str | None) -> str:
    if taker is not None:
        return f"`{taker}`"
    return _SESSION_ONLY if name in _session_messages() else ""


def _session_messages() -> set[str]:
    """What core/peer/session.py deals with: the cases of its match."""
    tree = ast.parse((SOURCE / "core/peer/session.py").read_text())
    return {
        node.cls.id for node in ast.walk(tree) if isinstance(node, ast.MatchClass) and isinstance(node.cls, ast.Name)
    } | {message.__name__ for message in HANDSHAKE_ONLY}


def _events() -> Iterable[str]:
    yield from ("## Events", "", "What the world tells the core (`core/events.py`).", "")
    yield from _classes(get_args(events.Event))


def _effects() -> Iterable[str]:
    yield from ("## Effects", "", "What the core wants from the world (`core/effects.py`).", "")
    told = set(get_args(notices.Notice))
    yield from _classes(effect for effect in get_args(effects.Effect) if effect not in told)


def _notices() -> Iterable[str]:
    yield from ("## Notices", "", "What a node says of itself, among its effects (`core/notices.py`).", "")
    yield from _classes(get_args(notices.Notice))


def _classes(union: Iterable[type]) -> Iterable[str]:
    yield from ("| Name | Fields | Meaning |", "|---|---|---|")
    for cls in union:
        fields = ", ".join(f"`{name}`" for name in cls.__dataclass_fields__)
        yield f"| `{cls.__name__}` | {fields} | {_cell(inspect.getdoc(cls) or '')} |"
    yield ""


# --- limits ---


def _limits() -> Iterable[str]:
    yield from ("## Limits", "", "From `core/limits.py`; assertions at its end relate them to each other.")
    reason: list[str] = []
    for line in (SOURCE / "core/limits.py").read_text().splitlines():
        heading = re.fullmatch(r"# --- (.+) ---", line)
        constant = re.match(r"([A-Z][A-Z0-9_]*): Final = ", line)
        if heading is not None:
            yield from (
                "",
                f"### {heading[1][0].upper()}{heading[1][1:]}",
                "",
                "| Name | Value | Reason |",
                "|---|---:|---|",
            )
        elif constant is not None:
            value = getattr(limits, constant[1])
            yield f"| `{constant[1]}` | {_value(constant[1], value)} | {_cell(' '.join(reason))} |"
        is_comment = line.startswith("# ") and heading is None
        reason = [*reason, line.removeprefix("# ")] if is_comment else []
    yield ""


def _value(name: str, value: float) -> str:
    if name.endswith("_US"):
        for unit, words in ((HOUR_US, "h"), (MINUTE_US, "min"), (SECOND_US, "s")):
            if value >= unit and value % unit == 0:
                return f"{value // unit:,} {words}"
        return f"{value:,} µs"
    return f"{value:,}"


# --- network models ---


def overlays_page(text: str) -> str:
    """The page with the settings of each model between its marks, where it has a place for them."""

    def filled(place: re.Match[str]) -> str:
        table = "\n".join(_settings(place[1])) if place[1] in OVERLAYS else ""
        return f"<!-- settings of {place[1]} -->\n{table}\n<!-- end -->"

    return re.sub(r"<!-- settings of (\w+) -->\n.*?<!-- end -->", filled, text, flags=re.DOTALL)


def _settings(name: str) -> Iterable[str]:
    model = OVERLAYS[name]
    default, *others = (f"`{role}`" for role in model.roles)
    yield f"Roles: {', '.join([f'{default} (unless told otherwise)', *others])}." if others else f"Role: {default}."
    yield from ("", "| Setting | Default | Allowed | Meaning |", "|---|---|---|---|")
    for setting in model.settings:
        default = f"`{setting.default}`" if setting.default != () else "none"
        meaning = setting.says[:1].upper() + setting.says[1:].rstrip(".")
        yield f"| `{setting.name}` | {default} | {_allowed(setting)} | {_cell(meaning)}. |"
    yield ""


def _allowed(setting: Setting) -> str:
    match setting:
        case IntSetting():
            return f"{setting.low:,} to {setting.high:,}"
        case ChoiceSetting():
            return ", ".join(f"`{choice}`" for choice in setting.choices)
        case AddressesSetting():
            return f"at most {setting.most} addresses"
    raise AssertionError(setting)


# --- settings of a consortium ---


def consortium_page(text: str) -> str:
    """The page with the table of what members may set between its marks."""
    table = "\n".join(_settings_of_members())
    marked = f"<!-- settings -->\n{table}\n<!-- end -->"
    return re.sub(r"<!-- settings -->\n.*?<!-- end -->", lambda _: marked, text, flags=re.DOTALL)


def _settings_of_members() -> Iterable[str]:
    yield from ("", "| Setting | Unit | Allowed | Set by | Meaning | Above it |", "|---|---|---|---|---|---|")
    for row in SETTINGS.values():
        allowed = f"{row.low:,} to {row.high:,}" + (" bytes" if row.is_text else "")
        by = "a block" if row.scope is SettingScope.CHAIN else "a record"
        options = ", ".join(f"`--{option}`" for option in row.options)
        yield f"| `{row.name}` | {row.unit} | {allowed} | {by} | {_cell(row.says)} | {options} |"
    yield ""


if __name__ == "__main__":
    main()
