"""The keep-alive and the budget of frames without data."""

import pytest

from minicoin.core.faults import PeerFault
from minicoin.core.libp2p.yamux_guard import FrameBudget, KeepAlive
from minicoin.core.limits import (
    YAMUX_CONTROL_FRAME_INTERVAL_US,
    YAMUX_CONTROL_FRAMES_BURST,
    YAMUX_PING_INTERVAL_US,
    YAMUX_PINGS_MISSED_MAX,
)
from minicoin.core.units import Micros


def test_the_budget_is_spent_and_refilled_by_time() -> None:
    budget = FrameBudget(Micros(0))
    for _ in range(YAMUX_CONTROL_FRAMES_BURST):
        budget.charge(Micros(0))
    with pytest.raises(PeerFault, match="flood"):
        budget.charge(Micros(YAMUX_CONTROL_FRAME_INTERVAL_US - 1))
    budget.charge(Micros(2 * YAMUX_CONTROL_FRAME_INTERVAL_US))
    budget.charge(Micros(2 * YAMUX_CONTROL_FRAME_INTERVAL_US))
    with pytest.raises(PeerFault, match="flood"):
        budget.charge(Micros(2 * YAMUX_CONTROL_FRAME_INTERVAL_US))


def test_data_of_ours_earns_the_peer_a_frame() -> None:
    budget = FrameBudget(Micros(0))
    for _ in range(10 * YAMUX_CONTROL_FRAMES_BURST):
        budget.charge(Micros(0))
        budget.credit()
    budget.charge(Micros(0))


def test_an_answer_to_nothing_is_no_round_trip() -> None:
    assert KeepAlive(Micros(5)).on_answer(0, Micros(9)) is None
    assert KeepAlive(Micros(5)).next_at == 5


def test_answers_keep_a_peer_and_give_the_round_trip() -> None:
    alive = KeepAlive(Micros(0))
    for sent_at, rtt_us in ((0, 100), (alive.next_at + 1_000, 300)):
        value = int.from_bytes(alive.ping(Micros(sent_at))[8:], "big")
        assert alive.on_answer(value + 1, Micros(sent_at + 1)) is None
        assert alive.on_answer(value, Micros(sent_at + rtt_us)) == rtt_us
        assert alive.next_at == sent_at + YAMUX_PING_INTERVAL_US
    assert alive.rtt_us == 200


def test_a_frozen_peer_is_left_without_blame() -> None:
    alive = KeepAlive(Micros(0))
    for _ in range(YAMUX_PINGS_MISSED_MAX):
        alive.ping(Micros(0))
    with pytest.raises(PeerFault, match="without an answer") as fault:
        alive.ping(Micros(0))
    assert fault.value.score == 0
