"""What a sweep runs: the product of the values of each --set, and the seeds.

Owns how a list of values is written and checks every point before anything runs. A job is known by the hash of its
scenario and its seed, so that what an earlier sweep has run is found again, whatever order or names were used.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from minicoin.sim.scenario.overrides import ALIASES, parse_value
from minicoin.sim.scenario.problems import ScenarioError
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.seeds import parse_seeds

POINTS_MAX: Final = 10_000
"""Scenarios of one sweep; each is kept and checked before the first run."""
JOBS_MAX: Final = 1_000_000
"""Runs of one sweep; each is a row of its table."""

Scalar = None | bool | int | float | str

_OWN_OPTIONS: Final = {"seeds": "seeds are given as --seeds 1..20"}
_OPENING: Final = "[{"
_CLOSING: Final = "]}"


class JobId(NamedTuple):
    """What decides a run."""

    scenario_hash: str
    seed: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """One --set: a key with the values it takes, as they were written."""

    key: str
    """The whole path, also where an alias was given."""
    values: tuple[str, ...]

    @property
    def is_swept(self) -> bool:
        """Whether it takes more than one value."""
        return len(self.values) > 1


@dataclass(frozen=True, slots=True)
class Point:
    """One scenario of the sweep."""

    settings: tuple[str, ...]
    """As --set takes them."""
    parameters: Mapping[str, Scalar]
    """Key -> value, as it stands in the table."""
    scenario: Scenario
    scenario_hash: str


@dataclass(frozen=True, slots=True)
class Job:
    """One run: what travels to a worker."""

    scenario: Scenario
    scenario_hash: str
    seed: int

    @property
    def id(self) -> JobId:
        """Equal jobs have equal ids, in every sweep."""
        return JobId(self.scenario_hash, self.seed)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole sweep, checked."""

    name: str
    parameters: tuple[Parameter, ...]
    points: tuple[Point, ...]
    seeds: tuple[int, ...]

    def jobs(self) -> list[Job]:
        """Every run, point by point; within each the seeds in the order given."""
        return [Job(point.scenario, point.scenario_hash, seed) for point in self.points for seed in self.seeds]

    @property
    def swept(self) -> tuple[str, ...]:
        """Keys that take more than one value."""
        return tuple(parameter.key for parameter in self.parameters if parameter.is_swept)


def make_plan(scenario: Scenario, settings: Iterable[str], seeds: str | None = None) -> Plan:
    """The product of all values. `seeds` None: the scenario's own. Raises ScenarioError, before anything has run."""
    parameters = parse_parameters(settings)
    chosen = scenario.seeds if seeds is None else read_seeds(seeds)
    points = 1
    for parameter in parameters:
        points *= len(parameter.values)
    if points > POINTS_MAX:
        raise ScenarioError(f"the sweep has {points:,} combinations of values; at most {POINTS_MAX:,} are possible")
    if points * len(chosen) > JOBS_MAX:
        raise ScenarioError(f"the sweep has {points * len(chosen):,} runs; at most {JOBS_MAX:,} are possible")
    columns = [_column(parameter) for parameter in parameters]
    made: dict[str, Point] = {}
    for choice in itertools.product(*(range(len(parameter.values)) for parameter in parameters)):
        point = _point(scenario, parameters, columns, choice)
        twin = made.setdefault(point.scenario_hash, point)
        if twin is not point:
            raise ScenarioError(f"--set {_words(twin)} and {_words(point)} are the same scenario")
    return Plan(scenario.name, parameters, tuple(made.values()), chosen)


def parse_parameters(settings: Iterable[str]) -> tuple[Parameter, ...]:
    """The parameters in the order given. Raises ScenarioError."""
    found: dict[str, Parameter] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ScenarioError(f"--set {setting}: must be KEY=VALUE,VALUE,... as in nodes=100,1000")
        key = ALIASES.get(name, name)
        if key in _OWN_OPTIONS:
            raise ScenarioError(f"--set {setting}: {_OWN_OPTIONS[key]}")
        if key in found:
            raise ScenarioError(f"--set {setting}: {key} is set twice; write all its values as {name}=VALUE,VALUE")
        found[key] = Parameter(key, split_values(text, setting))
    return tuple(found.values())


def split_values(text: str, setting: str) -> tuple[str, ...]:
    """The values between commas; a comma within brackets or quotes belongs to its value. Raises ScenarioError."""
    values: list[str] = []
    begin = depth = 0
    quote = ""
    for position, letter in enumerate(text):
        if quote:
            # In TOML only basic strings know escapes.
            is_escaped = quote == '"' and _ends_in_escape(text[begin:position])
            quote = "" if letter == quote and not is_escaped else quote
        elif letter in "\"'" and (depth or not text[begin:position].strip()):
            quote = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth -= 1
            if depth < 0:
                raise ScenarioError(f"--set {setting}: a bracket is closed that was never opened")
        elif letter == "," and not depth:
            values.append(text[begin:position].strip())
            begin = position + 1
    if depth or quote:
        raise ScenarioError(f"--set {setting}: a {'quote' if quote else 'bracket'} is never closed")
    values.append(text[begin:].strip())
    if "" in values:
        raise ScenarioError(f"--set {setting}: a value is missing between commas or after the equals sign")
    if len(dict.fromkeys(values)) != len(values):
        raise ScenarioError(f"--set {setting}: a value is given twice")
    return tuple(values)


def read_seeds(text: str) -> tuple[int, ...]:
    """ "1..20,77" as numbers. Raises ScenarioError."""
    try:
        found = parse_seeds(text)
    except ValueError as error:
        raise ScenarioError(f"--seeds {text}: {error}") from error
    assert isinstance(found, tuple)
    return found


def _ends_in_escape(text: str) -> bool:
    backslashes = re.search(r"\\*$", text)
    return backslashes is not None and len(backslashes[0]) % 2 == 1


def _column(parameter: Parameter) -> Sequence[Scalar]:
    """The values as a table's column can hold them: all of one kind, otherwise as they were written."""
    values = [parse_value(text) for text in parameter.values]
    if all(isinstance(value, bool) for value in values):
        return [value for value in values if isinstance(value, bool)]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(values):
        return numbers
    return [value if isinstance(value, str) else text for value, text in zip(values, parameter.values, strict=True)]


def _point(
    scenario: Scenario, parameters: Sequence[Parameter], columns: Sequence[Sequence[Scalar]], choice: Sequence[int]
) -> Point:
    pairs = list(zip(parameters, columns, choice, strict=True))
    settings = tuple(f"{parameter.key}={parameter.values[index]}" for parameter, _, index in pairs)
    chosen = scenario.with_settings(settings) if settings else scenario
    values = {parameter.key: column[index] for parameter, column, index in pairs}
    return Point(settings, values, chosen, chosen.hash())


def _words(point: Point) -> str:
    return " ".join(point.settings)
