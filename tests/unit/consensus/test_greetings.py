"""Which key an answer is about, and what is tried again."""

from minicoin.core.consensus.greetings import Greetings
from minicoin.core.units import ConnId

FIRST, SECOND = ConnId(1), ConnId(2)
OLD, NEW = b"o" * 32, b"n" * 32


def test_answers_are_about_the_keys_in_the_order_of_the_greetings() -> None:
    greetings = Greetings()
    greetings.begin(FIRST, b"peer")
    assert greetings.take_answer(FIRST) is None
    assert greetings.note_sent(FIRST, OLD)
    assert not greetings.note_sent(FIRST, NEW)
    # Whoever answers again means the last.
    assert [greetings.take_answer(FIRST) for _ in range(3)] == [OLD, NEW, NEW]


def test_a_later_greeting_is_answered_later() -> None:
    greetings = Greetings()
    greetings.begin(FIRST, b"peer")
    greetings.note_sent(FIRST, OLD)
    assert [greetings.take_answer(FIRST) for _ in range(2)] == [OLD, OLD]
    greetings.note_sent(FIRST, NEW)
    assert greetings.take_answer(FIRST) == NEW


def test_what_was_not_signed_is_tried_again_once_and_not_where_the_connection_is_gone() -> None:
    greetings = Greetings()
    for conn in (FIRST, SECOND):
        greetings.begin(conn, b"peer %d" % conn)
        greetings.note_unsigned(conn, OLD)
    assert greetings.are_lacking and FIRST in greetings
    greetings.forget(FIRST)
    assert FIRST not in greetings
    assert greetings.everybody() == [(SECOND, b"peer 2")]
    assert greetings.take_lacking() == [(OLD, SECOND, b"peer 2")]
    assert not greetings.are_lacking


def test_a_connection_is_greeted_once_until_the_greetings_are_taken_back() -> None:
    greetings = Greetings()
    assert greetings.start(FIRST) is None
    greetings.begin(FIRST, b"peer")
    assert greetings.start(FIRST) == b"peer"
    assert greetings.start(FIRST) is None
    greetings.note_sent(FIRST, OLD)
    assert greetings.take_sent() == [FIRST]
    assert greetings.take_sent() == []
    assert greetings.take_answer(FIRST) is None
    assert greetings.start(FIRST) == b"peer"
