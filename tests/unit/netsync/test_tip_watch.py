"""Whoever waits for the tip is answered once: when it is another, or when his patience ends."""

from tests.unit.alarms import check_alarm

from minicoin.core.answers import Reason, TipAt
from minicoin.core.commands import WaitForTip
from minicoin.core.limits import TIP_WAITERS_MAX
from minicoin.core.netsync.tip_watch import TipWatch
from minicoin.core.units import SECOND_US, Micros, RequestId

ONE, OTHER = b"1" * 32, b"2" * 32
T0 = Micros(10**15)


class Around:
    """A tip, and what was answered."""

    class Tip:
        hash = ONE
        height = 7

    def __init__(self):
        self.tip = self.Tip()
        self.answers = {}

    def reply(self, request, answer):
        assert request not in self.answers, "answered twice"
        self.answers[request] = answer

    def refuse(self, request, reason, text):
        self.reply(request, reason)


def watched():
    around = Around()
    return around, TipWatch(around, around)


def begin(watch, request, patience_s=10, tip=ONE, now=T0):
    watch.wait(RequestId(request), WaitForTip(tip, patience_s * SECOND_US), now)
    check_alarm(watch)


def test_another_tip_than_the_one_known_is_told_at_once():
    around, watch = watched()
    begin(watch, 1, tip=OTHER)
    assert around.answers == {1: TipAt(ONE, 7)} and watch.next_deadline() is None


def test_who_has_no_patience_does_not_wait():
    around, watch = watched()
    begin(watch, 1, patience_s=0)
    assert around.answers == {1: TipAt(ONE, 7)}


def test_all_hear_when_it_moves_and_nobody_twice():
    around, watch = watched()
    for request in (1, 2):
        begin(watch, request)
    assert around.answers == {}
    around.tip.hash, around.tip.height = OTHER, 8
    watch.end_waits()
    watch.end_waits()
    assert around.answers == {1: TipAt(OTHER, 8), 2: TipAt(OTHER, 8)}
    assert watch.next_deadline() is None


def test_each_patience_ends_in_its_own_time():
    around, watch = watched()
    begin(watch, 1, patience_s=20)
    begin(watch, 2, patience_s=10)
    assert watch.next_deadline() == T0 + 10 * SECOND_US
    watch.on_deadline(Micros(T0 + 10 * SECOND_US - 1))
    assert around.answers == {}
    watch.on_deadline(Micros(T0 + 10 * SECOND_US))
    assert list(around.answers) == [2]
    assert watch.next_deadline() == T0 + 20 * SECOND_US


def test_so_many_wait_and_no_more():
    around, watch = watched()
    for request in range(TIP_WAITERS_MAX + 1):
        begin(watch, request)
    assert around.answers == {TIP_WAITERS_MAX: Reason.CROWDED}
