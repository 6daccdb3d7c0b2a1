"""An ordered index: transactions by a number, ties by order of admission.

A list of short sorted lists. One long list would move megabytes of memory per removal in a large pool, and a block
removes thousands at once.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence

from minicoin.core.primitives.transaction import Txid

_CHUNK_LENGTH = 512
# Taking out more than one in so many, as a full block does, is cheaper by copying the rest.
_REBUILD_SHARE = 8
Place = tuple[float, int, Txid]


class ScoreIndex:
    """Transactions in ascending order of a number."""

    __slots__ = ("_chunks", "_lasts", "_places")

    def __init__(self) -> None:
        # Chunks are never empty; _lasts holds the last place of each.
        self._chunks: list[list[Place]] = []
        self._lasts: list[Place] = []
        self._places: dict[Txid, Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Txid]:
        """From the least number up; the index must not change meanwhile."""
        return (place[2] for chunk in self._chunks for place in chunk)

    def first(self) -> tuple[float, Txid] | None:
        """The least number and its transaction."""
        if not self._chunks:
            return None
        score, _, txid = self._chunks[0][0]
        return score, txid

    def put(self, txid: Txid, score: float, sequence: int) -> None:
        """Insert, or move to a new number."""
        place = (score, sequence, txid)
        old = self._places.get(txid)
        if old == place:
            return
        if old is not None:
            self._delete(old)
        self._places[txid] = place
        self._insert(place)

    def remove(self, txids: Sequence[Txid]) -> None:
        """Forget transactions that are in it."""
        if len(txids) * _REBUILD_SHARE < len(self._places):
            for txid in txids:
                self._delete(self._places.pop(txid))
            return
        for txid in txids:
            del self._places[txid]
        kept = [place for chunk in self._chunks for place in chunk if place[2] in self._places]
        self._chunks = [kept[start : start + _CHUNK_LENGTH] for start in range(0, len(kept), _CHUNK_LENGTH)]
        self._lasts = [chunk[-1] for chunk in self._chunks]

    def _insert(self, place: Place) -> None:
        if not self._chunks:
            self._chunks.append([place])
            self._lasts.append(place)
            return
        at = min(bisect_left(self._lasts, place), len(self._lasts) - 1)
        chunk = self._chunks[at]
        insort(chunk, place)
        if len(chunk) > 2 * _CHUNK_LENGTH:
            self._chunks.insert(at + 1, chunk[_CHUNK_LENGTH:])
            del chunk[_CHUNK_LENGTH:]
            self._lasts.insert(at, chunk[-1])
            at += 1
        self._lasts[at] = self._chunks[at][-1]

    def _delete(self, place: Place) -> None:
        at = bisect_left(self._lasts, place)
        chunk = self._chunks[at]
        del chunk[bisect_left(chunk, place)]
        if chunk:
            self._lasts[at] = chunk[-1]
        else:
            del self._chunks[at], self._lasts[at]
