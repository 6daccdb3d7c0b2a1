"""The part of a block's merkle tree that proves some of its transactions: BIP37's partial tree, as in merkleblock.

The tree is walked depth first from the root. A bit says at each node whether something proved lies below; a hash stands
where the walk ends.
"""

from collections.abc import Sequence

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.faults import DecodeError
from minicoin.core.limits import TRANSACTIONS_PER_BLOCK_MAX


def prove_leaves(leaves: Sequence[bytes], is_proved: Sequence[bool]) -> tuple[tuple[bytes, ...], bytes]:
    """(hashes, flag bytes) that prove the chosen leaves."""
    levels = [list(leaves)]
    marks = [list(is_proved)]
    while len(levels[-1]) > 1:
        level, marked = levels[-1], marks[-1]
        pairs = range(0, len(level), 2)
        levels.append([_join(level[at], level[min(at + 1, len(level) - 1)]) for at in pairs])
        marks.append([any(marked[at : at + 2]) for at in pairs])
    hashes: list[bytes] = []
    bits: list[bool] = []
    waiting = [(len(levels) - 1, 0)]
    while waiting:
        height, at = waiting.pop()
        bits.append(marks[height][at])
        if height == 0 or not marks[height][at]:
            hashes.append(levels[height][at])
            continue
        children = [(height - 1, child) for child in (2 * at + 1, 2 * at) if child < len(levels[height - 1])]
        waiting += children
    flags = bytearray((len(bits) + 7) // 8)
    for place, bit in enumerate(bits):
        flags[place // 8] |= bit << place % 8
    return tuple(hashes), bytes(flags)


def proved_leaves(count: int, hashes: Sequence[bytes], flags: bytes) -> tuple[bytes, list[bytes]]:
    """(the root that the proof leads to, the leaves it proves), for a tree of `count` leaves. Raises DecodeError where
    it is none: cut short, with something left over, or with two equal halves (CVE-2012-2459)."""
    if not 0 < count <= TRANSACTIONS_PER_BLOCK_MAX or len(hashes) > count or len(flags) * 8 < len(hashes):
        raise DecodeError("not a proof of this many transactions")
    walk = _Walk(count, hashes, flags)
    root = walk.node((count - 1).bit_length(), 0)
    if (walk.bits_used + 7) // 8 != len(flags) or walk.hashes_used != len(hashes):
        raise DecodeError("the proof has something left over")
    return root, walk.found


class _Walk:
    """Depth first, with the tree's height (at most 32) as the deepest recursion."""

    def __init__(self, count: int, hashes: Sequence[bytes], flags: bytes) -> None:
        self._count, self._hashes, self._flags = count, hashes, flags
        self.bits_used = self.hashes_used = 0
        self.found: list[bytes] = []

    def node(self, height: int, at: int) -> bytes:
        if self.bits_used >= 8 * len(self._flags):
            raise DecodeError("the proof ends early")
        is_marked = bool(self._flags[self.bits_used // 8] >> self.bits_used % 8 & 1)
        self.bits_used += 1
        if height == 0 or not is_marked:
            if self.hashes_used >= len(self._hashes):
                raise DecodeError("the proof ends early")
            found = self._hashes[self.hashes_used]
            self.hashes_used += 1
            if height == 0 and is_marked:
                self.found.append(found)
            return found
        left = self.node(height - 1, 2 * at)
        width = (self._count + (1 << height - 1) - 1) >> height - 1
        if 2 * at + 1 >= width:
            return _join(left, left)
        right = self.node(height - 1, 2 * at + 1)
        if left == right:
            raise DecodeError("two equal halves prove nothing")
        return _join(left, right)


def _join(left: bytes, right: bytes) -> bytes:
    return sha256d(left + right)
