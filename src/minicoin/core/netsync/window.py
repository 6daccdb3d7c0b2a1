"""The blocks to fetch next: a window of the path from the tip to the best header, and who fetches which.

Owns only bookkeeping: an ordered window of wanted blocks, the part of it nobody was asked for, and who is in flight.
Blocks are stored as they come, so the window bounds disk order, not memory.
"""

from minicoin.core.chain.header_node import HeaderNode, find_common_ancestor
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.limits import BLOCK_WINDOW
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import ConnId


class BlockWindow:
    """Wanted blocks in height order."""

    __slots__ = ("_filled_for", "_filled_to", "_tree", "_unassigned", "in_flight", "wanted")

    def __init__(self, tree: HeaderTree) -> None:
        self._tree = tree
        self._filled_to: HeaderNode | None = None
        # The best header and the tip it was filled for: while they stay, so does the window.
        self._filled_for: tuple[HeaderNode, HeaderNode] | None = None
        self.wanted: dict[BlockHash, HeaderNode] = {}
        self._unassigned: dict[BlockHash, HeaderNode] = {}
        self.in_flight: dict[BlockHash, list[ConnId]] = {}

    def refill(self) -> bool:
        """Follow the best header, at most BLOCK_WINDOW blocks ahead of the tip; whether there was anything to do."""
        if self._is_filled():
            return False
        target = self._tree.best_header
        tip = self._tree.tip
        self._filled_for = (target, tip)
        filled = self._filled_to
        if filled is None or filled.height > target.height or self._tree.ancestor(target, filled.height) is not filled:
            filled = self._restart(target)
        end = min(target.height, tip.height + BLOCK_WINDOW)
        # Upwards from the last node is cheap only through ancestors of the target; the skip list makes that log n.
        for height in range(filled.height + 1, end + 1):
            node = self._tree.ancestor(target, height)
            if not node.is_stored:
                self.wanted[node.hash] = node
                if node.hash not in self.in_flight:
                    self._unassigned[node.hash] = node
            self._filled_to = node
        return True

    def unassigned(self) -> list[HeaderNode]:
        """Wanted blocks nobody was asked for, lowest first."""
        return list(self._unassigned.values())

    @property
    def has_unassigned(self) -> bool:
        return bool(self._unassigned)

    @property
    def has_work(self) -> bool:
        """Whether somebody may have to be asked for something: a block waits for that, or the window for its blocks."""
        return bool(self._unassigned) or not self._is_filled()

    def _is_filled(self) -> bool:
        filled_for = self._filled_for
        return filled_for is not None and filled_for[0] is self._tree.best_header and filled_for[1] is self._tree.tip

    def lowest_wanted(self) -> HeaderNode | None:
        """The block that holds up everything behind it."""
        return next(iter(self.wanted.values()), None)

    @property
    def is_held_up(self) -> bool:
        """Blocks above the lowest wanted one are here already and wait for it."""
        lowest = self.lowest_wanted()
        if lowest is None or self._filled_to is None:
            return False
        return self._filled_to.height - lowest.height + 1 > len(self.wanted)

    def assign(self, node: HeaderNode, conn: ConnId) -> None:
        """`conn` was asked for the block."""
        self._unassigned.pop(node.hash, None)
        self.in_flight.setdefault(node.hash, []).append(conn)

    def release(self, block: BlockHash, conn: ConnId) -> None:
        """`conn` will not deliver it."""
        askers = self.in_flight.get(block)
        if askers is None or conn not in askers:
            return
        askers.remove(conn)
        if not askers:
            del self.in_flight[block]
            node = self.wanted.get(block)
            if node is not None:
                # In front: what was given up is the lowest we still need, more often than not.
                self._unassigned = {block: node, **self._unassigned}

    def arrived(self, block: BlockHash) -> list[ConnId]:
        """The block is here; everybody still asked for it."""
        self.wanted.pop(block, None)
        self._unassigned.pop(block, None)
        return self.in_flight.pop(block, [])

    def forget(self) -> None:
        """Start over: a branch was found invalid or a stored block was lost."""
        self._filled_to = None
        self._filled_for = None

    def _restart(self, target: HeaderNode) -> HeaderNode:
        """Empty, to be filled from the fork of tip and target; what is in flight stays in flight."""
        fork = find_common_ancestor(self._tree.tip, target)
        self._filled_to = fork
        self._unassigned = {}
        self.wanted = {}
        return fork
