"""The core's clock: the wall clock's time, or the one a test let it stand at."""

from minicoin.core.units import Micros
from minicoin.drivers.clock import NodeClock


class Wall:
    def __init__(self) -> None:
        self.now = Micros(1_000)

    def __call__(self) -> Micros:
        return self.now


def test_it_runs_stands_goes_back_and_runs_on() -> None:
    wall = Wall()
    clock = NodeClock(wall)
    assert (clock(), clock.is_standing) == (1_000, False)
    clock.set(Micros(50_000))
    wall.now = Micros(2_000)
    assert (clock(), clock.is_standing) == (50_000, True)
    clock.set(Micros(10))
    assert clock() == 10
    clock.set(None)
    assert (clock(), clock.is_standing) == (2_000, False)


def test_times_of_the_core_as_wall_times() -> None:
    wall = Wall()
    clock = NodeClock(wall)
    assert clock.wall_time(Micros(1_500)) == 1_500
    clock.set(Micros(50_000))
    assert clock.wall_time(Micros(50_600)) == 1_600
