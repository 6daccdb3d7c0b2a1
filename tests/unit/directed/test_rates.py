"""How many letters may come."""

from minicoin.core.directed.rates import Bucket, Rates
from minicoin.core.limits import (
    LETTER_GROUPS_REMEMBERED_MAX,
    LETTERS_BURST_S,
    LETTERS_PER_SECOND,
    LETTERS_PER_SECOND_PER_GROUP,
    LETTERS_PER_SECOND_PER_PEER,
)
from minicoin.core.units import SECOND_US, ConnId, Micros

START = Micros(1_000_000_000)


def taken(rates, conns, group, now=START, tries=10_000):
    return sum(rates.take(ConnId(conns[number % len(conns)]), group, now) for number in range(tries))


def test_a_bucket_holds_a_burst_and_fills_with_time():
    bucket = Bucket(10, START)
    count = 0
    while bucket.has_one(START):
        bucket.take()
        count += 1
    assert count == 10 * LETTERS_BURST_S and not bucket.is_full(START)
    assert not bucket.has_one(Micros(START + SECOND_US // 10 - 1))
    assert bucket.has_one(Micros(START + SECOND_US // 10))
    assert bucket.is_full(Micros(START + LETTERS_BURST_S * SECOND_US))
    # A clock that was set back costs nothing.
    assert bucket.has_one(START)


def test_a_connection_a_group_and_all_have_their_bursts():
    assert taken(Rates(START), [1], b"g") == LETTERS_PER_SECOND_PER_PEER * LETTERS_BURST_S
    assert taken(Rates(START), list(range(20)), b"g") == LETTERS_PER_SECOND_PER_GROUP * LETTERS_BURST_S
    rates = Rates(START)
    assert sum(taken(rates, [2 * n, 2 * n + 1], bytes([n]), tries=1_000) for n in range(20)) == (
        LETTERS_PER_SECOND * LETTERS_BURST_S
    )


def test_a_new_connection_of_the_group_buys_no_new_burst():
    rates = Rates(START)
    total = 0
    for conn in range(50):
        total += taken(rates, [conn], b"g", tries=1_000)
        rates.forget(ConnId(conn))
    assert total == LETTERS_PER_SECOND_PER_GROUP * LETTERS_BURST_S


def test_who_is_over_its_own_rate_uses_up_nobody_elses():
    rates = Rates(START)
    taken(rates, [1], b"g")
    assert taken(rates, [2], b"g") == LETTERS_PER_SECOND_PER_PEER * LETTERS_BURST_S


def test_groups_are_forgotten_when_they_are_as_good_as_new():
    rates = Rates(START)
    for number in range(LETTER_GROUPS_REMEMBERED_MAX):
        rates.take(ConnId(number), number.to_bytes(2, "big"), Micros(START + number * SECOND_US))
    late = Micros(START + LETTER_GROUPS_REMEMBERED_MAX * SECOND_US)
    assert rates.take(ConnId(1), b"new", late)
    assert rates.group_count <= LETTERS_BURST_S + 2
