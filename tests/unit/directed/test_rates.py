"""How many letters may come."""

from minicoin.core.directed import rates as module
from minicoin.core.directed.rates import Rates
from minicoin.core.limits import (
    LETTERS_BURST_S,
    LETTERS_PER_SECOND,
    LETTERS_PER_SECOND_PER_GROUP,
    LETTERS_PER_SECOND_PER_PEER,
)
from minicoin.core.units import SECOND_US, ConnId, Micros

START = Micros(1_000_000_000)


def taken(rates, conns, group, now=START, tries=10_000):
    return sum(rates.take(ConnId(conns[number % len(conns)]), group, now) for number in range(tries))


def test_a_burst_comes_at_once_and_more_with_time():
    rates = Rates()
    assert taken(rates, [1], b"g") == LETTERS_PER_SECOND_PER_PEER * LETTERS_BURST_S
    one_us = SECOND_US // LETTERS_PER_SECOND_PER_PEER
    assert not rates.take(ConnId(1), b"g", Micros(START + one_us - 1))
    assert rates.take(ConnId(1), b"g", Micros(START + one_us))
    # A clock that was set back gives nothing.
    assert not rates.take(ConnId(1), b"g", START)


def test_a_connection_a_group_and_all_have_their_bursts():
    assert taken(Rates(), [1], b"g") == LETTERS_PER_SECOND_PER_PEER * LETTERS_BURST_S
    assert taken(Rates(), list(range(20)), b"g") == LETTERS_PER_SECOND_PER_GROUP * LETTERS_BURST_S
    rates = Rates()
    assert sum(taken(rates, [2 * n, 2 * n + 1], bytes([n]), tries=1_000) for n in range(20)) == (
        LETTERS_PER_SECOND * LETTERS_BURST_S
    )


def test_a_new_connection_of_the_group_buys_no_new_burst():
    rates = Rates()
    total = 0
    for conn in range(50):
        total += taken(rates, [conn], b"g", tries=1_000)
        rates.forget(ConnId(conn))
    assert total == LETTERS_PER_SECOND_PER_GROUP * LETTERS_BURST_S


def test_who_is_over_its_own_rate_uses_up_nobody_elses():
    rates = Rates()
    taken(rates, [1], b"g")
    assert taken(rates, [2], b"g") == LETTERS_PER_SECOND_PER_PEER * LETTERS_BURST_S


def test_groups_are_forgotten_when_they_are_as_good_as_new_and_no_sooner(monkeypatch):
    monkeypatch.setattr(module, "LETTER_GROUPS_REMEMBERED_MAX", 3)
    rates = Rates()
    assert [rates.take(ConnId(number), bytes([number]), START) for number in range(4)] == [True, True, True, False]
    late = Micros(START + SECOND_US)
    assert [rates.take(ConnId(number), bytes([number]), late) for number in range(4, 8)] == [True, True, True, False]
