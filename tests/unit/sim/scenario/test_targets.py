"""Targets: their forms, and the nodes they mean."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.rng import Rng
from minicoin.sim.scenario.targets import (
    disjoint_groups,
    drawn_count,
    group_name,
    highest_index,
    parse_target,
    target_nodes,
)

GROUPS = {"miners": range(3), "slow": range(3, 5)}


def nodes(target: tuple[int, ...] | float | str, count: int = 10, seed: bytes = b"s") -> tuple[int, ...]:
    return target_nodes(target, range(count), GROUPS, Rng(seed))


def test_targets_that_name_their_nodes() -> None:
    assert nodes((7, 2)) == (2, 7)
    assert nodes("2..4") == (2, 3, 4)
    assert nodes("slow") == (3, 4)
    assert nodes("all", 3) == (0, 1, 2)


def test_drawn_targets_come_from_the_seed() -> None:
    assert len(nodes(0.3)) == 3
    assert len(nodes("random:4")) == 4
    assert nodes("random:4") == nodes("random:4")
    assert len({nodes("random:4", 100, bytes([number])) for number in range(5)}) == 5
    assert nodes(0.01) == nodes("random:1")


def test_a_share_of_a_group_is_drawn_from_it() -> None:
    assert len(nodes("0.7 of miners")) == 2
    assert set(nodes("0.7 of miners")) < {0, 1, 2}
    assert len(nodes("0.01 of slow")) == 1
    assert len({nodes("0.5 of slow", seed=bytes([number])) for number in range(20)}) == 2
    assert group_name(parse_target("0.5 of slow")) == "slow"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, r"write \[3\] for the node with this index, 3.0 for a share"),
        (True, "true is no target"),
        (0.0, "a share must be above 0 and at most 1"),
        (1.5, "a share must be above 0 and at most 1"),
        ([], "an empty list names no node"),
        ([1, -2], "-2 is no node index"),
        ([1, "a"], "'a' is no node index"),
        ([1, 1], "node 1 is named twice"),
        ("9..3", "the range '9..3' runs backwards"),
        ("random:0", "random:0 names no node"),
        ("0.0 of miners", "'0.0 of miners' names no node"),
        ("1.5 of miners", "'1.5 of miners' is no target"),
        ("Miners!", "'Miners!' is no target; allowed are a list"),
        ({}, "{} is no target"),
    ],
)
def test_other_forms_are_refused(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_target(value)


def test_what_a_target_says_without_drawing() -> None:
    assert [group_name(target) for target in ("miners", "rest", "all", "0..3", "random:2", 0.5, (1,))] == [
        "miners",
        "rest",
        *[None] * 5,
    ]
    assert [highest_index(target) for target in ((4, 9), "0..7", "all", 0.5)] == [9, 7, -1, -1]
    assert [drawn_count(target, 10) for target in (0.25, "random:3", "all", (1,))] == [2, 3, None, None]


def test_groups_of_a_partition_share_no_node_and_rest_takes_what_is_left() -> None:
    parts = disjoint_groups(("rest", 0.3, "miners", (9,)), 10, GROUPS, Rng(b"s"))
    assert parts[2:] == ((0, 1, 2), (9,))
    assert len(parts[1]) == 3
    assert sorted(node for part in parts for node in part) == list(range(10))


@settings(max_examples=50, deadline=None)
@given(
    count=st.integers(2, 60),
    shares=st.lists(st.floats(0.05, 0.3), min_size=1, max_size=3),
    seed=st.binary(min_size=1, max_size=4),
)
def test_drawn_groups_never_overlap(count: int, shares: list[float], seed: bytes) -> None:
    parts = disjoint_groups((*shares, "rest"), count, {}, Rng(seed))
    assert sorted(node for part in parts for node in part) == list(range(count))
    for share, part in zip(shares, parts, strict=False):
        assert len(part) <= max(1, round(share * count))
