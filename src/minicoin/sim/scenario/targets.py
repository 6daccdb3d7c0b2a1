"""Which nodes something happens to: the forms a target may be written in, and drawing the nodes it means.

A list of indices, a range of indices ("0..9"), a group's name, "all", a share of the nodes (0.3), "random:N" or a share
of a group ("0.5 of supers"); the last three are drawn from the seed. In a partition's groups "rest" stands for the
nodes that no other group has.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from pydantic import BeforeValidator

from minicoin.core.rng import Rng

ALL: Final = "all"
REST: Final = "rest"
ALLOWED: Final = (
    'allowed are a list of node indices ([0, 7]), a range ("0..9"), "all", a share of the nodes (0.3), '
    '"random:N", the name of a [[nodes.group]] and a share of one ("0.5 of supers")'
)
_RANGE = re.compile(r"([0-9]{1,8})\.\.([0-9]{1,8})")
_RANDOM = re.compile(r"random:([0-9]{1,8})")
_SHARE_OF = re.compile(r"(0\.[0-9]{1,6}) of ([a-z0-9][a-z0-9-]{0,62})")
_GROUP = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def parse_target(value: object) -> object:
    """`value` in its kept form: a tuple of indices, a float or a text. Raises ValueError, which pydantic reports."""
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is no target; {ALLOWED}")
    if isinstance(value, int):
        raise ValueError(f"write [{value}] for the node with this index, {float(value)} for a share; {ALLOWED}")
    if isinstance(value, float):
        if not 0 < value <= 1:
            raise ValueError(f"a share must be above 0 and at most 1, not {value}")
        return value
    if isinstance(value, (list, tuple)):
        return _parse_indices(value)
    if isinstance(value, str):
        return _parse_text(value)
    raise ValueError(f"{value!r} is no target; {ALLOWED}")


def _parse_indices(values: Sequence[object]) -> tuple[int, ...]:
    indices: list[int] = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{value!r} is no node index; {ALLOWED}")
        if value in indices:
            raise ValueError(f"node {value} is named twice")
        indices.append(value)
    if not indices:
        raise ValueError(f"an empty list names no node; {ALLOWED}")
    return tuple(indices)


def _parse_text(text: str) -> str:
    span = _RANGE.fullmatch(text)
    if span is not None:
        if int(span[1]) > int(span[2]):
            raise ValueError(f"the range {text!r} runs backwards")
        return text
    drawn = _RANDOM.fullmatch(text)
    if drawn is not None:
        if int(drawn[1]) == 0:
            raise ValueError("random:0 names no node")
        return text
    part = _SHARE_OF.fullmatch(text)
    if part is not None:
        if float(part[1]) == 0:
            raise ValueError(f"{text!r} names no node")
        return text
    if not _GROUP.fullmatch(text):
        raise ValueError(f"{text!r} is no target; {ALLOWED}")
    return text


Target = Annotated[tuple[int, ...] | float | str, BeforeValidator(parse_target)]
"""Which nodes: a list of indices, "0..9", "all", a share (0.3), "random:N" or a group's name."""


def group_name(target: tuple[int, ...] | float | str) -> str | None:
    """The group (or "rest") that a target names; None where it says something else."""
    if not isinstance(target, str) or target == ALL or _RANGE.fullmatch(target) or _RANDOM.fullmatch(target):
        return None
    part = _SHARE_OF.fullmatch(target)
    return target if part is None else part[2]


def highest_index(target: tuple[int, ...] | float | str) -> int:
    """The highest node index that a target spells out; -1 where it spells out none."""
    if isinstance(target, tuple):
        return max(target)
    span = _RANGE.fullmatch(target) if isinstance(target, str) else None
    return int(span[2]) if span is not None else -1


def drawn_count(target: tuple[int, ...] | float | str, count: int) -> int | None:
    """How many nodes of `count` a target draws at random; None where it names them."""
    if isinstance(target, float):
        return max(1, round(target * count))
    drawn = _RANDOM.fullmatch(target) if isinstance(target, str) else None
    return int(drawn[1]) if drawn is not None else None


def target_nodes(
    target: tuple[int, ...] | float | str, candidates: Sequence[int], groups: Mapping[str, range], rng: Rng
) -> tuple[int, ...]:
    """The indices that a target means, ascending. `candidates` are all nodes; `groups` comes from Scenario.groups."""
    draws = drawn_count(target, len(candidates))
    if draws is not None:
        return tuple(sorted(rng.sample(candidates, draws)))
    if isinstance(target, tuple):
        return tuple(sorted(target))
    span = _RANGE.fullmatch(str(target))
    if span is not None:
        return tuple(range(int(span[1]), int(span[2]) + 1))
    part = _SHARE_OF.fullmatch(str(target))
    if part is not None:
        of_group = groups[part[2]]
        return tuple(sorted(rng.sample(of_group, max(1, round(float(part[1]) * len(of_group))))))
    return tuple(candidates) if target == ALL else tuple(groups[str(target)])


def disjoint_groups(
    targets: Sequence[tuple[int, ...] | float | str], count: int, groups: Mapping[str, range], rng: Rng
) -> tuple[tuple[int, ...], ...]:
    """A partition's groups, in order. Shares are of all nodes, drawn among those that are still free; "rest" takes all
    that the others leave."""
    taken: dict[int, None] = {}
    found: list[tuple[int, ...]] = [()] * len(targets)
    # Groups that name their nodes come first, whatever the order in the file: a draw must not take a named node.
    named_first = sorted(range(len(targets)), key=lambda place: (_rank(targets[place]), place))
    for place in named_first:
        target = targets[place]
        free = [node for node in range(count) if node not in taken]
        draws = drawn_count(target, count)
        if target == REST:
            nodes = tuple(free)
        elif draws is not None:
            nodes = tuple(sorted(rng.sample(free, draws)))
        else:
            nodes = tuple(node for node in target_nodes(target, range(count), groups, rng) if node not in taken)
        taken.update(dict.fromkeys(nodes))
        found[place] = nodes
    return tuple(found)


def _rank(target: tuple[int, ...] | float | str) -> int:
    if target == REST:
        return 2
    return 1 if drawn_count(target, 1) is not None else 0
