"""Locators: hashes from a block down to the genesis, by which two nodes find the fork of their chains in one message.

The newest blocks are named each, since most forks are young; then the steps double, so that a chain of any length takes
some forty hashes. Whoever answers takes the first that is on his active chain. Bitcoin protocol documentation,
getblocks.
"""

from collections.abc import Iterable
from typing import Final

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.primitives.block import BlockHash

# Each the parent of the one in front, before the steps double (as Bitcoin Core's do: where they differ, a test written
# for one would fail on the other).
_DENSE: Final = 12


def make_locator(tree: HeaderReader, node: HeaderNode) -> tuple[BlockHash, ...]:
    """Hashes from `node` down to the genesis, both included; of `node` alone where it is the genesis."""
    hashes: list[BlockHash] = []
    step = 1
    height = node.height
    while height > 0:
        node = tree.ancestor(node, height)
        hashes.append(node.hash)
        if len(hashes) >= _DENSE:
            step *= 2
        height -= step
    hashes.append(tree.ancestor(node, 0).hash)
    return tuple(hashes)


def find_fork(tree: HeaderReader, locator: Iterable[BlockHash]) -> HeaderNode:
    """The highest block of the active chain that a locator names; the genesis where it names none."""
    tip = tree.tip
    for block in locator:
        node = tree.get(block)
        if node is None:
            continue
        if tree.is_active(node):
            return node
        # A branch that builds on our tip forks at the tip.
        if tip.is_ancestor_of(node):
            return tip
    return tree.ancestor(tip, 0)
