"""How long the rounds wait, and when a signer enters a height. Pure arithmetic over the network's settings.

Time-outs grow by a fixed step with each round (Buchman, Kwon, Milosevic 2018, section 3): signers that wait ever longer
meet in some round once the network delivers in time. They double nowhere: a network that was cut for an hour then needs
no second hour to agree.

A signer enters round 0 of a height h when all of these hold:
- `min_interval` has passed since it decided h - 1: a network with payments makes no more blocks than that;
- the block it would make is dated at most 5 s in front of its clock. That date is max(clock, parent's + min_interval),
  since a block has to be dated `min_interval` behind its parent. Without this header times would run in front of the
  clocks until everybody refused them;
- a payment waits, or `empty_after` has passed since it decided h - 1, or h is 1.
A valid proposal, or messages of f + 1 members for the height, bring it in at once: then others found that it is time.
"""

from dataclasses import dataclass

from minicoin.core.limits import BLOCK_TIME_AHEAD_OF_SIGNER_US, TIMEOUT_ROUNDS_MAX
from minicoin.core.signers.votes import VoteKind
from minicoin.core.units import SECOND_US, Micros


@dataclass(frozen=True, slots=True)
class RoundTimes:
    """The settings of a network."""

    propose_us: int = SECOND_US
    prevote_us: int = SECOND_US // 2
    precommit_us: int = SECOND_US // 2
    step_us: int = SECOND_US // 4
    min_interval_s: int = 1
    empty_after_s: int = 60

    def timeout_us(self, kind: VoteKind, round_: int) -> int:
        """How long a round waits for a proposal, or for more votes once a quorum of them is there."""
        match kind:
            case VoteKind.PROPOSAL:
                base = self.propose_us
            case VoteKind.PREVOTE:
                base = self.prevote_us
            case VoteKind.PRECOMMIT:
                base = self.precommit_us
        return base + min(round_, TIMEOUT_ROUNDS_MAX) * self.step_us

    def enters_at(self, pause: "Pause", *, payment_waits: bool) -> Micros:
        """When round 0 begins by itself; a moment in the past means at once."""
        interval_us = self.min_interval_s * SECOND_US
        at = max(
            pause.decided_at + interval_us,
            pause.parent_time_s * SECOND_US + interval_us - BLOCK_TIME_AHEAD_OF_SIGNER_US,
        )
        if not payment_waits and pause.height > 1:
            at = max(at, pause.decided_at + self.empty_after_s * SECOND_US)
        return Micros(at)


@dataclass(frozen=True, slots=True)
class Pause:
    """What a height begins after."""

    height: int
    parent_time_s: int
    decided_at: Micros
    """When we learnt that the block below is final; our start, where we were not there."""
