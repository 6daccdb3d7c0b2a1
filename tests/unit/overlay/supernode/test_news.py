"""What goes on among super nodes, in batches."""

from tests.unit.alarms import check_alarm
from tests.unit.overlay.supernode.made import T0, Watched, peer_id, sent

from minicoin.core.alarm import Alarm
from minicoin.core.limits import SUPER_NAMES_PER_MESSAGE_MAX
from minicoin.core.overlay.supernode.messages import SuperHave, Wanted
from minicoin.core.overlay.supernode.news import NEWS_AFTER_US, RENEWALS_AFTER_US, News
from minicoin.core.units import Micros

ONE, TWO = (peer_id(1), 5), (peer_id(2), 7)
STATUS, LEAF = Wanted.ALL_SUPERS, Wanted.DIRECTORY
DUE = Micros(T0 + NEWS_AFTER_US)


def made():
    alarm = Alarm()
    return News(alarm), alarm


def test_all_links_hear_one_message():
    news, alarm = made()
    news.pass_on(STATUS, ONE, T0)
    news.pass_on(LEAF, TWO, T0)
    check_alarm(Watched(news, alarm))
    assert news.flush((1, 2), T0) == []
    told = sent(news.flush((1, 2), DUE), SuperHave)
    assert told == [(conn, SuperHave(of, (name,))) for of, name in ((STATUS, ONE), (LEAF, TWO)) for conn in (1, 2)]
    assert told[0][1] is told[1][1] and news.flush((1,), DUE) == [] and news.next_deadline() is None


def test_the_newest_of_each_goes_on_and_renewals_wait_longer():
    news, alarm = made()
    news.pass_on(LEAF, TWO, T0, is_renewal=True)
    news.pass_on(LEAF, (TWO[0], 8), T0, is_renewal=True)
    check_alarm(Watched(news, alarm))
    assert news.flush((2,), DUE) == []
    told = sent(news.flush((2,), Micros(T0 + RENEWALS_AFTER_US)), SuperHave)
    assert told == [(2, SuperHave(LEAF, ((TWO[0], 8),)))]


def test_a_message_holds_so_many():
    news, _alarm = made()
    for number in range(SUPER_NAMES_PER_MESSAGE_MAX + 1):
        news.pass_on(LEAF, (number.to_bytes(2, "big"), 1), T0)
    assert [len(message.names) for _, message in sent(news.flush((1,), DUE), SuperHave)] == [1_024, 1]
