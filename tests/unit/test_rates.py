"""Buckets against a naive model, and that new names buy nothing."""

from fractions import Fraction

from minicoin.core.rates import Buckets, Rate
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros


def test_it_does_what_a_model_in_fractions_does() -> None:
    rng, buckets, model, now = Rng(b"rates"), Buckets[str](Rate(10, 3), 4), {}, Micros(0)
    refused = 0
    for _ in range(2_000):
        now = Micros(now + rng.below(SECOND_US // 2))
        name, amount = rng.choice("abcd"), 1 + rng.below(4)
        spent, at = model.get(name, (Fraction(0), now))
        spent = max(Fraction(0), spent - Fraction(3 * (now - at), SECOND_US)) + amount
        fits = spent <= 10
        assert buckets.charge(name, now, amount) is fits
        refused += not fits
        if fits:
            model[name] = (spent, now)
    assert 0 < refused < 2_000


def test_a_new_name_takes_a_place_only_where_another_is_full_again() -> None:
    buckets = Buckets[int](Rate(2, 1), 3)
    assert [buckets.charge(name, Micros(0)) for name in range(4)] == [True, True, True, False]
    assert buckets.charge(0, Micros(1))
    assert buckets.charge(4, Micros(SECOND_US))
    assert len(buckets) <= 3
    # Number 0 was charged twice and is not full yet.
    assert not buckets.charge(0, Micros(SECOND_US), 2)


def test_a_rate_may_be_slower_than_one_a_second_and_looking_spends_nothing() -> None:
    buckets = Buckets[int](Rate(2, 1, 5 * SECOND_US), 3)
    assert all(buckets.has(0, Micros(0)) for _ in range(9)) and len(buckets) == 0
    assert [buckets.charge(0, Micros(0)) for _ in range(3)] == [True, True, False]
    assert not buckets.has(0, Micros(5 * SECOND_US - 1)) and buckets.has(0, Micros(5 * SECOND_US))
    buckets.forget(0)
    assert len(buckets) == 0 and buckets.charge(0, Micros(0), 2)


def test_time_that_goes_back_gives_nothing() -> None:
    buckets = Buckets[int](Rate(1, 1), 1)
    assert buckets.charge(0, Micros(5 * SECOND_US))
    assert not buckets.charge(0, Micros(0))


def test_who_is_full_again_is_forgotten_as_others_are_charged() -> None:
    buckets = Buckets[int](Rate(2, 1), 1_000)
    for name in range(300):
        assert buckets.charge(name, Micros(name * SECOND_US))
        assert len(buckets) <= 2
    assert all(buckets.has(name, Micros(300 * SECOND_US), 2) for name in range(300))
