"""Nonces of questions: one answer, from who was asked, in time."""

from tests.unit.overlay.gossip.made import T0

from minicoin.core.overlay.repair.questions import Questions
from minicoin.core.rng import Rng
from minicoin.core.units import Micros


def questions(most=4):
    return Questions(Rng(b"q"), patience_us=1_000, most=most)


def test_an_answer_counts_once():
    made = questions()
    nonce = made.ask(1, T0)
    assert made.is_answered(nonce, 1, Micros(T0 + 999))
    assert not made.is_answered(nonce, 1, Micros(T0 + 999))


def test_of_somebody_else_unasked_or_late_it_counts_for_nothing():
    made = questions()
    nonce = made.ask(1, T0)
    assert not made.is_answered(nonce, 2, T0)
    assert not made.is_answered(nonce ^ 1, 1, T0)
    assert not made.is_answered(nonce, 1, Micros(T0 + 1_000))


def test_they_are_few_and_the_oldest_is_given_up():
    made = questions()
    nonces = [made.ask(conn, T0) for conn in range(6)]
    assert len(made) == 4
    assert [made.is_answered(nonce, conn, T0) for conn, nonce in enumerate(nonces)] == [False] * 2 + [True] * 4


def test_what_is_late_is_given_up_with_the_next_question():
    made = questions()
    made.ask(1, T0)
    made.ask(1, Micros(T0 + 1_000))
    assert len(made) == 1


def test_who_left_will_not_answer():
    made = questions()
    nonce, other = made.ask(1, T0), made.ask(2, T0)
    made.forget(1)
    assert not made.is_answered(nonce, 1, T0) and made.is_answered(other, 2, T0)
