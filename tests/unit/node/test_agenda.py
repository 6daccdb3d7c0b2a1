"""Who is due is asked in the order of the parts; alarms that rang are set right, and the rest left alone."""

from minicoin.core.alarm import NEVER, Alarm
from minicoin.core.node.agenda import Agenda
from minicoin.core.part import Part
from minicoin.core.units import Micros


class Timed(Part):
    """Wants to be asked at times that are handed to it."""

    def __init__(self, *deadlines):
        self.alarm = Alarm()
        self.deadlines = list(deadlines)
        self.asked = 0

    def next_deadline(self):
        self.asked += 1
        return min(self.deadlines, default=None)

    def on_deadline(self, now):
        self.deadlines = [at for at in self.deadlines if at > now]
        return (f"{id(self)} at {now}",)


def planned(*parts):
    performed = []
    return Agenda(parts, lambda effects, now: performed.extend(effects)), performed


def test_it_rings_with_the_first_of_them_and_never_where_there_is_none():
    agenda, _ = planned(Timed(30, 50), Timed(), Timed(40))
    assert agenda.alarm.at == agenda.earliest() == 30
    agenda, _ = planned(Timed())
    assert agenda.alarm.at == agenda.earliest() == NEVER


def test_who_is_due_is_asked_in_the_order_of_the_parts():
    one, other, later = Timed(20), Timed(10, 60), Timed(30)
    agenda, performed = planned(one, other, later)
    agenda.on_alarm(Micros(20))
    assert performed == [f"{id(one)} at 20", f"{id(other)} at 20"]
    assert agenda.alarm.at == agenda.earliest() == 30


def test_a_deadline_that_comes_earlier_is_heard_of():
    part = Timed(50)
    agenda, _ = planned(part)
    part.deadlines.append(7)
    part.alarm.by(Micros(7))
    assert agenda.alarm.at == 7


def test_an_alarm_that_rang_early_is_set_right_and_the_rest_left_alone():
    early, later, quiet = Timed(30), Timed(99), Timed()
    agenda, performed = planned(early, later, quiet)
    early.alarm.by(Micros(10))
    later.alarm.by(Micros(20))
    agenda.on_alarm(Micros(10))
    assert performed == []
    assert (early.alarm.at, later.alarm.at, quiet.alarm.at) == (30, 20, NEVER)
    assert agenda.alarm.at == 20


def test_what_a_part_wants_may_bring_another_one_forward():
    hurried = Timed(80)

    def perform(effects, now):
        for _ in effects:
            hurried.deadlines.append(now + 1)
            hurried.alarm.by(Micros(now + 1))

    agenda = Agenda((Timed(10), hurried), perform)
    agenda.on_alarm(Micros(10))
    assert agenda.alarm.at == agenda.earliest() == 11


def test_whose_alarm_cannot_be_the_earliest_is_not_asked():
    early, later, quiet, withdrawn = Timed(30), Timed(40), Timed(), Timed(5)
    agenda, _ = planned(early, later, quiet, withdrawn)
    early.alarm.by(Micros(7))
    withdrawn.deadlines.clear()
    before = [part.asked for part in (early, later, quiet, withdrawn)]
    assert agenda.earliest() == 30
    asked = [part.asked for part in (early, later, quiet, withdrawn)]
    assert [now - then for now, then in zip(asked, before, strict=True)] == [1, 0, 0, 1]
    assert (early.alarm.at, withdrawn.alarm.at, agenda.alarm.at) == (7, 5, 5)
