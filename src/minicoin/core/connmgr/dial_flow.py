"""Connections as a part: the book's addresses fill the connection manager's slots when the time has come."""

from collections.abc import Iterable
from typing import Final

from minicoin.core.addrmgr.book import AddressBook
from minicoin.core.connmgr.bans import Ban
from minicoin.core.connmgr.connections import ConnectionManager
from minicoin.core.connmgr.slots import SlotView
from minicoin.core.effects import Effect
from minicoin.core.forms.derived import make_codec
from minicoin.core.part import Part, PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros

_BANS: Final = make_codec(tuple[Ban, ...], {})
_SLOTS: Final = make_codec(tuple[tuple[SlotView, ...], tuple[NodeAddress, ...], bool], {})


class DialFlow(Part):
    """Around the connection manager."""

    def __init__(self, connections: ConnectionManager, book: AddressBook) -> None:
        self._connections = connections
        self._book = book
        self.alarm = connections.alarm

    def on_ready(self, peer: PeerView, now: Micros) -> Iterable[Effect]:
        self._connections.on_ready(peer.conn)
        return ()

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        return self._connections.fill(now, lambda groups: self._book.select(now, exclude_groups=groups))

    def next_deadline(self) -> Micros | None:
        return self._connections.next_deadline()

    def snapshot(self, now: Micros) -> tuple[SlotView, ...]:
        return self._connections.snapshot()

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        bans, slots = bytearray(), bytearray()
        _BANS.write(self._connections.bans.listing(), bans)
        added = self._connections.added_nodes()
        _SLOTS.write((self._connections.snapshot(), added, self._connections.is_active), slots)
        return (("bans", bytes(bans)), ("connections", bytes(slots)))
