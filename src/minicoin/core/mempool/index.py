"""An ordered index: keys by score, ties by order of admission. One sorted list, since a memory move of a hundred
thousand slots is far cheaper in Python than any tree."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from minicoin.core.primitives.transaction import Txid


class ScoreIndex:
    """Transactions ordered by a number."""

    __slots__ = ("_places", "_sorted")

    def __init__(self) -> None:
        self._sorted: list[tuple[float, int, Txid]] = []
        self._places: dict[Txid, tuple[float, int, Txid]] = {}

    def __len__(self) -> int:
        return len(self._sorted)

    def put(self, txid: Txid, score: float, sequence: int) -> None:
        """Insert, or move to a new score."""
        place = (score, sequence, txid)
        old = self._places.get(txid)
        if old == place:
            return
        if old is not None:
            self._delete(old)
        self._places[txid] = place
        insort(self._sorted, place)

    def remove(self, txid: Txid) -> None:
        """Forget a key; unknown keys are fine."""
        old = self._places.pop(txid, None)
        if old is not None:
            self._delete(old)

    def lowest(self) -> tuple[float, Txid] | None:
        """The least score and its key."""
        if not self._sorted:
            return None
        score, _, txid = self._sorted[0]
        return score, txid

    def ascending(self) -> Iterator[Txid]:
        """Keys from the least score up; the index must not change meanwhile."""
        return (txid for _, _, txid in self._sorted)

    def descending(self) -> Iterator[Txid]:
        """Keys from the greatest score down, equal scores oldest first; the index must not change meanwhile."""
        ranked = self._sorted
        end = len(ranked)
        while end:
            start = bisect_left(ranked, (ranked[end - 1][0],), 0, end)
            for _, _, txid in ranked[start:end]:
                yield txid
            end = start

    def _delete(self, place: tuple[float, int, Txid]) -> None:
        del self._sorted[bisect_left(self._sorted, place)]
