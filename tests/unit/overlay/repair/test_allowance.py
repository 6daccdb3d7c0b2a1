"""What a peer may ask: a few at once, and so many in the long run."""

from tests.unit.overlay.gossip.made import T0

from minicoin.core.overlay.repair.allowance import Allowance
from minicoin.core.units import SECOND_US, Micros


def test_a_burst_and_then_one_each_while():
    made = Allowance(SECOND_US, 3)
    assert [made.take(1, T0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert [made.take(1, Micros(T0 + SECOND_US)) for _ in range(2)] == [True, False]
    assert [made.take(1, Micros(T0 + 60 * SECOND_US)) for _ in range(5)] == [True] * 3 + [False] * 2


def test_each_peer_has_its_own_and_a_new_connection_a_new_one():
    made = Allowance(SECOND_US, 1)
    assert made.take(1, T0) and made.take(2, T0) and not made.take(1, T0)
    made.forget(1)
    assert made.take(1, T0) and not made.take(2, T0)
