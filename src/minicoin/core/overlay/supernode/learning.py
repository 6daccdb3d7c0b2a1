"""A super node that begins asks one of its links for all super nodes and the whole directory, page by page.

What changes meanwhile it hears as news. A link that goes, or does not answer, is followed by another; a page that does
not lead on is the fault of whoever sent it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.effects import Effect, Send
from minicoin.core.faults import PeerFault
from minicoin.core.limits import SUPER_PAGES_BURST_PER_PEER
from minicoin.core.overlay.supernode.messages import SuperAsk, SuperPage, Wanted
from minicoin.core.units import SECOND_US, ConnId, Micros

PATIENCE_US: Final = 10 * SECOND_US


@dataclass(slots=True)
class _Lesson:
    conn: ConnId
    wanted: Wanted
    after: bytes
    pages: int
    until: Micros


class Learning:
    """What is asked for, and of whom."""

    def __init__(self) -> None:
        self._lesson: _Lesson | None = None
        self._tried: dict[ConnId, None] = {}
        self.is_done = False

    def begin(self, links: Iterable[ConnId], now: Micros) -> list[Effect]:
        """Ask one that was not asked yet, unless one is being asked or there is nothing left to learn."""
        if self.is_done or self._lesson is not None:
            return []
        conn = next((conn for conn in links if conn not in self._tried), None)
        if conn is None:
            return []
        self._tried[conn] = None
        self._lesson = _Lesson(conn, Wanted.ALL_SUPERS, b"", 0, now)
        return self._ask(self._lesson, now)

    @staticmethod
    def _ask(lesson: _Lesson, now: Micros) -> list[Effect]:
        lesson.until = Micros(now + PATIENCE_US)
        return [Send(lesson.conn, SuperAsk(lesson.wanted, lesson.after))]

    def is_taught_by(self, conn: ConnId) -> Wanted | None:
        """What this link is asked for."""
        return self._lesson.wanted if self._lesson is not None and self._lesson.conn == conn else None

    def on_page(self, message: SuperPage, now: Micros) -> list[Effect]:
        """The page was taken: ask for the next. Raises PeerFault."""
        lesson = self._lesson
        assert lesson is not None
        lesson.pages += 1
        if message.has_more:
            last = message.records[-1].owner
            if last <= lesson.after or lesson.pages >= SUPER_PAGES_BURST_PER_PEER:
                raise PeerFault("pages of a directory that do not lead on")
            lesson.after = last
            return self._ask(lesson, now)
        if lesson.wanted is Wanted.ALL_SUPERS:
            lesson.wanted, lesson.after = Wanted.DIRECTORY, b""
            return self._ask(lesson, now)
        self._lesson = None
        self.is_done = True
        self._tried.clear()
        return []

    def on_closed(self, conn: ConnId) -> None:
        self._tried.pop(conn, None)
        if self._lesson is not None and self._lesson.conn == conn:
            self._lesson = None

    def give_up(self, now: Micros) -> bool:
        """Whether the one that is asked took too long; then another may be."""
        if self._lesson is None or self._lesson.until > now:
            return False
        self._lesson = None
        return True

    def next_deadline(self) -> Micros | None:
        return None if self._lesson is None else self._lesson.until
