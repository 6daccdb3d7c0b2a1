"""How records are exchanged: by what messages, how often, and with how many peers at a time.

`push` sends news once, unasked: key, version, value. `pull` sends a digest and is sent what is newer: two messages.
`push-pull` does both in three. `anti-entropy` goes on until both sides have compared everything, a page at a time. A
network model chooses by its settings; every other node has DEFAULT_EXCHANGE. Demers et al., PODC 1987.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from minicoin.core.limits import RECORD_EXCHANGE_EVERY_US


class ExchangeMode(StrEnum):
    """By what messages."""

    PUSH = "push"
    PULL = "pull"
    PUSH_PULL = "push-pull"
    ANTI_ENTROPY = "anti-entropy"


@dataclass(frozen=True, slots=True)
class ExchangePolicy:
    """One node's. Whoever meets a peer reconciles with it once, whatever the mode."""

    mode: ExchangeMode
    period_us: int
    """Between the rounds."""
    fanout: int
    """Peers drawn for each."""
    tells_at_once: bool
    """A record that is new goes on to all neighbours as soon as it is known, and does not wait for a round."""
    loses_interest: int = 0
    """In a push: after each round a record is pushed no further with a chance of one in so many; 0 for not before
    RECORD_ROUNDS_PUSHED_MAX rounds."""
    phase_us: int | None = None
    """Rounds begin so long after the multiples of the period, for all nodes alike; None draws the time of each."""


DEFAULT_EXCHANGE: Final = ExchangePolicy(
    ExchangeMode.ANTI_ENTROPY, RECORD_EXCHANGE_EVERY_US, fanout=1, tells_at_once=True
)
