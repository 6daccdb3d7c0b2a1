"""The inbox: order, waiting, back-pressure, other threads."""

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from minicoin.core.events import DeadlineReached, SendQueueLow
from minicoin.drivers.inbox import Inbox


def run(test):
    trio.run(test, clock=MockClock(autojump_threshold=0))


def test_keeps_order_and_is_empty_in_the_end():
    async def play():
        inbox = Inbox()
        for number in range(3):
            inbox.put_nowait(SendQueueLow(number))
        assert [inbox.take_nowait().conn for _ in range(3)] == [0, 1, 2]
        assert inbox.take_nowait() is None
        assert len(inbox) == 0

    run(play)


def test_waiting_ends_with_the_next_event():
    async def play():
        inbox = Inbox()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(inbox.wait)
            await wait_all_tasks_blocked()
            inbox.put_nowait(DeadlineReached())
        assert len(inbox) == 1
        await inbox.wait()

    run(play)


def test_a_producer_waits_until_its_event_is_taken():
    async def play():
        inbox, done = Inbox(), []

        async def produce():
            await inbox.put_and_wait(DeadlineReached())
            done.append(True)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(produce)
            await wait_all_tasks_blocked()
            assert not done
            inbox.take_nowait()
        assert done

    run(play)


def test_events_come_in_from_threads_also_after_the_end():
    async def play():
        inbox = Inbox()
        await trio.to_thread.run_sync(inbox.put_from_thread, DeadlineReached())
        await inbox.wait()
        return inbox

    inbox = trio.run(play)
    assert inbox.take_nowait() == DeadlineReached()
    inbox.put_from_thread(DeadlineReached())
    assert inbox.take_nowait() is None
