"""The lag meter: the overshoot of sleeps, over the last minute only."""

import trio
from trio.testing import MockClock

from minicoin.drivers.lag import LagMeter


def test_a_loop_that_keeps_time_shows_no_lag_and_an_empty_meter_none():
    meter = LagMeter()
    assert meter.snapshot().max_ms == 0.0

    async def main():
        with trio.move_on_after(120):
            await meter.run()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert meter.snapshot().p99_ms < 1e-6


def test_a_loop_that_stands_still_shows_in_the_tail_and_is_forgotten_after_a_minute():
    meter = LagMeter()
    clock = MockClock(autojump_threshold=0)

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(meter.run)
            await trio.sleep(1)
            # Nothing runs for 200 ms, as when a handler takes that long.
            clock.jump(0.2)
            await trio.sleep(1)
            seen = meter.snapshot()
            assert 140 < seen.max_ms < 210
            assert seen.p50_ms < 1e-6
            await trio.sleep(70)
            assert meter.snapshot().max_ms < 1e-6
            nursery.cancel_scope.cancel()

    trio.run(main, clock=clock)
