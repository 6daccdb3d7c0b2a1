"""Alarms: never late, early only where a deadline was taken back, joined so that one look tells of all."""

from minicoin.core.alarm import NEVER, Alarm, is_due
from minicoin.core.units import Micros


class Part:
    """A part with one deadline that the test sets."""

    def __init__(self):
        self.alarm = Alarm()
        self.deadline = None
        self.looks = 0

    def next_deadline(self):
        self.looks += 1
        return self.deadline


def test_an_alarm_rings_at_the_earliest_time_it_was_given():
    alarm = Alarm()
    assert alarm.at == NEVER
    alarm.by(Micros(20))
    alarm.by(Micros(30))
    alarm.by(None)
    assert alarm.at == 20
    alarm.by(Micros(10))
    assert alarm.at == 10


def test_only_a_deadline_computed_anew_makes_it_later():
    alarm = Alarm()
    alarm.by(Micros(10))
    alarm.set(Micros(40))
    assert alarm.at == 40
    alarm.set(None)
    assert alarm.at == NEVER


def test_the_alarm_above_rings_no_later_than_any_below():
    above, one, other = Alarm(), Alarm(), Alarm()
    one.by(Micros(50))
    one.join(above)
    other.join(above)
    assert above.at == 50
    other.by(Micros(30))
    assert above.at == 30
    one.set(Micros(20))
    assert above.at == 20


def test_a_part_is_due_when_its_deadline_has_come_not_when_it_was_taken_back():
    part = Part()
    part.deadline = Micros(10)
    part.alarm.by(Micros(10))
    assert not is_due(part, Micros(9))
    assert part.looks == 0
    assert is_due(part, Micros(10))
    part.deadline = Micros(25)
    assert not is_due(part, Micros(10))
    assert part.alarm.at == 25
