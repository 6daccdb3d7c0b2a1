import io

import pytest
from rich.console import Console

from minicoin.sim.result.progress import REDRAW_S, RunProgress


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def terminal(*, is_terminal: bool = True) -> Console:
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=150)


def test_it_shows_speed_virtual_time_and_blocks() -> None:
    console, clock = terminal(), Clock()
    with RunProgress("run", 60_000_000, console=console, clock=clock) as progress:
        clock.now_s += 2
        progress.update(15_000_000, 240_000, 3)
    text = console.file.getvalue()
    assert "120,000 events/s, 15.000 s virtual, 3 blocks" in text
    assert "25%" in text


def test_set_up_is_shown_apart_and_the_run_is_timed_without_it() -> None:
    console, clock = terminal(), Clock()
    with RunProgress("run", 60_000_000, console=console, clock=clock) as progress:
        clock.now_s += 50
        progress.set_up(0.4, 7_000)
        shown = console.file.getvalue()
        assert "run: set-up" in shown
        assert "40.0% of the nodes connected, 7,000 events" in shown
        assert "virtual" not in shown
        progress.update(0, 0, 0)
        clock.now_s += 2
        progress.update(15_000_000, 240_000, 3)
    last = console.file.getvalue()[len(shown) :]
    assert "120,000 events/s, 15.000 s virtual, 3 blocks" in last


def test_it_draws_no_more_often_than_it_must() -> None:
    console, clock = terminal(), Clock()
    with RunProgress("run", 100, console=console, clock=clock) as progress:
        clock.now_s += 1
        progress.update(1, 1, 1)
        clock.now_s += REDRAW_S / 2
        progress.update(2, 2, 77)
        assert "77 blocks" not in console.file.getvalue()
        clock.now_s += REDRAW_S
        progress.update(3, 3, 78)
        assert "78 blocks" in console.file.getvalue()


@pytest.mark.parametrize(("is_terminal", "is_wanted"), [(False, True), (True, False)])
def test_it_is_silent_without_a_terminal_and_when_unwanted(is_terminal: bool, is_wanted: bool) -> None:
    console, clock = terminal(is_terminal=is_terminal), Clock()
    with RunProgress("run", 100, is_wanted=is_wanted, console=console, clock=clock) as progress:
        clock.now_s += 5
        progress.update(50, 1_000, 2)
    assert console.file.getvalue() == ""
