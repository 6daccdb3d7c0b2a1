"""What goes on among super nodes, in batches."""

from tests.unit.alarms import check_alarm
from tests.unit.overlay.supernode.made import T0, Watched, leaf_record, sent, status_record

from minicoin.core.alarm import Alarm
from minicoin.core.limits import SUPER_RECORDS_PER_MESSAGE_MAX
from minicoin.core.overlay.supernode.messages import SuperNews
from minicoin.core.overlay.supernode.news import NEWS_AFTER_US, RENEWALS_AFTER_US, News
from minicoin.core.units import Micros

ONE, TWO = status_record(1), leaf_record(2, (1,))
DUE = Micros(T0 + NEWS_AFTER_US)


def made():
    alarm = Alarm()
    return News(alarm), alarm


def test_each_link_hears_what_did_not_come_by_it_and_most_of_them_one_message():
    news, alarm = made()
    news.pass_on(ONE, 1, T0)
    news.pass_on(TWO, None, T0)
    check_alarm(Watched(news, alarm))
    assert news.flush((1, 2, 3), T0) == []
    told = dict(sent(news.flush((1, 2, 3), DUE), SuperNews))
    assert told == {1: SuperNews((TWO,)), 2: SuperNews((ONE, TWO)), 3: SuperNews((ONE, TWO))}
    assert told[2] is told[3] and news.flush((1,), DUE) == [] and news.next_deadline() is None


def test_the_newest_of_each_goes_on_and_renewals_wait_longer():
    news, alarm = made()
    newer = leaf_record(2, (1,), Micros(T0 + 1))
    news.pass_on(TWO, 1, T0, is_renewal=True)
    news.pass_on(newer, 1, T0, is_renewal=True)
    check_alarm(Watched(news, alarm))
    assert news.flush((2,), DUE) == []
    assert sent(news.flush((2,), Micros(T0 + RENEWALS_AFTER_US)), SuperNews) == [(2, SuperNews((newer,)))]


def test_a_message_holds_so_many():
    news, _alarm = made()

    class Cheap:
        key = "leaf"

        def __init__(self, number):
            self.owner = number.to_bytes(2, "big")

    for number in range(SUPER_RECORDS_PER_MESSAGE_MAX + 1):
        news.pass_on(Cheap(number), None, T0)
    assert [len(message.records) for _, message in sent(news.flush((1,), DUE), SuperNews)] == [256, 1]
