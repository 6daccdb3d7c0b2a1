"""A host's clock: true, off, or standing; and when it will show a time."""

from minicoin.core.units import Micros
from minicoin.world.clock import Clock


def test_a_clock_that_is_off_shows_other_times() -> None:
    clock = Clock()
    assert clock.read(Micros(1_000)) == 1_000
    clock.offset_us = -300
    assert clock.read(Micros(1_000)) == 700
    assert clock.true_time(Micros(900), Micros(1_000)) == 1_200
    # What it has shown already is due now.
    assert clock.true_time(Micros(600), Micros(1_000)) == 1_000


def test_a_clock_that_stands_never_shows_a_later_time_by_itself() -> None:
    clock = Clock()
    clock.offset_us = 50
    clock.stands_at = Micros(5_000)
    assert clock.read(Micros(1)) == clock.read(Micros(9_999)) == 5_000
    assert clock.true_time(Micros(5_001), Micros(1)) is None
    assert clock.true_time(Micros(5_000), Micros(1)) == 1
    clock.stands_at = None
    assert clock.read(Micros(1)) == 51
