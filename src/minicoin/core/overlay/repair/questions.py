"""Questions of ours that wait for an answer: by nonce, from one peer each, for a while. What comes late, twice, from
somebody else or unasked is no answer."""

from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros


class Questions:
    """Of one kind."""

    __slots__ = ("_most", "_open", "_patience_us", "_rng")

    def __init__(self, rng: Rng, patience_us: int, most: int) -> None:
        self._rng = rng
        self._patience_us = patience_us
        self._most = most
        self._open: dict[int, tuple[ConnId, Micros]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def ask(self, conn: ConnId, now: Micros) -> int:
        """The nonce of a new one; the oldest is given up where there are too many."""
        while self._open:
            oldest = next(iter(self._open))
            if len(self._open) < self._most and self._open[oldest][1] > now:
                break
            del self._open[oldest]
        nonce = int.from_bytes(self._rng.bytes(8), "little")
        self._open[nonce] = (conn, Micros(now + self._patience_us))
        return nonce

    def is_answered(self, nonce: int, conn: ConnId, now: Micros) -> bool:
        """Whether a question of ours to this peer is answered herewith, and in time. It is no more after that."""
        asked, until = self._open.get(nonce, (None, now))
        if asked != conn:
            return False
        del self._open[nonce]
        return now < until

    def forget(self, conn: ConnId) -> None:
        """The peer left: it will not answer."""
        for nonce in [nonce for nonce, (asked, _) in self._open.items() if asked == conn]:
            del self._open[nonce]
