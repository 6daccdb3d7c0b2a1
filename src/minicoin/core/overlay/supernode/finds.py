"""Questions where a peer is, that wait for the word of a super node: asked one after the other, each for so long."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from minicoin.core.answers import FoundBy, PeerFound
from minicoin.core.effects import Effect, Reply, Send
from minicoin.core.limits import SUPER_FINDS_WAITING_MAX
from minicoin.core.overlay.supernode.circle import Near
from minicoin.core.overlay.supernode.entries import LEAF_KEY, STATUS_KEY, attachment_of, is_live, status_of
from minicoin.core.overlay.supernode.messages import SuperFind, SuperFound
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.record import SignedRecord
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId

PATIENCE_US: Final = 5 * SECOND_US


@dataclass(slots=True)
class _Find:
    request: RequestId
    target: bytes
    known: PeerFound
    """What we can say ourselves."""
    conn: ConnId
    until: Micros
    asked: tuple[ConnId, ...]


class LeafFinds:
    """By their number."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Find] = {}
        self._next_number = 1

    def begin(
        self, request: RequestId, target: bytes, known: PeerFound, parents: tuple[Near, ...], now: Micros
    ) -> list[Effect]:
        """Ask the first, unless we know for certain, or too many wait."""
        if known.is_certain or not parents or len(self._waiting) >= SUPER_FINDS_WAITING_MAX:
            return [Reply(request, known)]
        number, self._next_number = self._next_number, (self._next_number + 1) & 0xFFFF_FFFF
        conn = parents[0].peer.conn
        self._waiting[number] = _Find(request, target, known, conn, Micros(now + PATIENCE_US), (conn,))
        return [Send(conn, SuperFind(number, target))]

    def take(
        self,
        near: Near,
        message: SuperFound,
        is_believed: Callable[[SignedRecord], bool],
        parents: tuple[Near, ...],
        now: Micros,
    ) -> list[Effect]:
        """The answer of whom we asked. Raises PeerFault."""
        find = self._waiting.get(message.number)
        if find is None or find.conn != near.peer.conn:
            return []
        records = [record for record in message.records if is_live(record, now) and is_believed(record)]
        places = places_in(find.target, records)
        if places is None:
            return self._next(message.number, find, parents, now)
        del self._waiting[message.number]
        found = PeerFound(places, FoundBy.RECORD, near.peer_id, len(find.asked), is_certain=True)
        return [Reply(find.request, found)]

    def _next(self, number: int, find: _Find, parents: tuple[Near, ...], now: Micros) -> list[Effect]:
        """Ask another, or say what we know."""
        parent = next((near for near in parents if near.peer.conn not in find.asked), None)
        if parent is None:
            del self._waiting[number]
            known = find.known
            return [Reply(find.request, PeerFound(known.addresses, known.by, known.told_by, len(find.asked)))]
        find.conn = parent.peer.conn
        find.asked += (find.conn,)
        find.until = Micros(now + PATIENCE_US)
        return [Send(find.conn, SuperFind(number, find.target))]

    def on_closed(self, conn: ConnId, parents: tuple[Near, ...], now: Micros) -> list[Effect]:
        effects: list[Effect] = []
        for number, find in list(self._waiting.items()):
            if find.conn == conn:
                effects += self._next(number, find, parents, now)
        return effects

    def end_all(self, now: Micros) -> list[Effect]:
        """Nobody is asked any more: say what we know."""
        return [effect for number, find in list(self._waiting.items()) for effect in self._next(number, find, (), now)]

    def on_deadline(self, parents: tuple[Near, ...], now: Micros) -> list[Effect]:
        effects: list[Effect] = []
        for number, find in list(self._waiting.items()):
            if find.until <= now:
                effects += self._next(number, find, parents, now)
        return effects

    def next_deadline(self) -> Micros | None:
        return min((find.until for find in self._waiting.values()), default=None)


def places_in(target: bytes, records: list[SignedRecord]) -> tuple[NodeAddress, ...] | None:
    """Where the target is by its own signed word: its address, else those of the super nodes it sits at. None where it
    said nothing."""
    statuses = {record.owner: status_of(record).address for record in records if record.key == STATUS_KEY}
    own = statuses.get(target)
    if own is not None:
        return (own,)
    for record in records:
        if record.key == LEAF_KEY and record.owner == target:
            where = attachment_of(record)
            if where.address is not None:
                return (where.address,)
            reached = (statuses.get(peer_id) for peer_id in where.supers)
            return tuple(address for address in reached if address is not None) or None
    return None
