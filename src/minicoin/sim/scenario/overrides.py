"""Settings from the command line, as --set gives them: "nodes.count=100", "fault[0].probability=0.2", or an alias.

A value is written as in TOML; what is no TOML value is a text, so that quotes may be left out.
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from pydantic import BaseModel

from minicoin.core.params.table import NotToml, parse_toml
from minicoin.sim.scenario.problems import ScenarioError, key_paths, near_misses

ALIASES: Final = {
    "nodes": "nodes.count",
    "spacing": "network.spacing_s",
    "block_bytes": "network.block_bytes",
    "blocks": "mining.blocks",
    "duration": "mining.duration_s",
    "miners": "mining.miners",
    "outbound": "topology.outbound",
    "topology": "topology.source",
    "geography": "links.geography",
    "loss": "links.loss",
    "relay": "network.relay",
    "encode": "nodes.encode",
    "rate": "transactions.rate_per_s",
    "session": "churn.session_s",
}
"""Short names of the keys that are most often set."""

_OPEN_TABLES: Final = ("faults.random.per_hour.", "network.overlay_settings.")
"""Tables whose keys are no part of the schema; they are checked with the scenario."""

_STEP = re.compile(r"([a-z_][a-z0-9_-]*)((?:\[[0-9]{1,6}\])*)")


def apply_overrides(document: dict[str, object], settings: Iterable[str], root: type[BaseModel]) -> dict[str, object]:
    """`document` with the settings in it. Raises ScenarioError for a setting that is no key=value of this schema."""
    known = [*dict.fromkeys(key_paths(root)), *ALIASES]
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals or not key:
            raise ScenarioError(f"--set {setting}: must be KEY=VALUE, as in nodes.count=100")
        path = ALIASES.get(key, key)
        plain = re.sub(r"\[[0-9]+\]", "", path)
        if plain not in known and not plain.startswith(_OPEN_TABLES):
            nearest = near_misses(plain, known)
            hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"aliases are {', '.join(ALIASES)}"
            raise ScenarioError(f"--set {setting}: no key {key!r}; {hint}")
        _put(document, path, parse_value(text.strip()), setting)
    return document


def parse_value(text: str) -> object:
    """A TOML value, or the text itself."""
    if "\n" in text:
        return text
    try:
        return parse_toml(f"value = {text}")["value"]
    except NotToml:
        return text


def _put(document: dict[str, object], path: str, value: object, setting: str) -> None:
    steps: list[str | int] = []
    for piece in path.split("."):
        match = _STEP.fullmatch(piece)
        if match is None:
            raise ScenarioError(f"--set {setting}: {piece!r} is no key")
        steps.append(match[1])
        steps += [int(index) for index in re.findall(r"[0-9]+", match[2])]
    place: object = document
    for step, following in pairwise(steps):
        if isinstance(step, str) and isinstance(following, str) and isinstance(place, dict):
            place = place.setdefault(step, {})
        else:
            place = _inside(place, step, setting)
    last = steps[-1]
    if isinstance(place, dict) and isinstance(last, str):
        place[last] = value
        return
    _inside(place, last, setting)
    if isinstance(place, list) and isinstance(last, int):
        place[last] = value


def _inside(place: object, step: str | int, setting: str) -> object:
    if isinstance(place, dict) and isinstance(step, str) and step in place:
        return place[step]
    if isinstance(place, list) and isinstance(step, int) and step < len(place):
        return place[step]
    if isinstance(place, list) and isinstance(step, str):
        raise ScenarioError(f"--set {setting}: {step!r} is a key of one of several tables; write an index, as in [0]")
    name = f"[{step}]" if isinstance(step, int) else repr(step)
    raise ScenarioError(f"--set {setting}: this scenario has no {name} to set something in")
