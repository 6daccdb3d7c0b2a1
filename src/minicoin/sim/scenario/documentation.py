"""Writes docs/scenarios.md: every key with its type, unit, default and meaning, all from the schema itself.

Owns wording that is not a field's; docs/generate.py writes the page, and a test fails while it differs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from minicoin.sim.scenario.attackers import AttackerBase, MinerAttacker, PeerAttacker
from minicoin.sim.scenario.fault_rates import OWN_LEDGER_KINDS
from minicoin.sim.scenario.faults import FaultBase, LastingFault, LinkFault
from minicoin.sim.scenario.form import ScenarioForm
from minicoin.sim.scenario.key_types import type_words
from minicoin.sim.scenario.model_limits import MODEL_KEYS
from minicoin.sim.scenario.overrides import ALIASES
from minicoin.sim.scenario.problems import models_of
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.targets import REST

_BY_KIND: Final = ("fault", "attacker")
_HEAD: Final = "| Key | Type | Default | Meaning |\n|---|---|---|---|"

_TOP: Final = """\
A scenario file says what a run of the laboratory is made of: nodes, links, mining, load, faults, attackers, and what to
measure. It is TOML and lies in `scenarios/`; `minicoin sim run FILE --seed N` runs it. Every mistake in it is reported
with its key, what is allowed, and what may have been meant; nothing is ignored in silence.

- Times count from the end of set-up, in virtual seconds. A key's unit is its ending: `_s` seconds, `_ms` milliseconds,
  `_us` microseconds, `_bytes`, `_sat` satoshi, `_mbit` Mbit/s; `per_s` and `per_hour` are rates.
- Chance comes from the seed alone: scenario, seed and version of minicoin make the run. Two files with the same keys
  have the same scenario hash, whatever their order, comments, `name`, `question`, `description` and `seeds`.
- Single keys are set from the command line by their path, `--set links.loss=0.01` or `--set fault[0].until_s=900`, or
  by an alias.
"""
_TARGETS: Final = f"""\
Faults and attackers say whom they concern:

| Target | Means |
|---|---|
| `[0, 7]` | the nodes with these indices |
| `"0..9"` | the nodes 0 to 9 |
| `"all"` | every honest node |
| `0.3` | 30 % of the nodes, drawn from the seed |
| `"random:5"` | five nodes, drawn from the seed |
| `"miners"` | the `[[nodes.group]]` of that name |
| `"0.5 of supers"` | half of that group, drawn from the seed |
| `"{REST}"` | in the groups of a partition: the nodes that no other group has |
"""


def scenarios_page(directory: Path) -> str:
    """The page; `directory` holds the shipped scenarios."""
    return "\n".join(
        [
            "# Scenario files",
            "",
            "<!-- written by docs/generate.py; change the code and run it again -->",
            "",
            _TOP,
            *_shipped(directory),
            *_tables(),
            "## Targets",
            "",
            _TARGETS,
            *_kinds("fault"),
            *_kinds("attacker"),
            *_aliases(),
            *_model(),
        ]
    )


def _shipped(directory: Path) -> Iterator[str]:
    yield from ("## Shipped scenarios", "", "| File | Engine | Nodes | Question |", "|---|---|---:|---|")
    for path in sorted(directory.glob("*.toml")):
        scenario = Scenario.load(path)
        link = f"[`{path.name}`](../scenarios/{path.name})"
        yield f"| {link} | {scenario.engine} | {scenario.nodes.count:,} | {_cell(scenario.question)} |"
    yield from ("", "Each file begins with how to run it and what to look at in its result.", "")


def _tables() -> Iterator[str]:
    yield from ("## Keys", "", "### Top level", "", _HEAD)
    tables: list[tuple[str, FieldInfo]] = []
    for name, field in ScenarioForm.model_fields.items():
        if models_of(field.annotation):
            tables.append((name, field))
        else:
            yield _row(name, field)
    yield ""
    for name, field in tables:
        if name not in _BY_KIND:
            yield from _table(name, field)


def _table(path: str, field: FieldInfo) -> Iterator[str]:
    """One table of the file, then the tables inside it."""
    inner: list[tuple[str, FieldInfo]] = []
    is_list = _is_list(field)
    for model in models_of(field.annotation):
        heading = f"`[[{path}]]`" if is_list else f"`[{path}]`"
        yield from (f"### {heading}", "", _doc(model) + _presence(field, is_list), "")
        rows = [(name, part) for name, part in model.model_fields.items() if not models_of(part.annotation)]
        inner += [(f"{path}.{name}", part) for name, part in model.model_fields.items() if models_of(part.annotation)]
        if rows:
            yield from (_HEAD, *(_row(name, part) for name, part in rows), "")
    for name, part in inner:
        yield from _table(name, part)


def _presence(field: FieldInfo, is_list: bool) -> str:
    if is_list:
        return " Any number of them."
    return " Required." if field.is_required() else ""


def _kinds(name: str) -> Iterator[str]:
    """The tables of one kind each: faults or attackers."""
    field = ScenarioForm.model_fields[name]
    bases: Sequence[type[BaseModel]]
    if name == "fault":
        bases = (FaultBase, LastingFault, LinkFault)
        yield from ("## Faults", "", "`[[fault]]` tables put faults on a timeline, `[faults.random]` at random times.")
        yield f"The kinds {' and '.join(f'`{kind}`' for kind in OWN_LEDGER_KINDS)} need a ledger of the node's own."
    else:
        bases = (AttackerBase, PeerAttacker, MinerAttacker)
        yield from ("## Attackers", "", "`[[attacker]]` tables add scripted peers and dishonest miners, which are not")
        yield "counted in `nodes.count`. An attack is over at `until_s`, or with mining."
    yield from ("", "| Kind | What happens | Keys |", "|---|---|---|")
    for model in models_of(field.annotation):
        kind = get_args(model.model_fields["kind"].annotation)[0]
        keys = ", ".join(f"`{key}`" for key in model.model_fields if key != "kind")
        yield f"| `{kind}` | {_doc(model)} | {keys} |"
    yield from ("", "| Key | Of | Type | Default | Meaning |", "|---|---|---|---|---|")
    shared: list[str] = []
    for base in bases:
        for key in base.__annotations__:
            shared.append(key)
            of = "all" if base is bases[0] else _users(models_of(field.annotation), base)
            yield _row(key, base.model_fields[key], of)
    for model in models_of(field.annotation):
        kind = get_args(model.model_fields["kind"].annotation)[0]
        for key, part in model.model_fields.items():
            if key != "kind" and (key not in shared or key in model.__annotations__):
                yield _row(key, part, f"`{kind}`")
    yield ""


def _users(models: Sequence[type[BaseModel]], base: type[BaseModel]) -> str:
    kinds = [get_args(model.model_fields["kind"].annotation)[0] for model in models if issubclass(model, base)]
    return ", ".join(f"`{kind}`" for kind in kinds)


def _aliases() -> Iterator[str]:
    yield from ("## Aliases for --set", "", "| Alias | Key |", "|---|---|")
    yield from (f"| `{alias}` | `{path}` |" for alias, path in ALIASES.items())
    yield ""


def _model() -> Iterator[str]:
    yield from (
        "## What the model reads",
        "",
        'With `engine = "model"` only these keys exist; any other is an error.',
        "",
    )
    yield from ("| Table | Keys |", "|---|---|")
    for table, keys in MODEL_KEYS.items():
        yield f"| `[{table}]` | {', '.join(f'`{key}`' for key in keys)} |"
    yield from (f"| `[model]` | {', '.join(f'`{key}`' for key in _model_habits())} |", "")


def _model_habits() -> Sequence[str]:
    return [key for model in models_of(ScenarioForm.model_fields["model"].annotation) for key in model.model_fields]


def _row(name: str, field: FieldInfo, of: str | None = None) -> str:
    middle = f" {of} |" if of is not None else ""
    return f"| `{name}` |{middle} {type_words(field)} | {_default(field)} | {_cell(field.description or '')} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "none"
    value = field.default
    if value is None or value in ((), ""):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`" if value != int(value) else f"`{value:.1f}`"
    if isinstance(value, tuple):
        return f"`{list(value)}`"
    return f"`{value}`"


def _is_list(field: FieldInfo) -> bool:
    return "tuple" in str(field.annotation)


def _doc(model: type[BaseModel]) -> str:
    return _cell(model.__doc__ or "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
