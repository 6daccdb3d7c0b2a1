"""The address book as a part: its collisions are decided, and it is written down now and then."""

from collections.abc import Iterable
from typing import Final

from minicoin.core.addrmgr.book import AddressBook, BookSnapshot
from minicoin.core.effects import Effect, SaveState
from minicoin.core.forms.derived import make_codec
from minicoin.core.limits import BOOK_SAVE_EVERY_US, DIGEST_ITEMS_MAX
from minicoin.core.part import Part
from minicoin.core.units import Micros

BOOK_KEY = "peers"
_BOOK: Final = make_codec(BookSnapshot, {})


class BookFlow(Part):
    """Around the book."""

    def __init__(self, book: AddressBook, now: Micros) -> None:
        self._book = book
        self._save_at = Micros(now + BOOK_SAVE_EVERY_US)
        self.alarm = book.alarm

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        self._book.resolve_collisions(now)
        if now < self._save_at:
            return ()
        self._save_at = Micros(now + BOOK_SAVE_EVERY_US)
        return (self.save(),)

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
        return SaveState(BOOK_KEY, self._book.to_bytes())
