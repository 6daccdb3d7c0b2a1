"""The leaves of one super node: who sits here, and what is answered to those who want to."""

from collections.abc import Callable
from typing import Final

from minicoin.core.effects import Effect, Send
from minicoin.core.overlay.supernode.admission import LeafDoor, PlacedLeaf, who_makes_room
from minicoin.core.overlay.supernode.circle import Near
from minicoin.core.overlay.supernode.messages import SuperPlace, Verdict
from minicoin.core.units import SECOND_US, ConnId, Micros

_ASKED_US: Final = SECOND_US
"""A leaf that asks for a place more often is not answered."""


class LeafPlaces:
    """By connection, in the order in which they came."""

    def __init__(self, places: int, per_second: int, on_change: Callable[[Micros], None]) -> None:
        self.admission = LeafDoor(places, per_second)
        self._tell_change = on_change
        self._leaves: dict[ConnId, PlacedLeaf] = {}
        self._asked_at: dict[ConnId, Micros] = {}
        self.sent_on = 0

    def __len__(self) -> int:
        return len(self._leaves)

    def __contains__(self, conn: ConnId) -> bool:
        return conn in self._leaves

    @property
    def free(self) -> int:
        return max(0, self.admission.places - len(self._leaves))

    def conns(self) -> tuple[ConnId, ...]:
        return tuple(self._leaves)

    def ask(self, near: Near, parents: int, now: Micros) -> tuple[list[Effect], bool]:
        """A leaf with so many parents wants a place: what it hears, and whether it was refused."""
        conn = near.peer.conn
        asked_at = self._asked_at.get(conn)
        if asked_at is not None and now < asked_at + _ASKED_US:
            return [], False
        self._asked_at[conn] = now
        if near.status is not None:
            # A super node sits nowhere.
            return [Send(conn, SuperPlace(Verdict.NO_SUPER))], False
        if conn in self._leaves:
            return [Send(conn, SuperPlace(Verdict.PLACED))], False
        gives_way = None if parents or self.free else who_makes_room(self._leaves.values())
        answer = self.admission.ask(now, len(self), parents=parents, can_make_room=gives_way is not None)
        if answer.verdict is not Verdict.PLACED:
            return [Send(conn, answer)], True
        effects: list[Effect] = []
        if gives_way is not None:
            del self._leaves[gives_way.conn]
            self.sent_on += 1
            effects.append(Send(gives_way.conn, SuperPlace(Verdict.ENDED)))
        self._leaves[conn] = PlacedLeaf(conn, near.peer_id, now, parents + 1)
        self._tell_change(now)
        return [*effects, Send(conn, answer)], False

    def on_word(self, conn: ConnId, supers: tuple[bytes, ...], own: bytes, now: Micros) -> None:
        """One of them signed where it sits."""
        if own in supers:
            self._leaves[conn].parents = len(supers)
        else:
            self.end(conn, now)

    def end(self, conn: ConnId, now: Micros) -> None:
        """It sits here no longer, if it did."""
        if self._leaves.pop(conn, None) is not None:
            self._tell_change(now)

    def on_closed(self, conn: ConnId, now: Micros) -> None:
        self._asked_at.pop(conn, None)
        self.end(conn, now)
