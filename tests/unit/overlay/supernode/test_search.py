"""When a node looks for super nodes, and whom it asks for some."""

from tests.unit.alarms import check_alarm
from tests.unit.overlay.supernode.made import T0, Watched, address, peer, peer_id, sent, setup_of

from minicoin.core.alarm import Alarm
from minicoin.core.overlay.supernode.circle import Circle
from minicoin.core.overlay.supernode.dials import PATIENCE_US
from minicoin.core.overlay.supernode.messages import SuperAsk
from minicoin.core.overlay.supernode.search import FAILED_REST_US, Search
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, SECOND_US, Micros


def made():
    circle = Circle(setup_of(1, "leaf"))
    alarm = Alarm()
    search = Search(circle, alarm, Rng(b"search"))
    return circle, search, Watched(search, alarm)


def test_it_begins_at_once_and_then_rests_until_there_is_a_reason():
    _, search, watched = made()
    assert search.is_due(T0) and not search.is_due(T0)
    search.within(5 * SECOND_US, T0)
    check_alarm(watched)
    soon = search.at
    search.within(1_000 * SECOND_US, T0)
    assert search.at <= soon < T0 + 5 * SECOND_US


def test_it_asks_who_is_near_once_and_waits_longer_each_time():
    circle, search, watched = made()
    for conn in range(1, 12):
        circle.meet(peer(conn, conn), T0)
    assert search.is_due(T0)
    asked = sent(search.ask_around(T0), SuperAsk)
    assert [conn for conn, _ in asked] == list(range(4, 12))
    pauses, now = [search.at - T0], T0
    for _ in range(9):
        now = search.at
        assert search.is_due(now)
        search.ask_around(now)
        pauses.append(search.at - now)
    check_alarm(watched)
    assert pauses[0] <= 1.5 * SECOND_US and max(pauses) <= 1.5 * MINUTE_US and pauses[-1] >= 30 * SECOND_US
    assert sent(search.ask_around(now), SuperAsk) == [], "all have been asked, and did not answer"


def test_it_comes_again_when_it_was_told_to():
    circle, search, _watched = made()
    search.fruitless = 6
    search.is_due(T0)
    circle.rests.set(peer_id(2), Micros(T0 + 4 * SECOND_US))
    search.ask_around(T0)
    assert T0 + 2 * SECOND_US <= search.at <= T0 + 6 * SECOND_US


def test_who_is_not_there_in_time_is_left_alone_for_a_while():
    circle, search, watched = made()
    search.is_due(T0)
    search.reach(address(2), T0)
    search.reach(address(3), T0)
    circle.meet(peer(7, 3, is_inbound=False), T0)
    check_alarm(watched)
    late = Micros(T0 + PATIENCE_US)
    assert search.overdue(T0) == [] and search.overdue(late) == [7]
    assert circle.rests.is_resting(peer_id(2), late) and search.at is not None
    assert not circle.rests.is_resting(peer_id(2), Micros(late + 2 * FAILED_REST_US))
    search.found(peer_id(2))
    assert not circle.rests.is_resting(peer_id(2), late) and search.fruitless == 0


def test_a_dial_that_failed_is_not_waited_for():
    circle, search, watched = made()
    search.is_due(T0)
    for number in (2, 3):
        search.reach(address(number), T0)
    circle.meet(peer(7, 3, is_inbound=False), T0)
    # Neither somebody else, nor another address of the same peer, nor one that is connected by another dial.
    for other in (address(4), address(2, "10.9.9.9"), address(3)):
        search.unreachable(other, T0)
    assert len(search.dials) == 2 and search.unreached == 0 and search.at is None
    search.unreachable(address(2), T0)
    check_alarm(watched)
    assert peer_id(2) not in search.dials and circle.rests.is_resting(peer_id(2), T0)
    assert search.unreached == 1 and T0 <= search.at < T0 + SECOND_US


def test_it_waits_where_it_is_to_come_again_soon():
    _, search, watched = made()
    search.is_due(T0)
    dial = search.reach(address(2), T0)
    assert search.stay(dial, 3, T0)
    check_alarm(watched)
    assert search.waited(Micros(T0 + 3 * SECOND_US)) == [] and T0 + 3 * SECOND_US < dial.ask_at < T0 + 5 * SECOND_US
    assert search.waited(dial.ask_at) == [dial] and search.waited(Micros(T0 + 9 * SECOND_US)) == []
    assert not search.stay(dial, 21, T0) and dial.ask_at is None


def test_those_beyond_need_are_dropped_the_slowest_first():
    circle, search, _watched = made()
    for number in (2, 3, 4):
        search.reach(address(number), Micros(T0 + number))
    circle.meet(peer(7, 3, is_inbound=False), T0)
    assert search.drop(-1) == [] and search.drop(2) == [7]
    assert [dial.peer_id for dial in search.dials] == [peer_id(4)]
