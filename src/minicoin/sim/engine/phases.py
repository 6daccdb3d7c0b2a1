"""How far a run is, told to whoever waits for it, and the ways in which it ends early."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SET_UP: Final = "set-up"
"""The phase before time zero."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, for people."""

    phase: str
    events: int
    virtual_us: int
    blocks: int
    share: float
    """Of the phase, 0..1, as far as it can be told."""


Report = Callable[[Progress], None]


class SetupFailed(Exception):
    """The network did not connect in the time the scenario gives."""


class Interrupted(Exception):
    """Raised by a Report to end a run between two steps: what was measured until then is a record, marked partial."""
