"""What one host takes for the time: the true one, off by something, or a moment at which it stands."""

from minicoin.core.units import Micros


class Clock:
    """A host's own. Faults change the offset; a node lets its clock stand by the effect SetClock."""

    __slots__ = ("offset_us", "stands_at")

    def __init__(self) -> None:
        self.offset_us = 0
        self.stands_at: Micros | None = None

    def read(self, now: Micros) -> Micros:
        """What it shows at a true time."""
        if self.stands_at is not None:
            return self.stands_at
        # Where it is right, the very number: nodes keep many times, and those of one moment are one.
        return Micros(now + self.offset_us) if self.offset_us else now

    def true_time(self, shown: Micros, now: Micros) -> int | None:
        """When it will show a time, now at the earliest; None where it never does by itself."""
        if self.stands_at is not None:
            return now if shown <= self.stands_at else None
        return max(shown - self.offset_us, now)
