import pytest
import trio
from tests import waiting
from tests.waiting import COMPUTE_HANG_S, HANG_S, SUITE_HANG_S, hang_guard, wait_until, wait_until_async
from trio.testing import MockClock


class FakeTime:
    """Passes only by being slept."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    monkeypatch.setattr(waiting, "time", fake)
    return fake


def test_the_first_true_value_is_the_answer(clock: FakeTime) -> None:
    values = iter(["", "", "there"])
    assert wait_until(lambda: next(values), "a value") == "there"
    assert 0 < clock.now < 1


def test_looking_takes_a_tenth_of_the_time(clock: FakeTime) -> None:
    looks = 0

    def look() -> bool:
        nonlocal looks
        looks += 1
        clock.sleep(0.05)
        return clock.now > 50

    wait_until(look, "the end")
    assert 90 < looks < 110


def test_a_hang_tells_what_was_awaited_and_what_was_seen(clock: FakeTime) -> None:
    heights = {"one": 7, "other": 6}
    with pytest.raises(AssertionError) as raised:
        wait_until(lambda: heights["one"] == heights["other"], "equal heights")
    assert clock.now > HANG_S
    told = str(raised.value)
    assert "hung for 120 s: equal heights" in told
    assert "heights: {'one': 7, 'other': 6}" in told


def test_the_same_in_trio() -> None:
    async def main() -> None:
        chain: list[int] = []

        async def grow() -> None:
            await trio.sleep(HANG_S / 2)
            chain.append(1)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(grow)
            assert await wait_until_async(lambda: list(chain), "a block") == [1]
        with pytest.raises(AssertionError, match=r"hung for 120 s: two blocks(?s:.*)chain: \[1\]"):
            await wait_until_async(lambda: len(chain) == 2, "two blocks")

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_a_block_that_hangs_is_ended() -> None:
    async def main() -> None:
        with hang_guard("nothing much"):
            await trio.sleep(HANG_S / 2)
        hung = pytest.raises(AssertionError, match=r"hung for 120 s: the end of time(?s:.*)'seen'")
        with hung, hang_guard("the end of time", "seen"):
            await trio.sleep_forever()

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_bounds_lie_within_each_other(pytestconfig: pytest.Config) -> None:
    assert HANG_S < COMPUTE_HANG_S < SUITE_HANG_S == float(pytestconfig.getini("timeout"))
