"""What goes on among super nodes, in batches."""

from sys import getrefcount

from tests.unit.alarms import check_alarm
from tests.unit.overlay.supernode.made import T0, Watched, leaf_record, sent

from minicoin.core.alarm import Alarm
from minicoin.core.overlay.supernode import news as news_module
from minicoin.core.overlay.supernode.messages import SuperHave, Wanted
from minicoin.core.overlay.supernode.news import NEWS_AFTER_US, RENEWALS_AFTER_US, News
from minicoin.core.units import Micros

ONE, TWO = leaf_record(1, (3,), T0), leaf_record(2, (3,), T0 + 1)
STATUS, LEAF = Wanted.ALL_SUPERS, Wanted.DIRECTORY
DUE = Micros(T0 + NEWS_AFTER_US)


def name_of(record):
    return record.owner, record.version


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
    messages = (SuperHave(STATUS, (name_of(ONE),)), SuperHave(LEAF, (name_of(TWO),)))
    assert told == [(conn, message) for message in messages for conn in (1, 2)]
    assert told[0][1] is told[1][1] and news.flush((1,), DUE) == [] and news.next_deadline() is None


def test_the_newest_of_each_goes_on_and_renewals_wait_longer():
    news, alarm = made()
    news.pass_on(LEAF, TWO, T0, is_renewal=True)
    newer = leaf_record(2, (3,), T0 + 2)
    news.pass_on(LEAF, newer, T0, is_renewal=True)
    check_alarm(Watched(news, alarm))
    assert news.flush((2,), DUE) == []
    told = sent(news.flush((2,), Micros(T0 + RENEWALS_AFTER_US)), SuperHave)
    assert told == [(2, SuperHave(LEAF, (name_of(newer),)))]


def test_a_message_holds_so_many(monkeypatch):
    monkeypatch.setattr(news_module, "SUPER_NAMES_PER_MESSAGE_MAX", 2)
    news, _alarm = made()
    for number in range(5):
        news.pass_on(LEAF, leaf_record(number + 1, (9,)), T0)
    assert [len(message.names) for _, message in sent(news.flush((1,), DUE), SuperHave)] == [2, 2, 1]


def test_those_that_renew_ever_again_wait_once(monkeypatch):
    monkeypatch.setattr(news_module, "_WAITING_MAX", 10)
    news, _alarm = made()
    first, last = leaf_record(1, (9,)), leaf_record(1, (9,), T0 + 1)
    held = getrefcount(first)
    news.pass_on(LEAF, first, T0)
    assert getrefcount(first) == held + 1
    for _ in range(10):
        news.pass_on(LEAF, last, T0)
    assert getrefcount(first) == held
    assert sent(news.flush((1,), DUE), SuperHave) == [(1, SuperHave(LEAF, (name_of(last),)))]
