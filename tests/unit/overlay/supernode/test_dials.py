"""Super nodes that are about to be reached."""

from tests.unit.overlay.supernode.made import T0, address, peer_id

from minicoin.core.overlay.supernode.dials import PATIENCE_US, SLOW_US, Dials
from minicoin.core.units import Micros


def test_each_has_its_time():
    dials = Dials()
    first = dials.begin(peer_id(1), address(1), b"a", T0)
    second = dials.begin(peer_id(2), address(2), b"b", Micros(T0 + 5))
    assert list(dials) == [first, second] and dials.get(peer_id(1)) is first and peer_id(2) in dials
    assert dials.next_deadline() == T0 + PATIENCE_US
    assert dials.overdue(Micros(T0 + PATIENCE_US)) == (first,) and list(dials) == [second]
    assert dials.end(peer_id(2)) is second and dials.end(peer_id(2)) is None
    assert dials.next_deadline() is None and len(dials) == 0


def test_one_that_nobody_answers_is_slow_before_its_time_is_over():
    dials = Dials()
    first = dials.begin(peer_id(1), address(1), b"a", T0)
    second = dials.begin(peer_id(2), address(2), b"b", Micros(T0 + 5))
    assert dials.prompt(T0) == [first, second] and dials.slowest(1) == [first]
    slow_at = Micros(T0 + SLOW_US)
    assert dials.prompt(slow_at) == [second] and dials.overdue(slow_at) == ()
    assert dials.slowest(9) == [first, second] and dials.slowest(-1) == []


def test_one_that_has_us_come_again_is_waited_for_but_not_for_ever():
    dials = Dials()
    dial = dials.begin(peer_id(1), address(1), b"a", T0)
    ask_at = Micros(T0 + PATIENCE_US + 5)
    assert dial.stay(ask_at) and dials.next_deadline() == ask_at and dials.overdue(ask_at) == ()
    dial.ask_at = None
    assert dials.next_deadline() == ask_at + PATIENCE_US
    assert dial.stay(Micros(T0 + 2 * PATIENCE_US)) and not dial.stay(Micros(T0 + 2 * PATIENCE_US + 1))
    assert dial.ask_at == T0 + 2 * PATIENCE_US
