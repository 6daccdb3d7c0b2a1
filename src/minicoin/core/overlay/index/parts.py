"""Into how many parts an index divides a large view, and which one a reader hears of.

1. A view of up to INDEX_KNOWN_MAX members is whole: everybody hears of everybody. Were that so at ten thousand, each
   join would be told ten thousand times, and a rush of all to the index a hundred million times.
2. A larger one is divided by the first bits of the hashes by which members stand in it, into as many parts as leave at
   most INDEX_KNOWN_MAX / 2 members in each, on average.
3. A reader hears of one part. Which one, a hash of its own says, which has nothing to do with where it stands as a
   member: if those of a part knew each other only, the network would fall apart into as many pieces.
4. Parts are united again when the view is a quarter smaller than it need be, so that a few who come and go do not have
   everybody read anew.
"""

from hashlib import sha256
from typing import Final

from minicoin.core.limits import INDEX_KNOWN_MAX, INDEX_MEMBERS_MAX

_BITS_MAX: Final = 8
"""Each part is one or more of so many slots: 256."""
assert INDEX_MEMBERS_MAX <= (INDEX_KNOWN_MAX // 2) << _BITS_MAX


def member_key(peer_id: bytes) -> bytes:
    """Where a member stands in the view."""
    return sha256(peer_id).digest()


def reader_key(peer_id: bytes) -> bytes:
    """Where a reader begins to read, and in which part."""
    return sha256(b"reader" + peer_id).digest()


class ViewParts:
    """The parts of one view, and when something changed in each."""

    def __init__(self) -> None:
        self._bits = 0
        self._changed_at = [0] * (1 << _BITS_MAX)
        """The version of the view at which a slot changed last, as readers were told."""

    @property
    def is_whole(self) -> bool:
        """It is not divided."""
        return not self._bits

    def fit(self, members: int) -> None:
        """Divide a view of so many members as it needs."""
        while members > _room(self._bits):
            self._bits += 1
        while self._bits and 4 * members < 3 * _room(self._bits - 1):
            self._bits -= 1

    def of(self, key: bytes) -> int:
        """The part that a key lies in."""
        return key[0] >> (_BITS_MAX - self._bits)

    def bounds(self, part: int) -> tuple[bytes, bytes]:
        """Keys of a part lie at or above the first, and below the second."""
        first, behind = self._slots(part)
        return bytes([first]), bytes([behind]) if behind < len(self._changed_at) else b"\xff" * 33

    def _slots(self, part: int) -> tuple[int, int]:
        width = _BITS_MAX - self._bits
        return part << width, (part + 1) << width

    def change(self, part: int, at: int) -> int:
        """Its readers are told of version `at`; which version they were told of before."""
        first, behind = self._slots(part)
        before = max(self._changed_at[first:behind])
        self._changed_at[first:behind] = [at] * (behind - first)
        return before


def _room(bits: int) -> int:
    return INDEX_KNOWN_MAX if not bits else (INDEX_KNOWN_MAX // 2) << bits
