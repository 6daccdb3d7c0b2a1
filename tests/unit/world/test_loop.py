"""The loop: who is handed what and when, deadlines, clocks that are off, and answers to nodes that are gone."""

from tests.unit.world.scripts import CONN, Script, act, add_script, make_world, pass_time

from minicoin.core.effects import ReadBlock
from minicoin.core.events import BlockRead, BlockStored, DeadlineReached, Saved
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import SECOND_US, ConnId, Micros


def test_a_deadline_is_reached_at_its_time_and_once() -> None:
    world = make_world()
    host, script = add_script(world)
    script.deadline = Micros(world.now + 3 * SECOND_US)
    due = script.deadline
    world.wake(host)
    world.run(due - 1)
    assert script.heard == []
    pass_time(world)
    assert script.heard == [(due, DeadlineReached())]


def test_a_deadline_of_zero_is_due_at_once() -> None:
    """Parts say so where an event left them something to do."""
    world = make_world()
    host, script = add_script(world)
    began = world.now
    script.deadline = Micros(0)

    def handle(event, now):
        script.heard.append((now, event))
        script.deadline = None

    script.handle = handle
    world.wake(host)
    pass_time(world)
    assert script.heard == [(began, DeadlineReached())]


def test_an_earlier_deadline_moves_the_alarm_and_the_later_one_still_comes() -> None:
    world = make_world()
    host, script = add_script(world)
    began = world.now
    deadlines = iter([began + 5 * SECOND_US, began + 9 * SECOND_US, None, None])

    def handle(event, now):
        script.heard.append((now, event))
        script.deadline = next(deadlines)

    script.handle = handle
    script.deadline = Micros(began + 9 * SECOND_US)
    world.wake(host)
    world.tell(host, Saved("a"))
    pass_time(world)
    assert script.heard == [
        (began, Saved("a")),
        (began + 5 * SECOND_US, DeadlineReached()),
        (began + 9 * SECOND_US, DeadlineReached()),
    ]


def test_a_deadline_that_was_put_off_makes_no_event() -> None:
    world = make_world()
    host, script = add_script(world)
    began = world.now
    script.deadline = Micros(began + 2 * SECOND_US)
    world.wake(host)
    script.deadline = Micros(began + 7 * SECOND_US)
    world.run(began + 6 * SECOND_US)
    assert script.heard == []
    world.run(began + 7 * SECOND_US)
    assert script.heard == [(began + 7 * SECOND_US, DeadlineReached())]


def test_an_answer_that_took_no_time_has_no_place_in_the_queue() -> None:
    world = make_world()
    host, script = add_script(world)
    began = world.now
    waiting = len(world.queue)
    act(world, host, ReadBlock(CONN, BlockHash(bytes(32))), ReadBlock(ConnId(4), BlockHash(bytes(32))))
    assert script.heard == [(began, BlockRead(conn, BlockHash(bytes(32)), None)) for conn in (CONN, ConnId(4))]
    assert len(world.queue) == waiting


def test_a_clock_that_is_off_is_what_its_node_goes_by() -> None:
    world = make_world()
    host, script = add_script(world)
    host.clock.offset_us = 3_600 * SECOND_US
    script.deadline = Micros(world.now + 3_610 * SECOND_US)
    due = script.deadline
    world.wake(host)
    began = world.now
    world.run(began + 9 * SECOND_US)
    assert script.heard == []
    world.run(began + 10 * SECOND_US)
    assert script.heard[0] == (due, DeadlineReached())


def test_what_is_told_is_heard_behind_what_is_due() -> None:
    world = make_world()
    host, script = add_script(world)
    world.tell(host, Saved("first"))
    world.tell(host, Saved("second"))
    assert script.heard == []
    pass_time(world, 0)
    assert [event for _, event in script.heard] == [Saved("first"), Saved("second")]


def test_answers_go_to_the_run_that_asked() -> None:
    world = make_world()
    host, old = add_script(world)
    world.tell(host, Saved("a"))
    world.stop(host, "off")
    fresh = Script()
    world.start_runner(host, fresh)
    pass_time(world)
    assert old.heard == fresh.heard == []


def test_an_alarm_of_an_earlier_run_wakes_nobody() -> None:
    world = make_world()
    host, old = add_script(world)
    old.deadline = Micros(world.now + SECOND_US)
    world.wake(host)
    world.stop(host, "off")
    fresh = Script()
    world.start_runner(host, fresh)
    pass_time(world)
    assert old.heard == fresh.heard == []


def test_observers_hear_what_is_stored_and_every_event_is_in_the_digest() -> None:
    world = make_world()
    host, script = add_script(world)
    stood, lines = [], []

    class Ear:
        def on_stood(self, host, event, now):
            stood.append((host.index, event, now))

    world.observers.append(Ear())
    world.digest.listener = lambda *line: lines.append(line)
    stored = BlockStored(BlockHash(bytes(32)), 1)
    world.tell(host, stored)
    pass_time(world, 1)
    assert stood == [(0, stored, script.heard[0][0])]
    assert lines == [(script.heard[0][0], 0, "stored " + "00" * 32)]
