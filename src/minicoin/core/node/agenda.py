"""What is due in a node: each part is asked in its order, when it wants to be."""

from collections.abc import Callable, Iterable

from minicoin.core.alarm import NEVER, Alarm, is_due
from minicoin.core.effects import Effect
from minicoin.core.part import Part
from minicoin.core.units import Micros


class Agenda:
    """The deadlines of all parts of one node."""

    def __init__(self, parts: tuple[Part, ...], perform: Callable[[Iterable[Effect], Micros], None]) -> None:
        """`perform` takes what a part wants."""
        self._parts = parts
        self._perform = perform
        self.alarm = Alarm()
        """Rings no later than any part's; while it does not, nothing is due."""
        for part in parts:
            part.alarm.set(part.next_deadline())
            part.alarm.join(self.alarm)

    def earliest(self) -> Micros:
        """When something is due indeed, computed from the state of all parts; the alarm is never later."""
        deadlines = (part.next_deadline() for part in self._parts)
        return min((deadline for deadline in deadlines if deadline is not None), default=NEVER)

    def on_alarm(self, now: Micros) -> None:
        """Ask those whose time has come. Alarms that rang early are set right."""
        for part in self._parts:
            if is_due(part, now):
                self._perform(part.on_deadline(now), now)
        earliest = NEVER
        for part in self._parts:
            if part.alarm.at <= now:
                part.alarm.set(part.next_deadline())
            earliest = min(earliest, part.alarm.at)
        self.alarm.set(earliest)
