"""How long the rounds wait, and when a height begins."""

from minicoin.core.consensus.timeouts import Pause, RoundTimes
from minicoin.core.limits import TIMEOUT_ROUNDS_MAX
from minicoin.core.signers.votes import VoteKind
from minicoin.core.units import SECOND_US, Micros

TIMES = RoundTimes()
T = 1_000 * SECOND_US


def _enters(parent_s, height=7, waits=True):
    return TIMES.enters_at(Pause(height, parent_s, Micros(T)), payment_waits=waits) - T


def test_they_grow_by_a_step_and_end_growing() -> None:
    assert [TIMES.timeout_us(kind, 0) for kind in VoteKind] == [1_000_000, 500_000, 500_000]
    assert [TIMES.timeout_us(kind, 3) for kind in VoteKind] == [1_750_000, 1_250_000, 1_250_000]
    assert TIMES.timeout_us(VoteKind.PROPOSAL, TIMEOUT_ROUNDS_MAX) == TIMES.timeout_us(VoteKind.PROPOSAL, 1 << 30)


def test_a_height_waits_for_the_interval_since_the_one_before_was_decided() -> None:
    assert _enters(1_000) == SECOND_US
    assert _enters(0) == SECOND_US


def test_it_waits_until_its_block_is_dated_five_seconds_ahead_at_most() -> None:
    # The parent is dated 10 s in front of our clock: this one would be by 11.
    assert _enters(1_010) == 6 * SECOND_US


def test_without_a_payment_it_waits_longer_except_for_the_first() -> None:
    assert _enters(1_000, waits=False) == 60 * SECOND_US
    assert _enters(1_000, height=1, waits=False) == SECOND_US
