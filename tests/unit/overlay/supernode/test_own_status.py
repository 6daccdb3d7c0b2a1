"""A super node's own status: signed where it changed, published where somebody's choice may change."""

from tests.unit.alarms import check_alarm
from tests.unit.overlay.supernode.made import NETWORK_ID, T0, identity, status

from minicoin.core.alarm import Alarm
from minicoin.core.overlay.supernode.entries import LIFE_US, Signer, SuperStatus, status_of
from minicoin.core.overlay.supernode.own_status import OwnStatus
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros


class Mirror:
    def __init__(self, **given):
        self.now = status(1, **given)
        self.alarm = Alarm()
        self.own = OwnStatus(lambda: self.now, Signer(identity(1), NETWORK_ID), self.alarm, Rng(b"own"))

    def next_deadline(self):
        return self.own.publish_at

    def take(self, leaves, now):
        self.now = status(1, leaves=leaves)
        self.own.on_places(self.now.free, self.now.places, now)
        check_alarm(self)


def test_it_is_signed_anew_where_it_changed_and_not_for_everybody_who_asks():
    mirror = Mirror()
    first = mirror.own.record(T0)
    mirror.now = status(1, leaves=1)
    assert mirror.own.record(Micros(T0 + SECOND_US)) is first
    second = mirror.own.record(Micros(T0 + 2 * SECOND_US))
    assert status_of(second).leaves == 1 and second.version > first.version
    assert mirror.own.record(Micros(T0 + 60 * SECOND_US)) is second, "nothing changed"
    assert mirror.own.record(Micros(T0 + LIFE_US)).version > second.version, "it grew old"


def test_few_changes_are_published_and_none_too_often():
    mirror = Mirror()
    assert mirror.own.publish(T0) is not None
    later = mirror.own.publish_at
    assert LIFE_US // 4 < later - T0 <= LIFE_US // 2
    mirror.take(5, T0)
    assert mirror.own.publish_at == later
    mirror.take(16, T0)
    assert mirror.own.publish_at == T0 + 10 * SECOND_US
    mirror.take(17, Micros(T0 + SECOND_US))
    assert mirror.own.publish_at == T0 + 10 * SECOND_US
    assert status_of(mirror.own.publish(mirror.own.publish_at)).leaves == 17


def test_the_last_place_is_news_either_way():
    mirror = Mirror(leaves=63)
    mirror.own.publish(T0)
    mirror.take(64, T0)
    assert mirror.own.publish_at == T0 + 10 * SECOND_US


def test_who_does_not_know_where_it_is_reached_tries_again_soon():
    mirror = Mirror()
    mirror.now = SuperStatus(None, 0, 1, 0, 0, 0, bytes(32))
    assert mirror.own.publish(T0) is None and mirror.own.publish_at == T0 + 10 * SECOND_US
