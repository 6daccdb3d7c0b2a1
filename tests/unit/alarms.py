"""The check that a part's alarm rings in time, for tests that drive one part without a node."""

from minicoin.core.alarm import NEVER, Timed


def check_alarm(part: Timed) -> None:
    """No later than the earliest deadline. From here on it is exact, so that the next omission shows."""
    deadline = part.next_deadline()
    assert part.alarm.at <= (NEVER if deadline is None else deadline)
    part.alarm.set(deadline)
