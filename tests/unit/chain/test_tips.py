"""The ends of branches, and progress."""

import dataclasses

import pytest

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.tips import TipStatus, chain_tips, verification_progress
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import BlockHeader
from minicoin.core.units import SECOND_US, Micros

REGTEST = lookup("regtest")


def grow(tree: HeaderTree, parent: HeaderNode, count: int, salt: int) -> list[HeaderNode]:
    """Headers taken on trust: load asks for no work."""
    nodes: list[HeaderNode] = []
    for _ in range(count):
        header = BlockHeader(4, parent.hash, salt.to_bytes(32, "little"), parent.header.time + 60, 0x207FFFFF, 0)
        tree.load([header])
        node = tree.get(header.hash)
        assert node is not None
        nodes.append(node)
        parent = node
    return nodes


@pytest.fixture
def tree() -> HeaderTree:
    return HeaderTree(REGTEST)


def test_new_tree_has_one_active_tip(tree: HeaderTree) -> None:
    (tip,) = chain_tips(tree)
    assert (tip.node, tip.status, tip.branch_length) == (tree.genesis, TipStatus.ACTIVE, 0)


def test_every_kind_of_branch(tree: HeaderTree) -> None:
    active = grow(tree, tree.genesis, 5, 1)
    once = grow(tree, active[0], 2, 2)
    stored = grow(tree, active[1], 1, 3)
    headers = grow(tree, active[4], 3, 4)
    invalid = grow(tree, tree.genesis, 2, 5)
    tree.set_tip(once[1].hash)
    tree.set_tip(active[4].hash)
    tree.mark_stored(stored[0].hash)
    tree.mark_invalid(invalid[0].hash)
    assert {(tip.node.hash, tip.status, tip.branch_length) for tip in chain_tips(tree)} == {
        (headers[2].hash, TipStatus.HEADERS_ONLY, 3),
        (active[4].hash, TipStatus.ACTIVE, 0),
        (once[1].hash, TipStatus.VALID_FORK, 2),
        (stored[0].hash, TipStatus.VALID_HEADERS, 1),
        (invalid[1].hash, TipStatus.INVALID, 2),
    }
    heights = [tip.node.height for tip in chain_tips(tree)]
    assert heights == sorted(heights, reverse=True)


def _at(node: HeaderNode, later_s: int) -> Micros:
    return Micros((node.header.time + later_s) * SECOND_US)


def test_progress_counts_known_headers(tree: HeaderTree) -> None:
    nodes = grow(tree, tree.genesis, 8, 1)
    assert verification_progress(tree, _at(nodes[7], 60)) == 0.0
    tree.set_tip(nodes[1].hash)
    assert verification_progress(tree, _at(nodes[7], 60)) == 0.25
    tree.set_tip(nodes[7].hash)
    assert verification_progress(tree, _at(nodes[7], 3600)) == 1.0


def test_progress_guesses_unknown_headers_after_a_day(tree: HeaderTree) -> None:
    nodes = grow(tree, tree.genesis, 1440, 1)
    tree.set_tip(nodes[-1].hash)
    two_days = 2 * 24 * 3600
    assert verification_progress(tree, _at(nodes[-1], two_days)) == pytest.approx(1 / 3)
    assert verification_progress(HeaderTree(REGTEST), _at(tree.genesis, 0)) == 1.0


def test_progress_is_full_on_a_tip_ahead_of_the_clock(tree: HeaderTree) -> None:
    network = dataclasses.replace(REGTEST, spacing_s=1)
    other = HeaderTree(network)
    nodes = grow(other, other.genesis, 3, 1)
    other.set_tip(nodes[2].hash)
    assert verification_progress(other, _at(nodes[0], -5)) == 1.0
