"""One letter under way at one node: the time of its hop, and what its tries came to."""

import pytest
from tests.unit.directed.post import NOW, hash_, letter

from minicoin.core.answers import LetterProblem
from minicoin.core.directed.passage import Failure, Passage
from minicoin.core.limits import LETTER_ASKERS_MAX, LETTER_HOP_US, LETTER_HOPS_MAX, LETTER_TRIES_MAX
from minicoin.core.units import SECOND_US, ConnId, Micros

A, B, C = (ConnId(conn) for conn in (1, 2, 3))


def passage(hops=LETTER_HOPS_MAX, floods=False):
    return Passage(letter(), hash_(letter()), hops, floods, NOW)


def at(seconds):
    return Micros(NOW + round(seconds * SECOND_US))


@pytest.mark.parametrize(("hops", "hop"), [(3, 1), (2, 2), (1, 3)])
def test_hops_are_counted_from_the_sender(hops, hop):
    one = passage(hops)
    assert one.hop == hop
    assert one.hop_until == NOW + LETTER_HOP_US
    assert one.until == NOW + hops * LETTER_HOP_US
    assert one.next_deadline() == one.until


@pytest.mark.parametrize(("others", "ends"), [(0, [5]), (1, [2.5, 5]), (2, [2, 3.5, 5]), (7, [2, 3.5, 5])])
def test_the_tries_of_a_hop_share_its_time(others, ends):
    one, now = passage(), NOW
    for number, end in enumerate(ends):
        assert one.may_try_at(now)
        one.ask(ConnId(number), others - number, now)
        assert one.try_until == at(end)
        now = at(end)
        one.on_silence()
        assert one.asked is None
    assert not one.may_try_at(now)
    assert one.outcome() == Failure(1, LetterProblem.NO_ANSWER)


def test_an_early_answer_leaves_its_time_to_those_behind():
    one = passage()
    one.ask(A, 2, NOW)
    assert one.on_failed(A, Failure(2, LetterProblem.NO_WAY))
    one.ask(B, 1, at(0.2))
    assert one.try_until == at(0.2 + 4.8 / 2)
    assert one.on_failed(B, Failure(2, LetterProblem.NO_WAY))
    one.ask(C, 0, at(0.4))
    assert one.try_until == at(5)


def test_there_are_three_tries_whatever_time_is_left():
    one = passage()
    for number in range(LETTER_TRIES_MAX):
        one.ask(ConnId(number), 9, NOW)
        assert one.on_failed(ConnId(number), Failure(2, LetterProblem.CROWDED))
    assert not one.may_try_at(NOW)


def test_who_took_it_has_the_time_of_its_own_hops():
    one = passage()
    one.ask(A, 0, NOW)
    one.on_taken(A)
    assert one.is_taken and one.asked is None and one.next_deadline() == one.until
    assert one.outcome() == Failure(2, LetterProblem.NO_RECEIPT)
    assert one.on_failed(A, Failure(3, LetterProblem.NO_ANSWER))
    assert not one.is_taken
    assert one.outcome() == Failure(3, LetterProblem.NO_ANSWER)
    # It has had its say.
    one.on_taken(A)
    assert not one.is_taken and not one.on_failed(A, Failure(3, LetterProblem.NO_ANSWER))


def test_a_late_word_counts():
    one = passage()
    one.ask(A, 1, NOW)
    one.on_silence()
    one.ask(B, 0, at(2.5))
    one.on_taken(A)
    assert one.asked == B and one.try_until == at(5)
    # One of two still has it: nobody else is asked.
    assert not one.on_failed(B, Failure(2, LetterProblem.NO_WAY))
    assert one.try_until is None
    assert one.on_failed(A, Failure(2, LetterProblem.NO_WAY))


def test_the_furthest_failure_is_told():
    one = passage()
    one.note(Failure(3, LetterProblem.NOT_SAVED))
    one.note(Failure(1, LetterProblem.NO_ANSWER))
    assert one.outcome() == Failure(3, LetterProblem.NOT_SAVED)
    one.note(Failure(3, LetterProblem.CROWDED))
    assert one.outcome() == Failure(3, LetterProblem.CROWDED)
    assert passage(1).outcome() == Failure(3, LetterProblem.NO_WAY)


def test_a_word_of_somebody_who_was_not_asked_is_none():
    one = passage()
    one.ask(A, 0, NOW)
    one.on_taken(B)
    assert not one.on_failed(B, Failure(1, LetterProblem.NO_WAY))
    assert one.asked == A and one.failure is None


def test_looking_for_a_way_ends_with_the_hop():
    one = passage()
    one.look_again(at(0.25))
    assert one.is_looking and one.next_deadline() == at(0.25)
    one.look_again(at(7))
    assert one.next_deadline() == at(5)
    one.on_silence()
    assert not one.is_looking and one.failure is None


def test_a_flood_has_the_time_of_one_hop():
    one = passage(floods=True)
    one.flood((A, B))
    assert one.next_deadline() == NOW + LETTER_HOP_US and list(one.given) == [A, B]


def test_so_many_may_wait_for_it():
    one = passage()
    assert all(one.add_asker(ConnId(conn)) for conn in range(LETTER_ASKERS_MAX))
    assert one.add_asker(ConnId(0)) and not one.add_asker(ConnId(LETTER_ASKERS_MAX))
    assert len(one.askers) == LETTER_ASKERS_MAX
