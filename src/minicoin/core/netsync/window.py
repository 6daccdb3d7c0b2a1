"""The blocks to fetch next: a window of the path from the tip to the chain we go for, and who was asked for which.

Owns only bookkeeping: an ordered window of wanted blocks, the part of it nobody was asked for, and what is in flight,
blocks of other branches included. Blocks are stored as they come, so the window bounds disk order, not memory.
"""

from dataclasses import dataclass, field

from minicoin.core.chain.header_node import HeaderNode, find_common_ancestor
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.limits import BLOCK_WINDOW
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import ConnId, Micros


@dataclass(slots=True)
class BlockRequest:
    """A block in flight. `looked_at` is when somebody was last asked for it, or last found to be the only one."""

    node: HeaderNode
    looked_at: Micros
    holders: list[ConnId] = field(default_factory=list)
    """Who was asked, the first in front."""


class BlockWindow:
    """Wanted blocks in height order."""

    __slots__ = ("_filled_for", "_filled_to", "_is_reorg", "_tree", "_unassigned", "in_flight", "wanted")

    def __init__(self, tree: HeaderTree) -> None:
        self._tree = tree
        self._filled_to: HeaderNode | None = None
        # The target and the tip it was filled for: while they stay, so does the window.
        self._filled_for: tuple[HeaderNode, HeaderNode] | None = None
        self._is_reorg = False
        self.wanted: dict[BlockHash, HeaderNode] = {}
        self._unassigned: dict[BlockHash, HeaderNode] = {}
        self.in_flight: dict[BlockHash, BlockRequest] = {}

    def refill(self, target: HeaderNode) -> bool:
        """Follow `target`, at most BLOCK_WINDOW blocks ahead of the tip; whether there was anything to do."""
        if self.is_filled_for(target):
            return False
        tip = self._tree.tip
        self._filled_for = (target, tip)
        filled = self._filled_to
        if filled is None or filled.height > target.height or self._tree.ancestor(target, filled.height) is not filled:
            filled = self._restart(target)
        self._is_reorg = target.height < tip.height or self._tree.ancestor(target, tip.height) is not tip
        base = tip.height
        if self._is_reorg:
            # The tip stays until the branch beats it: what counts is how far that is stored.
            lowest = self.lowest_wanted()
            base = filled.height if lowest is None else lowest.height - 1
        end = min(target.height, base + BLOCK_WINDOW)
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

    def is_filled_for(self, target: HeaderNode) -> bool:
        """Whether the window shows the way from the present tip to `target`."""
        filled_for = self._filled_for
        if filled_for is None or filled_for[0] is not target or filled_for[1] is not self._tree.tip:
            return False
        return not self._is_reorg or self._filled_to is target or len(self.wanted) > BLOCK_WINDOW // 2

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

    def assign(self, node: HeaderNode, conn: ConnId, now: Micros) -> None:
        """`conn` is asked for the block."""
        self._unassigned.pop(node.hash, None)
        request = self.in_flight.get(node.hash)
        if request is None:
            request = self.in_flight[node.hash] = BlockRequest(node, now)
        request.looked_at = now
        request.holders.append(conn)

    def release(self, block: BlockHash, conn: ConnId) -> None:
        """`conn` will not deliver it."""
        request = self.in_flight.get(block)
        if request is None or conn not in request.holders:
            return
        request.holders.remove(conn)
        if not request.holders:
            del self.in_flight[block]
            node = self.wanted.get(block)
            if node is not None:
                # In front: what was given up is the lowest we still need, more often than not.
                self._unassigned = {block: node, **self._unassigned}

    def arrived(self, block: BlockHash) -> BlockRequest | None:
        """The block is here; the request for it, if there was one."""
        self.wanted.pop(block, None)
        self._unassigned.pop(block, None)
        return self.in_flight.pop(block, None)

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
