"""The page of the scenario files is current and tells of every key, fault, attacker and shipped file."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from minicoin.sim.scenario.attackers import Attacker
from minicoin.sim.scenario.documentation import scenarios_page
from minicoin.sim.scenario.faults import Fault
from minicoin.sim.scenario.form import ScenarioForm
from minicoin.sim.scenario.key_types import type_words
from minicoin.sim.scenario.problems import key_paths, models_of, tag_of

ROOT = Path(__file__).parents[4]
PAGE = scenarios_page(ROOT / "scenarios")


def test_committed_page_is_current() -> None:
    assert (ROOT / "docs/scenarios.md").read_text() == PAGE, "run .venv/bin/python docs/generate.py"


def test_every_key_kind_and_file_is_on_the_page() -> None:
    for path in key_paths(ScenarioForm):
        name = path.rsplit(".", 1)[-1]
        forms = (f"| `{name}` |", f"### `[{path}]`", f"### `[[{path}]]`", f"`[[{path}]]` tables")
        assert name == "kind" or any(form in PAGE for form in forms), path
    for union in (Fault, Attacker):
        for model in models_of(union):
            assert f"| `{tag_of(model)}` |" in PAGE
    for file in (ROOT / "scenarios").glob("*.toml"):
        assert f"[`{file.name}`]" in PAGE


def test_every_key_has_a_meaning() -> None:
    assert "|  |" not in PAGE
    for model in _all_models(ScenarioForm):
        assert model.__doc__, model
        for name, field in model.model_fields.items():
            if name != "kind" and not models_of(field.annotation):
                assert field.description, f"{model.__name__}.{name}"


def _all_models(root: type[BaseModel]) -> list[type[BaseModel]]:
    inner = [model for field in root.model_fields.values() for model in models_of(field.annotation)]
    return [root, *(found for model in inner for found in _all_models(model))]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("nodes", "count"), "whole number, from 1"),
        (("nodes", "encode"), "true, false"),
        (("links", "loss"), "number, from 0 to 1"),
        (("links", "latency"), "`fixed`, `pareto`"),
        (("mining", "hash_shares"), "`equal`, `gervais`, `groups` or list of number, from 0 to 1"),
        (("check", "heal_s"), "number, from 0"),
        (("measure", "mempool_every_s"), "number, from 0.000001"),
    ],
)
def test_types_in_words(path: tuple[str, str], words: str) -> None:
    (model,) = models_of(ScenarioForm.model_fields[path[0]].annotation)
    assert type_words(model.model_fields[path[1]]) == words


def test_types_with_forms_of_their_own() -> None:
    assert type_words(ScenarioForm.model_fields["seeds"]) == "numbers or range"
    crash = next(model for model in models_of(Fault) if tag_of(model) == "crash")
    partition = next(model for model in models_of(Fault) if tag_of(model) == "partition")
    assert type_words(crash.model_fields["nodes"]) == "[target](#targets)"
    assert type_words(partition.model_fields["groups"]) == "list of [target](#targets)"
