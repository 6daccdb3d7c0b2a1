"""A scenario: the file's keys, checked one by one and against each other, with an identity of its own.

`Scenario.load` and `Scenario.from_toml` read it; `override` changes single keys as --set does. Every mistake raises
ScenarioError, which names file and key. The keys themselves are form's and its parts'.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from pydantic import ValidationError, model_validator

from minicoin.core.params.table import NotToml, parse_toml
from minicoin.sim.scenario.checks import check_scenario
from minicoin.sim.scenario.form import ScenarioForm
from minicoin.sim.scenario.groups import group_ranges, hash_weights, link_degrees
from minicoin.sim.scenario.overrides import apply_overrides
from minicoin.sim.scenario.problems import ScenarioError, scenario_error
from minicoin.sim.scenario.toml_text import toml_text

_TEXTS = {"name", "question", "description", "compare"}


class Scenario(ScenarioForm):
    """One scenario. Equal scenarios have equal hashes, whatever the order and spacing of their files."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """The scenario that a file describes. Raises ScenarioError."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise ScenarioError(f"cannot read the scenario {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ScenarioError(f"{path}: is no UTF-8 text: {error}") from error
        return cls.from_toml(text, str(path))

    @classmethod
    def from_toml(cls, text: str, source: str = "scenario") -> Self:
        """The scenario that a text describes; `source` begins each message. Raises ScenarioError."""
        try:
            document = parse_toml(text)
        except NotToml as error:
            raise ScenarioError(f"{source}: is not TOML: {error}") from error
        return cls.from_mapping(document, source)

    @classmethod
    def from_mapping(cls, document: Mapping[str, object], source: str = "scenario") -> Self:
        """The scenario of a parsed file. Raises ScenarioError."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise scenario_error(source, error, ScenarioForm) from error

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_scenario(self)
        return self

    @property
    def groups(self) -> dict[str, range]:
        """Name of each group of nodes -> its indices."""
        return group_ranges(self.nodes)

    @property
    def hash_weights(self) -> tuple[float, ...]:
        """Share of the honest hash power of each node from index 0 on; nodes after the last have none."""
        return hash_weights(self)

    @property
    def link_degrees(self) -> tuple[int, ...]:
        """The out-degree of each node with source = "static"; empty with another source."""
        return link_degrees(self)

    def given(self) -> dict[str, object]:
        """What was written, as plain values, without the keys that take their defaults."""
        return self.model_dump(mode="json", exclude_unset=True)

    def to_toml(self) -> str:
        """A file that gives this scenario again: what was written, without comments."""
        return toml_text(self.given())

    def override(self, *settings: str) -> Self:
        """The scenario with "key=value" settings applied: paths (nodes.count=100) or aliases (nodes=100)."""
        return self.with_settings(settings)

    def with_settings(self, settings: Iterable[str]) -> Self:
        """As override. Raises ScenarioError."""
        chosen = list(settings)
        document = apply_overrides(self.given(), chosen, ScenarioForm)
        return self.from_mapping(document, f"--set {' '.join(chosen)}")

    def canonical(self) -> bytes:
        """Everything that decides a run but its seed, defaults included, as JSON in one form."""
        document = self.model_dump(mode="json", exclude=_TEXTS | {"seeds"})
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()

    def hash(self) -> str:
        """SHA-256 of the canonical form in hexadecimal. Seeds and texts for people do not change it."""
        return hashlib.sha256(self.canonical()).hexdigest()
