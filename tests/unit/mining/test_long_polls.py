"""Whoever waits for another template hears once: when the tip moves, the mempool did, or too many wait."""

from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.limits import LONG_POLL_AGAIN_US, LONG_POLL_FIRST_US, LONG_POLLS_MAX
from minicoin.core.mining.long_polls import LongPolls
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import Micros, RequestId

ONE, OTHER = BlockHash(b"1" * 32), BlockHash(b"2" * 32)


def hold(polls: LongPolls, request: int, *, updates: int = 0, now: int = 0) -> list[RequestId]:
    return polls.hold(RequestId(request), ONE, updates, Micros(now))


def test_another_tip_ends_the_wait_and_the_same_does_not() -> None:
    polls = LongPolls()
    hold(polls, 1)
    assert polls.on_tip(ONE) == []
    assert polls.on_tip(OTHER) == [1]
    assert polls.on_tip(OTHER) == [] and polls.next_deadline() is None


def test_the_mempool_is_looked_at_after_a_while_and_then_again() -> None:
    polls = LongPolls()
    hold(polls, 1, updates=7)
    assert polls.next_deadline() == LONG_POLL_FIRST_US
    assert polls.on_deadline(8, Micros(LONG_POLL_FIRST_US - 1)) == []
    # Nothing came or went.
    assert polls.on_deadline(7, Micros(LONG_POLL_FIRST_US)) == []
    assert polls.next_deadline() == LONG_POLL_FIRST_US + LONG_POLL_AGAIN_US
    assert polls.on_deadline(8, Micros(LONG_POLL_FIRST_US + LONG_POLL_AGAIN_US)) == [1]


def test_with_one_too_many_the_oldest_is_answered_early() -> None:
    polls = LongPolls()
    assert [hold(polls, at) for at in range(LONG_POLLS_MAX)] == [[]] * LONG_POLLS_MAX
    assert hold(polls, LONG_POLLS_MAX) == [0]
    assert polls.end() == list(range(1, LONG_POLLS_MAX + 1))


STEPS = st.lists(st.sampled_from(["hold", "tip", "mempool", "later", "much later"]), max_size=60)


@given(STEPS)
def test_each_is_given_back_exactly_once(steps: list[str]) -> None:
    polls = LongPolls()
    now, updates, asked = 0, 0, 0
    given_back: list[RequestId] = []
    for step in steps:
        match step:
            case "hold":
                given_back += hold(polls, asked, updates=updates, now=now)
                asked += 1
            case "tip":
                given_back += polls.on_tip(OTHER)
            case "mempool":
                updates += 1
            case "later":
                now += LONG_POLL_AGAIN_US
            case _:
                now += LONG_POLL_FIRST_US
        given_back += polls.on_deadline(updates, Micros(now))
        deadline = polls.next_deadline()
        assert deadline is None or deadline > now
    given_back += polls.end()
    assert sorted(given_back) == list(range(asked))
