"""Which leaf gets a place at a super node, and when the others are to come again.

1. So many are admitted in a second and no more: a connection costs its super node headers, inventory and announcements,
   and hundreds at once would take from the leaves it has. Who comes too early is told a time of its own, one after the
   other at the rate of admission, so that they do not come back all at once. The handshake comes before: what spreads
   those is that each leaf comes at a time of its own (`search`).
2. A part of the places is for leaves without any parent. Where none is left, a leaf that has other parents makes room
   for one that has none: while there are as many places as leaves, everybody finds one.
3. What a leaf says of its parents is believed. One that lies gets a place sooner; nobody loses his last.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.overlay.supernode.messages import SuperPlace, Verdict
from minicoin.core.units import SECOND_US, ConnId, Micros

RESERVED_PARTS: Final = 8
"""One of so many places is kept for leaves without parents."""
_RETRY_MAX_S: Final = 60
_FULL_RETRY_S: Final = 30


@dataclass(slots=True)
class PlacedLeaf:
    """A leaf at its place."""

    conn: ConnId
    peer_id: bytes
    since: Micros
    parents: int
    """That it has, this super node among them, as it said last."""


class LeafDoor:
    """The door of one super node."""

    def __init__(self, places: int, per_second: int) -> None:
        self.places = places
        self._gap_us = SECOND_US // per_second
        self._latest: deque[Micros] = deque(maxlen=per_second)
        """When the last ones were admitted, of as many as one second may see."""
        self._promised_until = Micros(0)
        self.admitted = 0
        self.refused = 0

    def ask(self, now: Micros, leaves: int, *, parents: int, can_make_room: bool) -> SuperPlace:
        """A leaf with so many parents asks, while so many sit here."""
        free = self.places - leaves
        kept = self.places // RESERVED_PARTS if parents else 0
        if free <= kept and (parents or not (free or can_make_room)):
            self.refused += 1
            return SuperPlace(Verdict.FULL, _FULL_RETRY_S)
        latest = self._latest
        if len(latest) == latest.maxlen and latest[0] + SECOND_US > now:
            self.refused += 1
            return SuperPlace(Verdict.LATER, self._promise(now))
        latest.append(now)
        self.admitted += 1
        return SuperPlace(Verdict.PLACED)

    def _promise(self, now: Micros) -> int:
        self._promised_until = Micros(max(self._promised_until, now) + self._gap_us)
        seconds = -(-(self._promised_until - now) // SECOND_US)
        if seconds > _RETRY_MAX_S:
            # Whoever waits longer than that asks again first.
            self._promised_until = Micros(now + _RETRY_MAX_S * SECOND_US)
            return _RETRY_MAX_S
        return seconds


def who_makes_room(leaves: Iterable[PlacedLeaf]) -> PlacedLeaf | None:
    """The leaf with most parents, if it has another; of several, the one that came last."""
    others = [leaf for leaf in leaves if leaf.parents > 1]
    return max(others, key=lambda leaf: (leaf.parents, leaf.since), default=None)
