"""What came for us: on disk before anybody is told, and known again."""

import pytest
from tests.unit.directed.post import NOW, hash_, letter

from minicoin.core.answers import LetterProblem
from minicoin.core.directed.letterbox import Asker, Letterbox
from minicoin.core.faults import DecodeError
from minicoin.core.limits import (
    LETTER_AGE_MAX_S,
    LETTER_ASKERS_MAX,
    LETTER_HASHES_REMEMBERED_MAX,
    LETTERS_KEPT_MAX,
)
from minicoin.core.units import SECOND_US, ConnId, Micros


def asker(conn=1):
    return Asker(ConnId(conn), 1)


def take(letterbox, one, conn=1, now=NOW):
    return letterbox.take(one, hash_(one), asker(conn), now)


def keep(letterbox, *letters, now=NOW):
    for one in letters:
        assert take(letterbox, one, now=now) is None
    raw = letterbox.begin_write()
    letterbox.end_write("")
    return raw


def test_a_letter_is_there_when_the_disk_has_it():
    letterbox, one = Letterbox(), letter()
    assert take(letterbox, one) is None
    assert letterbox.listing() == () and not letterbox.has(hash_(one)) and letterbox.unwritten_count == 1
    assert letterbox.begin_write() is not None
    assert letterbox.listing() == () and not letterbox.has(hash_(one)) and letterbox.unwritten_count == 1
    (arrival,) = letterbox.end_write("")
    assert arrival.received.letter == one and arrival.askers == [asker()]
    assert (
        [each.letter for each in letterbox.listing()] == [one]
        and letterbox.has(hash_(one))
        and letterbox.unwritten_count == 0
    )


def test_one_write_at_a_time_and_the_next_holds_what_came_meanwhile():
    letterbox = Letterbox()
    take(letterbox, letter(number=1))
    first = letterbox.begin_write()
    take(letterbox, letter(number=2))
    assert letterbox.begin_write() is None
    letterbox.end_write("")
    second = letterbox.begin_write()
    letterbox.end_write("")
    assert letterbox.begin_write() is None
    assert [len(Letterbox.from_bytes(raw).listing()) for raw in (first, second)] == [1, 2]


def test_a_write_that_fails_loses_what_it_would_have_brought_and_nothing_else():
    letterbox = Letterbox()
    keep(letterbox, *(letter(number=number) for number in range(LETTERS_KEPT_MAX)))
    before = letterbox.listing()
    take(letterbox, letter(number=999))
    letterbox.begin_write()
    (arrival,) = letterbox.end_write("disk full")
    assert arrival.askers == [asker()]
    assert letterbox.listing() == before and not letterbox.has(hash_(letter(number=999)))
    assert take(letterbox, letter(number=999)) is None


def test_everybody_who_brings_it_waits_for_the_same_write():
    letterbox, one = Letterbox(), letter()
    for conn in (1, 2, 2, 1):
        assert take(letterbox, one, conn) is None
    letterbox.begin_write()
    for conn in range(2, 2 * LETTER_ASKERS_MAX):
        assert take(letterbox, one, conn) is None
    (arrival,) = letterbox.end_write("")
    assert [each.conn for each in arrival.askers] == list(range(1, LETTER_ASKERS_MAX + 1))


def test_it_survives_a_restart():
    letterbox = Letterbox()
    raw = keep(letterbox, letter(number=1), letter(number=2, text="größer"))
    again = Letterbox.from_bytes(raw)
    assert again.listing() == letterbox.listing()
    assert again.has(hash_(letter(number=1)))
    assert keep(again, letter(number=3)) == keep(letterbox, letter(number=3))
    for end in range(len(raw)):
        with pytest.raises(DecodeError):
            Letterbox.from_bytes(raw[:end])


def test_where_there_is_no_room_the_sender_of_most_loses_its_oldest():
    letterbox = Letterbox()
    keep(letterbox, letter(sender=3, number=0))
    for start in range(0, 2 * LETTERS_KEPT_MAX, LETTERS_KEPT_MAX):
        keep(letterbox, *(letter(sender=1, number=number) for number in range(start, start + LETTERS_KEPT_MAX)))
    kept = letterbox.listing()
    assert len(kept) == LETTERS_KEPT_MAX
    assert [one.letter.sender for one in kept].count(letter(sender=3).sender) == 1
    assert kept[-1].letter == letter(sender=1, number=2 * LETTERS_KEPT_MAX - 1)
    # What is not kept any more is known all the same.
    assert letterbox.has(hash_(letter(sender=1, number=0)))


def test_what_waits_for_the_disk_is_bounded():
    letterbox = Letterbox()
    for number in range(LETTERS_KEPT_MAX):
        assert take(letterbox, letter(number=number)) is None
    assert take(letterbox, letter(number=LETTERS_KEPT_MAX)) is LetterProblem.CROWDED


def test_nothing_is_taken_that_could_not_be_known_again():
    letterbox, one = Letterbox(), 0
    while one < LETTER_HASHES_REMEMBERED_MAX:
        keep(letterbox, *(letter(number=number) for number in range(one, one + LETTERS_KEPT_MAX)))
        one += LETTERS_KEPT_MAX
    assert take(letterbox, letter(number=one)) is LetterProblem.CROWDED
    # Whoever comes again is remembered for as long as a letter may be old, by a clock that went ahead as far.
    still = Micros(NOW + 2 * LETTER_AGE_MAX_S * SECOND_US)
    assert take(letterbox, letter(number=one), now=still) is LetterProblem.CROWDED
    assert take(letterbox, letter(number=one), now=Micros(still + 1)) is None
    assert not letterbox.has(hash_(letter(number=0)))
    assert letterbox.has(hash_(letter(number=one - 1)))
