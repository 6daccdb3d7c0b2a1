"""The event queue: by time, then in the order asked for; how far and how long it runs."""

from random import Random

import pytest

from minicoin.core.units import Micros
from minicoin.world.queue import EventQueue


def test_events_happen_by_time_and_equal_times_in_the_order_asked_for() -> None:
    rng = Random(1)
    queue = EventQueue(Micros(100))
    wanted = [(100 + rng.randrange(20), number) for number in range(500)]
    happened: list[tuple[int, int]] = []
    for time_us, number in wanted:
        queue.at(time_us, lambda at, which: happened.append((at, which)), time_us, number)
    assert queue.run(1_000) == 500
    assert happened == sorted(wanted)


def test_what_is_asked_for_while_something_happens_waits_for_its_turn() -> None:
    queue = EventQueue(Micros(0))
    happened: list[str] = []

    def first(_: object, __: object) -> None:
        happened.append("first")
        queue.at(5, lambda *_: happened.append("asked at five for five"))
        queue.at(6, lambda *_: happened.append("asked at five for six"))

    queue.at(5, first)
    queue.at(5, lambda *_: happened.append("second"))
    queue.at(6, lambda *_: happened.append("long before"))
    queue.run(10)
    assert happened == ["first", "second", "asked at five for five", "long before", "asked at five for six"]


def test_the_clock_stands_at_each_event_and_then_at_the_end() -> None:
    queue = EventQueue(Micros(7))
    times: list[int] = []
    for time_us in (30, 10, 20):
        queue.at(time_us, lambda *_: times.append(queue.now))
    assert queue.next_time() == 10
    assert queue.run(20) == 2
    assert (times, queue.now, len(queue), queue.next_time()) == ([10, 20], 20, 1, 30)
    assert queue.run(25) == 0
    assert queue.now == 25
    assert queue.run(100) == 1
    assert (queue.now, queue.next_time(), queue.executed) == (100, None, 3)


def test_a_count_stops_it_at_the_last_event() -> None:
    queue = EventQueue(Micros(0))
    for time_us in (1, 2, 3, 9):
        queue.at(time_us, lambda *_: None)
    assert queue.run(5, 2) == 2
    assert queue.now == 2
    assert queue.run(5, 2) == 1
    # That was all there was to happen by then.
    assert queue.now == 5
    assert queue.run(5, 0) == 0


def test_time_never_goes_back() -> None:
    queue = EventQueue(Micros(50))
    assert queue.run(10) == 0
    assert queue.now == 50


@pytest.mark.parametrize("reach_us", [10, 30_000, 5_000_000])
def test_it_is_one_heap_whatever_lies_how_far_ahead(reach_us: int) -> None:
    rng = Random(reach_us)
    queue, model = EventQueue(Micros(12_345)), list[tuple[int, int]]()
    happened: list[tuple[int, int]] = []
    numbers = iter(range(10_000))

    def ask(count: int) -> None:
        for _ in range(count):
            number, time_us = next(numbers), queue.now + rng.randrange(reach_us)
            model.append((time_us, number))
            queue.at(time_us, happen, number)

    def happen(number: int, _: object) -> None:
        happened.append((queue.now, number))
        if number < 3_000:
            ask(rng.randrange(3))

    ask(200)
    while (next_us := queue.next_time()) is not None:
        assert next_us == min(model[number] for number in waiting(model, happened))[0]
        queue.run(queue.now + rng.randrange(reach_us), rng.choice((None, 1, 7)))
        assert len(queue) == len(model) - len(happened)
    assert len(happened) > 1_000
    assert happened == sorted(model)


def waiting(model: list[tuple[int, int]], happened: list[tuple[int, int]]) -> list[int]:
    done = {number for _, number in happened}
    return [number for _, number in model if number not in done]
