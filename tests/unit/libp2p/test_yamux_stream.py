"""The windows of one stream: what may be sent, when credit is due, when the window grows."""

import pytest

from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.libp2p.yamux_frames import WINDOW_MAX
from minicoin.core.libp2p.yamux_stream import Stream
from minicoin.core.limits import YAMUX_WINDOW_BYTES_MAX, YAMUX_WINDOW_INITIAL_BYTES
from minicoin.core.units import Micros

HALF = YAMUX_WINDOW_INITIAL_BYTES // 2


def stream() -> Stream:
    return Stream(1, inbound=True, flags=0, now=Micros(0))


def holds(one: Stream) -> bool:
    return one.allowance + one.unread + one.uncredited == one.window


def test_more_than_the_window_is_a_fault() -> None:
    one = stream()
    one.accept(YAMUX_WINDOW_INITIAL_BYTES)
    with pytest.raises(PeerFault, match="window of 0"):
        one.accept(1)


def test_data_behind_the_end_is_a_fault() -> None:
    one = stream()
    one.fin_received = True
    with pytest.raises(PeerFault, match="after the end"):
        one.accept(1)


def test_credit_is_due_at_half_a_window_and_never_to_who_is_done() -> None:
    one = stream()
    one.accept(HALF)
    assert not one.consume(HALF - 1)
    assert one.consume(1)
    assert holds(one)
    assert one.take_credit(Micros(1), None, 0) == (HALF, 0)
    assert one.allowance == YAMUX_WINDOW_INITIAL_BYTES and holds(one)
    one.accept(HALF)
    one.fin_received = True
    assert not one.consume(HALF)


def test_the_window_doubles_when_it_was_what_held_the_sender_up() -> None:
    one = stream()
    one.accept(HALF)
    one.consume(HALF)
    credit, growth = one.take_credit(Micros(4_000), 1_000, YAMUX_WINDOW_BYTES_MAX)
    assert (credit, growth) == (HALF + YAMUX_WINDOW_INITIAL_BYTES, YAMUX_WINDOW_INITIAL_BYTES)
    assert one.window == 2 * YAMUX_WINDOW_INITIAL_BYTES and holds(one)
    one.accept(HALF)
    one.consume(HALF)
    # Read slowly: it is not the window that limits.
    assert one.take_credit(Micros(8_001), 1_000, YAMUX_WINDOW_BYTES_MAX)[1] == 0


def test_growth_is_bounded_by_the_session_and_by_the_largest_window() -> None:
    one = stream()
    assert one.take_credit(Micros(0), 1_000, 5)[1] == 5
    for _ in range(20):
        one.take_credit(Micros(0), 1_000, YAMUX_WINDOW_BYTES_MAX)
    assert one.window == YAMUX_WINDOW_BYTES_MAX


def test_consuming_what_never_came_is_our_mistake() -> None:
    with pytest.raises(MisuseError):
        stream().consume(1)


def test_a_grant_above_32_bits_is_a_fault() -> None:
    one = stream()
    one.widen(WINDOW_MAX - YAMUX_WINDOW_INITIAL_BYTES)
    with pytest.raises(PeerFault, match="32 bits"):
        one.widen(1)


def test_what_is_left_to_send() -> None:
    one = stream()
    assert not one.has_to_send
    one.out += b"x"
    assert one.has_to_send
    one.send_window = 0
    assert not one.has_to_send
    one.out.clear()
    one.fin_queued = True
    assert one.has_to_send
    one.fin_sent = one.fin_received = True
    assert not one.has_to_send and one.is_finished
