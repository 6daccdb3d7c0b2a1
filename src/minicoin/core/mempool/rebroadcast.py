"""When to announce our own unconfirmed transactions again: after the first block that leaves them out, then at random
times, so that the schedule does not betray the owner by its rhythm."""

from collections.abc import Iterator

from minicoin.core.primitives.transaction import Txid
from minicoin.core.rng import Rng
from minicoin.core.units import Micros


class Rebroadcast:
    """The own transactions of the mempool, each with the time it is due, or None before its first block."""

    __slots__ = ("_due", "_mean_us", "_next", "_rng")

    def __init__(self, mean_us: int, rng: Rng) -> None:
        self._mean_us = mean_us
        self._rng = rng
        self._due: dict[Txid, Micros | None] = {}
        self._next: Micros | None = None

    def __len__(self) -> int:
        return len(self._due)

    def __iter__(self) -> Iterator[Txid]:
        return iter(self._due)

    def add(self, txid: Txid) -> None:
        self._due.setdefault(txid, None)

    def remove(self, txid: Txid) -> None:
        if self._due.pop(txid, None) is not None:
            self._refresh()

    def on_block(self, now: Micros) -> None:
        """A block came: what still stands here was not in it."""
        waiting = [txid for txid, due in self._due.items() if due is None]
        for txid in waiting:
            self._due[txid] = self._draw(now)
        if waiting:
            self._refresh()

    def take_due(self, now: Micros) -> list[Txid]:
        """What to announce now, oldest first; each is scheduled again."""
        if self._next is None or self._next > now:
            return []
        ready = [txid for txid, due in self._due.items() if due is not None and due <= now]
        for txid in ready:
            self._due[txid] = self._draw(now)
        self._refresh()
        return ready

    def next_deadline(self) -> Micros | None:
        return self._next

    def _draw(self, now: Micros) -> Micros:
        # Half of the wait is fixed: an exponential alone would now and then announce twice within seconds.
        return Micros(now + self._mean_us // 2 + self._rng.exponential_us(self._mean_us // 2))

    def _refresh(self) -> None:
        self._next = min((due for due in self._due.values() if due is not None), default=None)
