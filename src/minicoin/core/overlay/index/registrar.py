"""The index's side: the view, who may be in it, its pages, and what changed since the last batch.

1. A record is taken from the peer that signed it and from nobody else; one older than what is held is a replay and
   ignored. Who joins faster than INDEX_JOIN_EVERY_US is faulty: each join costs a signature check.
2. The view is bounded in all, and on public networks per source group; who finds no place is told so, and when to ask
   again. Nobody's place is taken by another.
3. The view is read in the order of a hash of the peer ids, from a place of the reader's own, so that not all know the
   same first page. Of a large one a reader is told one part (`parts`).
4. Pages cost more to send than to ask for: a peer has INDEX_PAGES_BURST of them, and INDEX_PAGES_PER_S more with time.
   On public networks the peers of a source group share an allowance too, which outlives their connections; who comes
   when it is used up is told when to ask again.
5. All changes of a second go to every reader of their part in one batch, so that an index with so many readers sends
   so many messages a second, and more only where more members than a batch holds come or go in it. Nothing that one
   member says has the whole view looked through.
"""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final

from minicoin.core.faults import PeerFault
from minicoin.core.limits import (
    GROUPS_CHARGED_MAX,
    INDEX_ANSWERS_PER_GROUP_BURST,
    INDEX_ANSWERS_PER_GROUP_PER_S,
    INDEX_JOIN_EVERY_US,
    INDEX_LEAVE_GRACE_US,
    INDEX_LEAVES_MAX,
    INDEX_MEMBERS_MAX,
    INDEX_MEMBERS_PER_GROUP_MAX,
    INDEX_NEWCOMER_US,
    INDEX_PAGE_RECORDS_MAX,
    INDEX_PAGES_BURST,
    INDEX_PAGES_PER_S,
)
from minicoin.core.overlay.index.entry import MemberEntry, is_genuine
from minicoin.core.overlay.index.messages import IdxDelta, IdxJoin, IdxPage, IdxRefuse
from minicoin.core.overlay.index.parts import ViewParts, member_key, reader_key
from minicoin.core.part import PeerView
from minicoin.core.rates import Buckets, Rate
from minicoin.core.units import SECOND_US, ConnId, Micros

_RETRY_S: Final = 60
_PAGES: Final = Rate(INDEX_PAGES_BURST, INDEX_PAGES_PER_S)
_ANSWERS: Final = Rate(INDEX_ANSWERS_PER_GROUP_BURST, INDEX_ANSWERS_PER_GROUP_PER_S)
_CROWDED: Final = IdxRefuse("too many of this network group ask at once", 10)
Batch = tuple[tuple[IdxDelta, ...], tuple[ConnId, ...]]
"""What changed in one part, and who hears of it."""
_STALE_ENDS: Final = 64
"""Ends that hold no longer may be as many as the members, and so many more."""


@dataclass(slots=True)
class _Place:
    """A member's place in the view."""

    entry: MemberEntry
    group: bytes
    conn: ConnId | None
    number: int
    """Which of all places that were ever taken."""
    leaves_at: Micros | None = None

    @property
    def ends_at(self) -> Micros:
        """The end of its record, or of the time in which its member may come back."""
        expires_at = Micros(self.entry.record.expires_s * SECOND_US)
        return expires_at if self.leaves_at is None else min(expires_at, self.leaves_at)


@dataclass(slots=True)
class _Reader:
    """A peer that asked for the view, and hears of what changes."""

    peer_id: bytes
    key: bytes
    """Where it begins to read."""
    group: bytes
    came_at: Micros
    joined_at: Micros


class Registrar:
    """One index's view."""

    def __init__(self, network_id: bytes, delta_us: int, *, counts_groups: bool) -> None:
        self._network_id = network_id
        self._delta_us = delta_us
        self._counts_groups = counts_groups
        self._places: dict[bytes, _Place] = {}
        self._taken = 0
        self._ends: list[tuple[Micros, bytes]] = []
        """A heap of when places end; of those whose end has changed since, too."""
        self._ring: list[tuple[bytes, bytes]] = []
        """(hash of a peer id, peer id), in order."""
        self._parts = ViewParts()
        self._groups: dict[bytes, int] = {}
        self._readers: dict[ConnId, _Reader] = {}
        self._pages: Buckets[ConnId] = Buckets(_PAGES, INDEX_MEMBERS_MAX)
        self._answers: Buckets[bytes] = Buckets(_ANSWERS, GROUPS_CHARGED_MAX)
        self._joins: dict[bytes, None] = {}
        self._leaves: dict[bytes, None] = {}
        self._at = 0
        self._batch_at: Micros | None = None

    def __len__(self) -> int:
        return len(self._places)

    @property
    def at(self) -> int:
        """The version of the view."""
        return self._at

    @property
    def reader_count(self) -> int:
        """Peers that hear of changes."""
        return len(self._readers)

    def get(self, peer_id: bytes) -> MemberEntry | None:
        """A member's record."""
        place = self._places.get(peer_id)
        return None if place is None else place.entry

    # --- members ---

    def join(self, peer: PeerView, message: IdxJoin, group: bytes, now: Micros) -> IdxPage | IdxRefuse | None:
        """A member asks in; None where it only renews. Raises PeerFault."""
        known = self._readers.get(peer.conn)
        if known is not None and now < known.joined_at + INDEX_JOIN_EVERY_US:
            raise PeerFault("joins again at once", score=10)
        if not self._may_answer(group, now):
            return _CROWDED
        if message.entry is not None:
            refused = self._take(peer, message.entry, group, now)
            if refused:
                return IdxRefuse(refused, _RETRY_S)
        peer_id = peer.address.peer_id
        reader = known or _Reader(peer_id, reader_key(peer_id), group, now, now)
        reader.joined_at = now
        self._readers[peer.conn] = reader
        return self._page(reader, None) if message.wants_view else None

    def _take(self, peer: PeerView, entry: MemberEntry, group: bytes, now: Micros) -> str:
        """Why it has no place; empty where it has."""
        if entry.peer_id != peer.address.peer_id:
            raise PeerFault("signs another in than itself")
        if entry.is_expired(now):
            return "the record has expired: is the clock right?"
        place = self._places.get(entry.peer_id)
        if place is not None and entry.record.version <= place.entry.record.version:
            place.conn, place.leaves_at = peer.conn, None
            self._note_end(entry.peer_id, place)
            return ""
        if not is_genuine(entry, self._network_id):
            raise PeerFault("a record with a forged signature")
        if place is None:
            if len(self._places) >= INDEX_MEMBERS_MAX:
                return "the index is full"
            if self._counts_groups and self._groups.get(group, 0) >= INDEX_MEMBERS_PER_GROUP_MAX:
                return "too many members of this network group"
            self._groups[group] = self._groups.get(group, 0) + 1
            insort(self._ring, (member_key(entry.peer_id), entry.peer_id))
            self._taken += 1
            place = self._places[entry.peer_id] = _Place(entry, group, peer.conn, self._taken)
            self._note_end(entry.peer_id, place)
        else:
            has_moved = place.entry.address != entry.address
            place.entry, place.conn, place.leaves_at = entry, peer.conn, None
            self._note_end(entry.peer_id, place)
            if not has_moved:
                # Who is in the view is its member for as long: that it signed anew is no news to others.
                return ""
        self._leaves.pop(entry.peer_id, None)
        self._joins[entry.peer_id] = None
        self._changed(now)
        return ""

    def _drop(self, peer_id: bytes, now: Micros) -> None:
        place = self._places.pop(peer_id)
        del self._ring[bisect_left(self._ring, (member_key(peer_id), peer_id))]
        self._groups[place.group] -= 1
        if not self._groups[place.group]:
            del self._groups[place.group]
        self._joins.pop(peer_id, None)
        self._leaves[peer_id] = None
        self._changed(now)

    def _note_end(self, peer_id: bytes, place: _Place) -> None:
        heappush(self._ends, (place.ends_at, peer_id))
        if len(self._ends) > 2 * len(self._places) + _STALE_ENDS:
            self._ends = [(place.ends_at, peer_id) for peer_id, place in self._places.items()]
            heapify(self._ends)

    def _first_end(self) -> tuple[Micros, bytes] | None:
        while self._ends:
            at, peer_id = self._ends[0]
            place = self._places.get(peer_id)
            if place is not None and place.ends_at == at:
                return at, peer_id
            heappop(self._ends)
        return None

    def _changed(self, now: Micros) -> None:
        if self._batch_at is None:
            self._batch_at = Micros(now + self._delta_us)

    def on_closed(self, conn: ConnId, now: Micros) -> None:
        """A session ended: its member may come back for a while."""
        reader = self._readers.pop(conn, None)
        self._pages.forget(conn)
        if reader is None:
            return
        place = self._places.get(reader.peer_id)
        if place is not None and place.conn == conn:
            place.conn, place.leaves_at = None, Micros(now + INDEX_LEAVE_GRACE_US)
            self._note_end(reader.peer_id, place)

    # --- pages ---

    def _may_answer(self, group: bytes, now: Micros) -> bool:
        return not self._counts_groups or self._answers.charge(group, now)

    def read_on(self, conn: ConnId, cursor: bytes, now: Micros) -> IdxPage | IdxRefuse | None:
        """The next page for a reader; None for a peer that never joined. Raises PeerFault."""
        reader = self._readers.get(conn)
        if reader is None:
            return None
        if not self._pages.charge(conn, now):
            raise PeerFault("asks for pages without end", score=10)
        return self._page(reader, cursor) if self._may_answer(reader.group, now) else _CROWDED

    def _page(self, reader: _Reader, cursor: bytes | None) -> IdxPage:
        """From its own place on where there is no cursor; round to there it goes within its part."""
        parts = self._parts
        parts.fit(len(self._ring))
        first, behind = (bisect_left(self._ring, (key,)) for key in parts.bounds(parts.of(reader.key)))
        size = behind - first

        def place(key: bytes) -> int:
            # A peer id sorts behind its hash, so this is the first whose hash is above the key.
            above = bisect_right(self._ring, (key, b"\xff" * 64), first, behind)
            return (above - first) % size if size else 0

        began = place(reader.key)
        start, left = began, size
        if cursor is not None:
            start = place(cursor)
            left = (began - start) % size if size else 0
        count = min(INDEX_PAGE_RECORDS_MAX, left)
        chosen = [self._ring[first + (start + step) % size] for step in range(count)]
        entries = tuple(self._places[peer_id].entry for _, peer_id in chosen)
        return IdxPage(
            self._at, len(self._ring), entries, chosen[-1][0] if count < left else b"", is_whole=parts.is_whole
        )

    def newcomers(self, now: Micros) -> set[ConnId]:
        """Those who joined so lately that they may have no neighbours yet."""
        return {conn for conn, reader in self._readers.items() if now < reader.came_at + INDEX_NEWCOMER_US}

    # --- what changes ---

    def on_deadline(self, now: Micros) -> tuple[Batch, ...]:
        """The batches that are due."""
        ended: dict[bytes, _Place] = {}
        while (first := self._first_end()) is not None and first[0] <= now:
            ended[first[1]] = self._places[first[1]]
            heappop(self._ends)
        for peer_id in sorted(ended, key=lambda peer_id: ended[peer_id].number):
            self._drop(peer_id, now)
        if self._batch_at is None or self._batch_at > now:
            return ()
        self._batch_at = None
        self._parts.fit(len(self._ring))
        readers: dict[int, list[ConnId]] = {}
        for conn, reader in self._readers.items():
            readers.setdefault(self._parts.of(reader.key), []).append(conn)
        joins, leaves = self._by_part(self._joins), self._by_part(self._leaves)
        self._joins, self._leaves = {}, {}
        return tuple(
            (self._deltas(part, joins.get(part, {}), leaves.get(part, {})), tuple(readers.get(part, ())))
            for part in dict.fromkeys((*joins, *leaves))
        )

    def _by_part(self, ids: dict[bytes, None]) -> dict[int, dict[bytes, None]]:
        parts: dict[int, dict[bytes, None]] = {}
        for peer_id in ids:
            parts.setdefault(self._parts.of(member_key(peer_id)), {})[peer_id] = None
        return parts

    def _deltas(self, part: int, joins: dict[bytes, None], leaves: dict[bytes, None]) -> tuple[IdxDelta, ...]:
        deltas: list[IdxDelta] = []
        while joins or leaves:
            came = [self._places[self._take_first(joins)].entry for _ in range(self._room(joins))]
            left = [self._take_first(leaves) for _ in range(min(len(leaves), INDEX_LEAVES_MAX))]
            self._at += 1
            since = self._parts.change(part, self._at)
            deltas.append(IdxDelta(since, self._at, tuple(came), tuple(left), is_whole=self._parts.is_whole))
        return tuple(deltas)

    @staticmethod
    def _room(joins: dict[bytes, None]) -> int:
        return min(len(joins), INDEX_PAGE_RECORDS_MAX)

    @staticmethod
    def _take_first(ids: dict[bytes, None]) -> bytes:
        first = next(iter(ids))
        del ids[first]
        return first

    def next_deadline(self) -> Micros | None:
        """The next batch, the end of a grace, or the first record to expire."""
        first = self._first_end()
        times = (self._batch_at, None if first is None else first[0])
        return min((at for at in times if at is not None), default=None)

    def some(self, count: int) -> tuple[MemberEntry, ...]:
        """Some members, for whoever asks this index as a witness: those whose records are freshest."""
        places = sorted(self._places.values(), key=lambda place: (-place.entry.record.version, place.entry.peer_id))
        return tuple(place.entry for place in places[:count])
