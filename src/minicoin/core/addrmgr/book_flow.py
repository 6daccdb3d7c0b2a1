"""The address book as a part: its collisions are decided, and it is written down.

When that is: at every stop, each quarter of an hour, and soon after it came to know what kill -9 must not take. That is

1. an address at which somebody answered for the first time, or that a person entered;
2. as many addresses as the disk has, the first one among them. What is lost of hearsay is half of it at most, and
   whoever floods us with addresses has the book written no more than once for each doubling.

Soon is the longer, the more there is to write (core/limits); what comes until then goes along.
"""

from collections.abc import Iterable
from typing import Final

from minicoin.core.addrmgr.book import AddressBook, BookNews, BookSnapshot
from minicoin.core.effects import Effect, SaveState
from minicoin.core.forms.derived import make_codec
from minicoin.core.limits import BOOK_SAVE_AFTER_PER_ADDRESS_US, BOOK_SAVE_EVERY_US, DIGEST_ITEMS_MAX
from minicoin.core.part import Part
from minicoin.core.units import Micros

BOOK_KEY = "peers"
_BOOK: Final = make_codec(BookSnapshot, {})


class BookFlow(Part):
    """Around the book."""

    def __init__(self, book: AddressBook, save_after_us: int, now: Micros) -> None:
        """What an earlier run left is what the disk has."""
        self._book = book
        self._save_after_us = save_after_us
        self._save_at = Micros(now + BOOK_SAVE_EVERY_US)
        self._size_saved = book.size
        self.alarm = book.alarm
        self.alarm.by(self._save_at)
        book.listen(self._on_news)

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        self._book.resolve_collisions(now)
        if now < self._save_at:
            return ()
        self._save_at = Micros(now + BOOK_SAVE_EVERY_US)
        return (self.save(),)

    def _on_news(self, news: BookNews, now: Micros) -> None:
        """The book came to know something."""
        size = self._book.size
        if news is BookNews.LEARNED and size < 2 * self._size_saved:
            return
        soon = Micros(now + self._save_after_us + size * BOOK_SAVE_AFTER_PER_ADDRESS_US)
        if soon < self._save_at:
            self._save_at = soon
            self.alarm.by(soon)

    def next_deadline(self) -> Micros | None:
        resolve_at = self._book.next_deadline()
        return self._save_at if resolve_at is None else min(resolve_at, self._save_at)

    def snapshot(self, now: Micros) -> BookSnapshot:
        return self._book.snapshot()

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        out = bytearray()
        _BOOK.write(self._book.snapshot(), out)
        if not (is_brief and self._book.size > DIGEST_ITEMS_MAX):
            out += self._book.to_bytes()
        return (("address book", bytes(out)),)

    def save(self) -> SaveState:
        """Write it down as it is."""
        self._size_saved = self._book.size
        return SaveState(BOOK_KEY, self._book.to_bytes())
