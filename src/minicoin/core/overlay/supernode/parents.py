"""The super nodes that one leaf sits at, and what it thinks of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from minicoin.core.overlay.supernode.circle import Near
from minicoin.core.overlay.supernode.tips import Doubt, doubt_of
from minicoin.core.units import ConnId, Micros

_LOOKS: Final = 2
"""In a row, at which a parent was to be doubted."""


@dataclass(slots=True)
class Parent:
    """A super node that we sit at."""

    near: Near
    group: bytes
    since: Micros
    doubt: Doubt | None = None
    looks: int = 0
    """At which there was a doubt, in a row."""

    @property
    def conn(self) -> ConnId:
        return self.near.peer.conn

    @property
    def is_doubted(self) -> bool:
        return self.looks >= _LOOKS


class Parents:
    """By connection, in the order in which they took us."""

    def __init__(self) -> None:
        self._parents: dict[ConnId, Parent] = {}
        self._height_at_look = 0

    def __len__(self) -> int:
        return len(self._parents)

    def __iter__(self) -> Iterator[Parent]:
        return iter(self._parents.values())

    def __contains__(self, conn: ConnId) -> bool:
        return conn in self._parents

    def add(self, parent: Parent) -> None:
        self._parents[parent.conn] = parent

    def pop(self, conn: ConnId) -> Parent | None:
        return self._parents.pop(conn, None)

    @property
    def trusted_count(self) -> int:
        return sum(1 for parent in self if not parent.is_doubted)

    def in_turn(self) -> tuple[Near, ...]:
        """Whom to ask first: those without a doubt, then the quickest."""
        ranked = sorted(self, key=lambda parent: (parent.looks, parent.near.delay_us, parent.since))
        return tuple(parent.near for parent in ranked)

    def look(self, height: int, recent: Sequence[bytes]) -> None:
        """Compare what they said since the last look with our chain, whose newest blocks are `recent`."""
        doubts = {parent.conn: self._doubt(parent, height, recent) for parent in self}
        is_anybody_sound = any(doubt is None for doubt in doubts.values())
        stands_still, self._height_at_look = height == self._height_at_look, height
        for conn, doubt in doubts.items():
            if doubt is Doubt.UNSEEN and not (is_anybody_sound and stands_still):
                # We may be the one that lags.
                doubt = None
            parent = self._parents[conn]
            parent.doubt = doubt
            parent.looks = 0 if doubt is None else parent.looks + 1

    @staticmethod
    def _doubt(parent: Parent, height: int, recent: Sequence[bytes]) -> Doubt | None:
        near = parent.near
        if near.asked_at is not None:
            return Doubt.SILENT
        if near.status is None or near.heard_at < parent.since:
            return None
        return doubt_of(near.status.height, near.status.tip, recent, height)

    def part_with_doubted(self) -> list[Parent]:
        """Those that we doubt, once another is there that we do not; they are parents no longer."""
        doubted = [parent for parent in self if parent.is_doubted]
        if len(doubted) == len(self._parents):
            return []
        for parent in doubted:
            del self._parents[parent.conn]
        return doubted
