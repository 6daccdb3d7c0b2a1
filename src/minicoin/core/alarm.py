"""When a part wants to be asked what is due, so that an event at which nothing is due costs one comparison.

Every part with deadlines holds one Alarm and lowers it (`by`) wherever it sets a deadline; node joins them below one of
its own. An alarm may ring early, when its deadline was taken back meanwhile; it never rings late.
"""

from typing import Final, Protocol

from minicoin.core.units import Micros

NEVER: Final = Micros(1 << 62)


class Alarm:
    """`at` is at most the earliest deadline of its owner, and of every alarm joined below it."""

    __slots__ = ("_above", "at")

    def __init__(self) -> None:
        self.at = NEVER
        self._above: Alarm | None = None

    def join(self, above: "Alarm") -> None:
        """From now on `above` rings no later than this one."""
        self._above = above
        above.by(self.at)

    def by(self, at: Micros | None) -> None:
        """Ring at this time or before; None asks for nothing."""
        if at is not None and at < self.at:
            self.at = at
            if self._above is not None:
                self._above.by(at)

    def set(self, deadline: Micros | None) -> None:
        """The earliest deadline, computed anew: the only way to a later time. The alarm above is its owner's to set."""
        self.at = NEVER if deadline is None else deadline
        if self._above is not None:
            self._above.by(self.at)


class Timed(Protocol):
    """A part with deadlines."""

    @property
    def alarm(self) -> Alarm:
        """At most next_deadline(), always."""
        ...

    def next_deadline(self) -> Micros | None:
        """The earliest deadline, computed from the part's state."""
        ...


def is_due(part: Timed, now: Micros) -> bool:
    """Whether a deadline of the part has come. One that rang early is set right."""
    if part.alarm.at > now:
        return False
    part.alarm.set(part.next_deadline())
    return part.alarm.at <= now
