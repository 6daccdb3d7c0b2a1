"""A node's side towards the indexes: it joins them, reads their views, and follows what changes.

1. A few indexes are followed, INDEXES_FOLLOWED_MAX; each is joined when it is met, and anew once each renewal, at a
   random time of its last quarter: not all members of an index that came back renew together.
2. A view is read page by page, with a random wait before each; what changes meanwhile is kept, up to
   INDEX_DELTAS_WAITING_MAX, and applied behind the last page. An index that sends more pages than its view has is not
   asked for more.
3. A delta that begins behind where we are means that something was missed: the view is read anew.
4. A refusal holds as long as the index says, within bounds of ours.
5. A page or delta that nobody asked for is its sender's fault, as is a record that is forged.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from minicoin.core.faults import PeerFault
from minicoin.core.limits import (
    INDEX_DELTAS_WAITING_MAX,
    INDEX_KNOWN_MAX,
    INDEX_PAGE_EVERY_US,
    INDEX_PAGE_RECORDS_MAX,
    INDEXES_FOLLOWED_MAX,
)
from minicoin.core.overlay.index.confirmation import ViewSeen
from minicoin.core.overlay.index.entry import MemberEntry
from minicoin.core.overlay.index.ids import PeerIds
from minicoin.core.overlay.index.known import KnownMembers
from minicoin.core.overlay.index.messages import IdxDelta, IdxNext, IdxPage, IdxRefuse
from minicoin.core.part import PeerView
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros

# An index that sends the same page again must not be asked for ever.
_PAGES_SPARE: Final = 2
_RETRY_MIN_US: Final = 10 * SECOND_US


@dataclass(slots=True)
class Followed:
    """An index we are connected to."""

    peer: PeerView
    at: int | None = None
    """The version of its view that we follow; None before the last page came."""
    read_at: int = 0
    """The version the first page was read at."""
    pages: int = 0
    total: int = 0
    is_whole: bool = True
    """Its view is not so large that it tells us a part of it only."""
    members: PeerIds = field(default_factory=PeerIds)
    waiting: list[IdxDelta] = field(default_factory=list)
    """What changed while its pages were read."""
    entry: MemberEntry | None = None
    """Where it says that it listens."""
    is_asked: bool = False
    """It was asked for its view, and has neither sent all of it nor refused."""
    refused: str = ""
    join_at: Micros | None = None
    cursor: bytes = b""
    """Behind which the next page begins."""
    next_at: Micros | None = None
    """When that one is asked for."""

    @property
    def name(self) -> str:
        """For people."""
        return f"the index at {self.peer.address.host}:{self.peer.address.port}"

    @property
    def is_complete(self) -> bool:
        """We have all of its view, not a part."""
        return self.at is not None and self.is_whole and self.total <= INDEX_KNOWN_MAX


class IndexMembership:
    """Which indexes a node follows, and what they said."""

    def __init__(self, known: KnownMembers, rng: Rng, renew_us: int) -> None:
        self._known = known
        self._rng = rng
        self._renew_us = renew_us
        self._followed: dict[ConnId, Followed] = {}

    def __len__(self) -> int:
        return len(self._followed)

    @property
    def followed(self) -> tuple[Followed, ...]:
        """In the order in which we met them."""
        return tuple(self._followed.values())

    @property
    def joined_count(self) -> int:
        """Indexes whose view we have read."""
        return sum(one.at is not None for one in self._followed.values())

    def views(self, met: Iterable[bytes]) -> tuple[ViewSeen, ...]:
        """What each says; `met` are the members we wanted to be connected to and are. Of indexes themselves nothing is
        said: each is in the views of others and not in its own."""
        indexes = {one.peer.address.peer_id for one in self._followed.values()}
        return tuple(
            ViewSeen(
                one.name,
                one.is_complete,
                frozenset(one.members) - indexes,
                one.refused,
                *self._known.unreached(one.members, met),
            )
            for one in self._followed.values()
            if one.at is not None or one.refused
        )

    # --- joining ---

    def meet(self, peer: PeerView, entry: MemberEntry | None, now: Micros) -> None:
        """A peer says that it is an index, and where it listens: join it with the next deadline."""
        if peer.conn not in self._followed and len(self._followed) < INDEXES_FOLLOWED_MAX:
            self._followed[peer.conn] = Followed(peer, entry=entry, join_at=now)

    def on_closed(self, conn: ConnId) -> None:
        """The connection ended; what it said stays known."""
        self._followed.pop(conn, None)

    def due(self, now: Micros) -> tuple[tuple[ConnId, bool], ...]:
        """The indexes to be joined now or anew, and whether their view is wanted: the record is to be renewed, a
        refusal is over, or a change was missed."""
        found: list[tuple[ConnId, bool]] = []
        for conn, one in self._followed.items():
            if one.join_at is None or one.join_at > now:
                continue
            # Not all members of an index that came back at once renew together.
            one.join_at = Micros(now + self._renew_us * 3 // 4 + self._rng.below(self._renew_us // 4 + 1))
            wants_view = one.at is None
            if wants_view:
                one.is_asked, one.pages, one.next_at = True, 0, None
                one.waiting.clear()
            found.append((conn, wants_view))
        return tuple(found)

    def pages_due(self, now: Micros) -> tuple[tuple[ConnId, IdxNext], ...]:
        """What to ask for the next pages, by connection."""
        found: list[tuple[ConnId, IdxNext]] = []
        for conn, one in self._followed.items():
            if one.next_at is not None and one.next_at <= now:
                one.next_at = None
                found.append((conn, IdxNext(one.cursor)))
        return tuple(found)

    def next_deadline(self) -> Micros | None:
        """When the next index is to be joined, or the next page asked for."""
        times = (at for one in self._followed.values() for at in (one.join_at, one.next_at) if at is not None)
        return min(times, default=None)

    # --- what indexes say ---

    def take_page(self, peer: PeerView, page: IdxPage, now: Micros) -> None:
        """A page of a view we asked for. Raises PeerFault."""
        one = self._followed.get(peer.conn)
        if one is None or not one.is_asked or one.next_at is not None:
            raise PeerFault("sends a page unasked", score=10)
        if one.pages == 0:
            one.read_at, one.total, one.is_whole, one.refused = page.at, page.total, page.is_whole, ""
            one.members.clear()
        one.pages += 1
        for entry in page.entries:
            self._learn(one, entry)
        wanted = min(one.total, INDEX_KNOWN_MAX)
        pages_max = -(-wanted // INDEX_PAGE_RECORDS_MAX) + _PAGES_SPARE
        if page.cursor and len(one.members) < wanted and one.pages < pages_max:
            one.cursor = page.cursor
            one.next_at = Micros(now + INDEX_PAGE_EVERY_US * 3 // 4 + self._rng.below(INDEX_PAGE_EVERY_US // 2))
            return
        one.at, one.is_asked = one.read_at, False
        waiting, one.waiting = one.waiting, []
        for delta in waiting:
            self._apply(one, delta, now)

    def take_delta(self, peer: PeerView, delta: IdxDelta, now: Micros) -> None:
        """What changed in a view we follow. Raises PeerFault."""
        one = self._followed.get(peer.conn)
        if one is None:
            raise PeerFault("sends changes of a view that nobody follows", score=10)
        if one.is_asked and len(one.waiting) < INDEX_DELTAS_WAITING_MAX:
            one.waiting.append(delta)
        elif one.at is not None:
            self._apply(one, delta, now)

    def _apply(self, one: Followed, delta: IdxDelta, now: Micros) -> None:
        if one.at is None or delta.at <= one.at:
            return
        if delta.since > one.at or (delta.is_whole and not one.is_whole):
            # Something was missed: read it anew, not all members at once.
            one.at = None
            one.join_at = Micros(now + SECOND_US + self._rng.below(2 * SECOND_US))
            return
        for entry in delta.joins:
            self._learn(one, entry)
        for peer_id in delta.leaves:
            one.members.discard(peer_id)
            self._known.on_left(peer_id)
        one.is_whole = delta.is_whole
        if one.is_complete:
            one.total = len(one.members)
        one.at = delta.at

    def _learn(self, one: Followed, entry: MemberEntry) -> None:
        if not self._known.learn(entry):
            raise PeerFault("names a member with a forged record")
        if len(one.members) < INDEX_KNOWN_MAX:
            one.members.add(entry.peer_id)

    def take_refusal(self, peer: PeerView, refusal: IdxRefuse, now: Micros) -> None:
        """An index does not take us in. Raises PeerFault."""
        one = self._followed.get(peer.conn)
        if one is None or one.join_at is None:
            raise PeerFault("refuses what nobody asked", score=10)
        one.refused, one.is_asked, one.at, one.next_at = refusal.reason, False, None, None
        wait_us = min(max(refusal.retry_s * SECOND_US, _RETRY_MIN_US), self._renew_us)
        one.join_at = Micros(now + wait_us + self._rng.below(wait_us // 4 + 1))
