"""Transactions handed in at this node that no peer has shown to have yet. After Bitcoin Core's unbroadcast set:

- What the wallet or RPC submits joins when the mempool takes it, and is part of the mempool's dump.
- It is announced to the peers there are, to each peer that becomes ready, and every 10 to 15 minutes to those that were
  not told yet. The time between is random, so that the schedule does not betray its owner by its rhythm.
- The first peer that asks for it (getdata) or announces it itself ends that: from there it travels by itself, and
  whoever went on would only be known as its source. The wallet says its own again after hours (core/payments).
"""

from collections.abc import Iterator

from minicoin.core.primitives.transaction import Txid
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, Micros

_RETRY_US = 10 * MINUTE_US
_RETRY_SPREAD_US = 5 * MINUTE_US


class Unbroadcast:
    """A set in order of arrival, and when to try again."""

    __slots__ = ("_attempt_at", "_rng", "_waiting")

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._waiting: dict[Txid, None] = {}
        self._attempt_at = Micros(0)

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Txid]:
        return iter(self._waiting)

    def __contains__(self, txid: Txid) -> bool:
        return txid in self._waiting

    def add(self, txid: Txid, now: Micros) -> None:
        """Nobody has it yet."""
        if not self._waiting:
            self._attempt_at = self._draw(now)
        self._waiting[txid] = None

    def remove(self, txid: Txid) -> None:
        """Somebody has it, or nobody will."""
        self._waiting.pop(txid, None)

    def take_due(self, now: Micros) -> list[Txid]:
        """What to announce once more, oldest first; empty before the time has come."""
        if not self._waiting or self._attempt_at > now:
            return []
        self._attempt_at = self._draw(now)
        return list(self._waiting)

    def bring_forward(self, delta_us: int) -> None:
        """Try again that much sooner."""
        self._attempt_at = Micros(self._attempt_at - delta_us)

    def next_deadline(self) -> Micros | None:
        """When take_due has something."""
        return self._attempt_at if self._waiting else None

    def _draw(self, now: Micros) -> Micros:
        return Micros(now + _RETRY_US + self._rng.below(_RETRY_SPREAD_US))
