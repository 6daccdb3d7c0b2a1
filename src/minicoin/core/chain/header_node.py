"""One header's place in the tree: parent, work, and a skip pointer that makes any ancestor O(log height) away.

Owns the walk along ancestors and the median time past; HeaderTree owns which nodes exist and what their status is.
"""

from collections.abc import Callable, Iterator
from enum import IntFlag
from typing import Final

from minicoin.core.primitives.block import BlockHash, BlockHeader

MEDIAN_TIME_BLOCKS: Final = 11


class NodeStatus(IntFlag):
    """What is known of a node's block. INVALID is its own fault, INVALID_ANCESTOR that of one above it."""

    HEADER = 0
    STORED = 1
    CONNECTED = 2
    """It and all its ancestors are stored (or were, before pruning)."""
    VALID = 4
    """The engine has connected it once."""
    INVALID = 8
    INVALID_ANCESTOR = 16
    SAVED = 32
    """The header was handed to the store; so were its ancestors'."""


# Plain ints: flag arithmetic on IntFlag objects costs a microsecond each, and a sync does millions.
STORED: Final = int(NodeStatus.STORED)
CONNECTED: Final = int(NodeStatus.CONNECTED)
VALID: Final = int(NodeStatus.VALID)
INVALID: Final = int(NodeStatus.INVALID)
INVALID_ANCESTOR: Final = int(NodeStatus.INVALID_ANCESTOR)
SAVED: Final = int(NodeStatus.SAVED)
FAILED: Final = INVALID | INVALID_ANCESTOR


class HeaderNode:
    """A node of the header tree. Slots only, since a chain has a million of them; `child` and `sibling` thread the
    tree downwards. Compared by identity."""

    __slots__ = (
        "chainwork",
        "child",
        "hash",
        "header",
        "height",
        "parent",
        "sequence",
        "sibling",
        "skip",
        "status",
    )

    def __init__(self, header: BlockHeader, parent: "HeaderNode | None", work: int) -> None:
        self.header = header
        self.hash: BlockHash = header.hash
        self.parent = parent
        self.child: HeaderNode | None = None
        self.sibling: HeaderNode | None = None
        self.status = 0
        self.sequence = 0
        if parent is None:
            self.height = 0
            self.chainwork = work
            self.skip: HeaderNode | None = None
        else:
            self.height = parent.height + 1
            self.chainwork = parent.chainwork + work
            self.skip = parent.ancestor(_skip_height(self.height))

    def __repr__(self) -> str:
        return f"HeaderNode({self.height}, {self.header})"

    @property
    def is_stored(self) -> bool:
        return bool(self.status & STORED)

    @property
    def is_connected(self) -> bool:
        """Whether the engine could connect it as far as data goes."""
        return bool(self.status & CONNECTED)

    @property
    def is_valid(self) -> bool:
        """Whether the engine has connected it once since the node started."""
        return bool(self.status & VALID)

    @property
    def is_failed(self) -> bool:
        """Whether it or an ancestor is invalid."""
        return bool(self.status & FAILED)

    def ancestor(self, height: int) -> "HeaderNode":
        """The ancestor at `height`, which is between 0 and this node's height."""
        if not 0 <= height <= self.height:
            raise IndexError(f"no ancestor at height {height} of a header at height {self.height}")
        node = self
        while node.height > height:
            skip, parent = node.skip, node.parent
            assert parent is not None
            # Skip unless the parent's own skip lands closer without passing the height.
            if skip is not None and (
                skip.height == height
                or (
                    skip.height > height
                    and not (parent.skip is not None and height <= parent.skip.height < skip.height - 2)
                )
            ):
                node = skip
            else:
                node = parent
        return node

    def is_ancestor_of(self, other: "HeaderNode") -> bool:
        """Whether `other` builds on this node (or is it)."""
        return self.height <= other.height and other.ancestor(self.height) is self

    @property
    def median_time_past(self) -> int:
        """The median time of this header and the ten in front of it: what a child's time must exceed (BIP113)."""
        times: list[int] = []
        node: HeaderNode | None = self
        while node is not None and len(times) < MEDIAN_TIME_BLOCKS:
            times.append(node.header.time)
            node = node.parent
        times.sort()
        return times[len(times) // 2]


def find_common_ancestor(one: HeaderNode, other: HeaderNode) -> HeaderNode:
    """The highest node that both build on. Both must stand in one tree."""
    height = min(one.height, other.height)
    one, other = one.ancestor(height), other.ancestor(height)
    while one is not other:
        # Equal heights have equally high skips: jump while they differ.
        if one.skip is not None and other.skip is not None and one.skip is not other.skip:
            one, other = one.skip, other.skip
        else:
            assert one.parent is not None and other.parent is not None
            one, other = one.parent, other.parent
    return one


def children(node: HeaderNode) -> Iterator[HeaderNode]:
    """The nodes that build on `node`, the latest first."""
    child = node.child
    while child is not None:
        yield child
        child = child.sibling


def descendants(node: HeaderNode) -> Iterator[HeaderNode]:
    """Everything above `node`, each parent in front of its children."""
    waiting = list(children(node))
    while waiting:
        descendant = waiting.pop()
        yield descendant
        waiting.extend(children(descendant))


def highest_good(leaf: HeaderNode, is_good: Callable[[HeaderNode], bool]) -> HeaderNode:
    """The highest good node from the genesis to `leaf`: everything below a good node is good."""
    if is_good(leaf):
        return leaf
    low, high = 0, leaf.height
    while high - low > 1:
        middle = (low + high) // 2
        if is_good(leaf.ancestor(middle)):
            low = middle
        else:
            high = middle
    return leaf.ancestor(low)


def _clear_lowest_bit(number: int) -> int:
    return number & (number - 1)


def _skip_height(height: int) -> int:
    # Even heights jump to the height with the lowest bit cleared, odd ones far back: every walk needs few steps.
    if height < 2:
        return 0
    if height & 1:
        return _clear_lowest_bit(_clear_lowest_bit(height - 1)) + 1
    return _clear_lowest_bit(height)
