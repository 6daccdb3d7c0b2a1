"""Which headers to forget when too many lead nowhere. Pure; the header tree owns the nodes and takes them out.

A header is a stray while its block is not stored and it lies off the chain with most work. Where work is cheap anybody
can make them by the thousand, connection after connection; where it is not there are a handful.
"""

from collections.abc import Iterable, Mapping, Sequence

from minicoin.core.chain.header_node import STORED, HeaderNode, children, find_common_ancestor
from minicoin.core.primitives.block import BlockHash


def choose_strays(
    leaves: Iterable[HeaderNode],
    best: HeaderNode,
    kept: Mapping[BlockHash, HeaderNode],
    weakly_kept: Sequence[HeaderNode],
    excess: int,
) -> dict[BlockHash, HeaderNode]:
    """At most `excess` strays, from the ends of branches downwards, the branch whose end came first in front.

    What leads to a node of `kept` stays; what leads to one of `weakly_kept` stays as long as the others suffice, and
    then goes in that order.
    """
    choice = _Choice(best, kept, excess)
    choice.weak = {node.hash: node for node in weakly_kept}
    for leaf in leaves:
        choice.walk_down(leaf)
    for node in weakly_kept:
        if len(choice.chosen) >= excess:
            break
        choice.weak.pop(node.hash, None)
        choice.walk_down(node)
    return choice.chosen


class _Choice:
    """What was chosen so far, and how many children each parent has left."""

    def __init__(self, best: HeaderNode, kept: Mapping[BlockHash, HeaderNode], excess: int) -> None:
        self._best = best
        self._kept = kept
        self._excess = excess
        self._left: dict[BlockHash, int] = {}
        self.weak: dict[BlockHash, HeaderNode] = {}
        self.chosen: dict[BlockHash, HeaderNode] = {}

    def walk_down(self, end: HeaderNode) -> None:
        """Choose the end of a branch and what lies below it, as far as nothing needs that."""
        fork_height = find_common_ancestor(end, self._best).height
        node = end
        while (
            len(self.chosen) < self._excess
            and node.height > fork_height
            and not node.status & STORED
            and node.hash not in self._kept
            and node.hash not in self.weak
            and node.hash not in self.chosen
            and self._children_left(node) == 0
        ):
            self.chosen[node.hash] = node
            parent = node.parent
            assert parent is not None
            self._left[parent.hash] = self._children_left(parent) - 1
            node = parent

    def _children_left(self, node: HeaderNode) -> int:
        # Counted once: a thousand children of one node are looked at a thousand times otherwise, each time.
        found = self._left.get(node.hash)
        if found is None:
            found = self._left[node.hash] = sum(1 for _ in children(node))
        return found
