"""The address book is written every so often and soon after what a kill must not take, and is part of the digest."""

from itertools import pairwise

import pytest
from tests.unit.alarms import check_alarm
from tests.unit.node.bench import Bench

from minicoin.core.addrmgr.book import AddressBook
from minicoin.core.addrmgr.book_flow import BOOK_KEY, BookFlow
from minicoin.core.effects import Dial, SaveState
from minicoin.core.events import AddressesFound, AddressSource, ConnectionOpened
from minicoin.core.limits import (
    BOOK_SAVE_AFTER_PER_ADDRESS_US,
    BOOK_SAVE_AFTER_US,
    BOOK_SAVE_EVERY_US,
    DIGEST_ITEMS_MAX,
)
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import NetAddress, Verack, Version

FAR = NodeAddress("10.9.0.1", 8333)
NOW = Micros(1_700_000_000 * SECOND_US)


def timed(bench, *addresses):
    return tuple(TimedAddress(address, 9, bench.now // SECOND_US) for address in addresses)


def test_the_book_is_written_every_so_often():
    bench = Bench()
    bench.wait(BOOK_SAVE_EVERY_US - SECOND_US)
    assert BOOK_KEY not in [effect.key for effect in bench.take(SaveState)]
    bench.wait(2 * SECOND_US)
    assert [effect.key for effect in bench.take(SaveState)].count(BOOK_KEY) == 1
    bench.wait(BOOK_SAVE_EVERY_US)
    assert [effect.key for effect in bench.take(SaveState)].count(BOOK_KEY) == 1


class Kept:
    """A book of its own with its part, and when it was written."""

    def __init__(self, *known, save_after_us=BOOK_SAVE_AFTER_US):
        self.now = NOW
        self.book = AddressBook(Rng(b"kept"), True)
        self.learn(*known)
        self.flow = BookFlow(self.book, save_after_us, NOW)
        self.written = []

    def learn(self, *addresses, source=None):
        self.book.add([TimedAddress(address, 9, self.now // SECOND_US) for address in addresses], source, self.now)

    def wait(self, until):
        """Time passes; what is due is done."""
        check_alarm(self.flow)
        while (deadline := self.flow.next_deadline()) <= until:
            self.now = deadline
            self.written += [(self.now - NOW, effect.key) for effect in self.flow.on_deadline(self.now)]
            self.flow.alarm.set(self.flow.next_deadline())
        self.now = until


def hosts(first, count):
    return [NodeAddress(f"10.{number // 250}.{number % 250}.1", 8333) for number in range(first, first + count)]


def soon(size):
    return BOOK_SAVE_AFTER_US + size * BOOK_SAVE_AFTER_PER_ADDRESS_US


def test_the_first_addresses_are_on_disk_soon():
    kept = Kept()
    kept.learn(*hosts(0, 3))
    kept.wait(NOW + BOOK_SAVE_EVERY_US - 1)
    assert kept.written == [(soon(3), BOOK_KEY)]


def test_hearsay_is_written_soon_once_it_is_as_much_as_the_disk_has():
    kept = Kept(*hosts(0, 10))
    kept.learn(*hosts(10, 9))
    kept.wait(NOW + 60 * SECOND_US)
    assert kept.written == []
    kept.learn(*hosts(19, 1))
    kept.wait(NOW + BOOK_SAVE_EVERY_US - 1)
    assert kept.written == [(60 * SECOND_US + soon(20), BOOK_KEY)]


@pytest.mark.parametrize("news", ["answered", "entered"])
def test_who_answered_first_and_whom_a_person_entered_is_on_disk_soon(news):
    kept = Kept(*hosts(0, 10))
    if news == "answered":
        kept.book.mark_good(hosts(3, 1)[0], kept.now)
        size = 10
    else:
        kept.book.enter(TimedAddress(FAR, 9, kept.now // SECOND_US), kept.now)
        size = 11
    kept.wait(NOW + 60 * SECOND_US)
    assert kept.written == [(soon(size), BOOK_KEY)]
    # That it answers again, and is entered again, is no news.
    kept.book.mark_good(hosts(3, 1)[0], kept.now)
    kept.book.enter(TimedAddress(FAR, 9, kept.now // SECOND_US), kept.now)
    count = len(kept.written) + (news == "answered")
    kept.wait(NOW + BOOK_SAVE_EVERY_US - 1)
    assert len(kept.written) == count + (news == "entered")


def test_a_flood_of_addresses_has_the_book_written_once_for_each_doubling():
    kept = Kept()
    for number in range(150):
        source = NodeAddress(f"{11 + number % 200}.{number % 250}.0.1", 8333)
        kept.learn(*hosts(number * 50, 50), source=source)
        kept.wait(Micros(kept.now + SECOND_US))
    assert kept.book.size > 2_000
    assert 1 < len(kept.written) < 10
    gaps = [after - before for (before, _), (after, _) in pairwise(kept.written)]
    assert min(gaps) >= BOOK_SAVE_AFTER_US


def test_news_without_end_are_written_no_more_often_than_that():
    kept = Kept(*hosts(0, 1_000))
    for address in hosts(0, 1_000):
        kept.book.mark_good(address, kept.now)
        kept.wait(Micros(kept.now + SECOND_US // 4))
    spent_us = kept.now - NOW
    assert 0 < len(kept.written) <= spent_us // soon(1_000)


def test_where_a_write_may_wait_it_waits_for_the_next_of_all():
    kept = Kept(save_after_us=BOOK_SAVE_EVERY_US)
    kept.wait(NOW + 60 * SECOND_US)
    kept.learn(*hosts(0, 3))
    kept.book.mark_good(hosts(0, 1)[0], kept.now)
    kept.wait(NOW + 2 * BOOK_SAVE_EVERY_US)
    assert kept.written == [(BOOK_SAVE_EVERY_US, BOOK_KEY), (2 * BOOK_SAVE_EVERY_US, BOOK_KEY)]


def test_a_crash_leaves_who_answered():
    bench = Bench()
    bench.handle(AddressesFound(AddressSource.DNS, "x", timed(bench, *hosts(0, 4), FAR)))
    bench.wait(soon(5))
    dial = next(dial for dial in bench.take(Dial) if dial.address == FAR)
    bench.handle(ConnectionOpened(dial.conn, FAR, False, None))
    bench.say(dial.conn, Version(70016, 9, bench.now // SECOND_US, NetAddress(), NetAddress(), 77, "/x/", 0))
    bench.say(dial.conn, Verack())
    assert not bench.crash().node.view.book.has_answered(FAR)
    bench.wait(soon(6))
    assert bench.crash().node.view.book.has_answered(FAR)


def test_a_brief_digest_leaves_out_what_a_large_book_holds(monkeypatch):
    monkeypatch.setattr("minicoin.core.addrmgr.book_flow.DIGEST_ITEMS_MAX", 2)
    assert DIGEST_ITEMS_MAX > 2
    bench = Bench(NodePolicy(connect=()))

    def sizes():
        return [len(dict(bench.node.forms(bench.now, is_brief=brief))["address book"]) for brief in (True, False)]

    bench.handle(AddressesFound(AddressSource.DNS, "x", timed(bench, FAR)))
    brief, whole = sizes()
    assert brief == whole
    bench.handle(
        AddressesFound(AddressSource.DNS, "x", timed(bench, *(NodeAddress(f"10.{n}.0.1", 5) for n in range(5))))
    )
    brief, whole = sizes()
    assert brief < whole
