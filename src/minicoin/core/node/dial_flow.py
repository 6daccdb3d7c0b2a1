"""Connections as a part: the book's addresses fill the connection manager's slots when the time has come."""

from collections.abc import Iterable

from minicoin.core.effects import Effect
from minicoin.core.node.parts import Parts
from minicoin.core.part import Part, PeerView
from minicoin.core.units import Micros


class DialFlow(Part):
    """Around the connection manager."""

    def __init__(self, parts: Parts) -> None:
        self._connections = parts.connections
        self._book = parts.book
        self.alarm = parts.connections.alarm

    def on_ready(self, peer: PeerView, now: Micros) -> Iterable[Effect]:
        self._connections.on_ready(peer.conn)
        return ()

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        return self._connections.fill(now, lambda groups: self._book.select(now, exclude_groups=groups))

    def next_deadline(self) -> Micros | None:
        return self._connections.next_deadline()
