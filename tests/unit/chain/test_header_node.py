"""Ancestors by skip pointers and median times, against walking parent by parent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.chain.header_node import HeaderNode, find_common_ancestor
from minicoin.core.primitives.block import ZERO_HASH, BlockHash, BlockHeader


def _child(parent: HeaderNode | None, time: int, nonce: int) -> HeaderNode:
    previous = ZERO_HASH if parent is None else parent.hash
    return HeaderNode(BlockHeader(1, BlockHash(previous), bytes(32), time, 0x207FFFFF, nonce), parent, 2)


def _chain(length: int) -> list[HeaderNode]:
    nodes = [_child(None, 0, 0)]
    for height in range(1, length):
        nodes.append(_child(nodes[-1], height, height))
    return nodes


def _naive_path(node: HeaderNode) -> list[HeaderNode]:
    path: list[HeaderNode] = []
    walk: HeaderNode | None = node
    while walk is not None:
        path.append(walk)
        walk = walk.parent
    return path[::-1]


CHAIN = _chain(1200)


def test_every_ancestor_of_a_chain() -> None:
    for height in range(len(CHAIN)):
        assert CHAIN[-1].ancestor(height) is CHAIN[height]


def test_ancestor_takes_few_steps() -> None:
    """Counted by the skip pointers themselves: a walk visits far fewer nodes than the chain has."""
    steps = 0
    node = CHAIN[-1]
    while node.height > 3:
        skip = node.skip
        assert skip is not None and node.parent is not None
        node = skip if skip.height >= 3 else node.parent
        steps += 1
    assert steps < 60


@pytest.mark.parametrize("height", [-1, len(CHAIN)])
def test_heights_outside_are_misuse(height: int) -> None:
    with pytest.raises(IndexError):
        CHAIN[-1].ancestor(height)


def test_work_sums_up() -> None:
    assert [node.chainwork for node in CHAIN[:4]] == [2, 4, 6, 8]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=120))
def test_trees_agree_with_walking(choices: list[int]) -> None:
    nodes = [_child(None, 0, 0)]
    for number, choice in enumerate(choices):
        # Mostly growing at the end, so that branches get long.
        parent = nodes[-1 - choice % min(len(nodes), 3)] if choice % 7 else nodes[choice % len(nodes)]
        nodes.append(_child(parent, number, number + 1))
    one, other = nodes[-1], nodes[choices[0] % len(nodes)]
    path, other_path = _naive_path(one), _naive_path(other)
    assert [one.ancestor(height) for height in range(one.height + 1)] == path
    shared = [a for a, b in zip(path, other_path, strict=False) if a is b]
    assert find_common_ancestor(one, other) is shared[-1]
    assert other.is_ancestor_of(one) == (other in path)


@pytest.mark.parametrize(
    ("times", "median"),
    [([5], 5), ([5, 9], 9), ([5, 9, 7], 7), (list(range(20)), 14), ([100, *range(1, 11)], 6), ([0, *range(1, 12)], 6)],
)
def test_median_time_past(times: list[int], median: int) -> None:
    node: HeaderNode | None = None
    for number, time in enumerate(times):
        node = _child(node, time, number)
    assert node is not None
    assert node.median_time_past == median
