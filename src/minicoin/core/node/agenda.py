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
        """When something is due indeed, computed from the state of the parts; the alarm is never later. Sets nothing
        right: looking changes nothing."""
        earliest = NEVER
        for part in self._parts:
            # Whose alarm is no earlier than what was found has no earlier deadline either, and is not asked.
            if part.alarm.at < earliest:
                deadline = part.next_deadline()
                if deadline is not None and deadline < earliest:
                    earliest = deadline
        return earliest

    def on_alarm(self, now: Micros) -> None:
        """Ask those whose time has come. Alarms that rang early are set right."""
        for part in self._parts:
            if is_due(part, now):
                self._perform(part.on_deadline(now), now)
        earliest = NEVER
        for part in self._parts:
            if part.alarm.at <= now:
                part.alarm.set(part.next_deadline())
            if part.alarm.at < earliest:
                earliest = part.alarm.at
        self.alarm.set(earliest)
