"""Faults that a scenario lets happen at random, by rates per kind: [faults.random].

Kinds are those of faults; which nodes, when and with what parameters is drawn from the seed by sim.faults.
"""

from typing import Final, Literal

from minicoin.sim.scenario.fields import PositiveRate, PositiveSeconds, PositiveShare, Seconds, SettingsTable

FaultKind = Literal[
    "loss",
    "duplicate",
    "reorder",
    "delay-spike",
    "bandwidth-cap",
    "link-block",
    "partition",
    "link-loss",
    "clog",
    "half-open",
    "reset",
    "fragmented-read",
    "flipped-byte",
    "crash",
    "torn-write",
    "full-disk",
    "clock-skew",
    "clock-jump",
    "slow-cpu",
    "churn",
    "version-skew",
    "node-loss",
]
# Torn and failed writes happen in a store that belongs to one node.
OWN_LEDGER_KINDS: Final = ("torn-write", "full-disk")

# What they do to a message, or tell of a version message, needs to see it.
PLAIN_KINDS: Final = ("duplicate", "reorder", "version-skew")


class RandomFaults(SettingsTable):
    """Faults at random times (Poisson), on random nodes, with parameters drawn from the seed."""

    per_hour: dict[FaultKind, PositiveRate]
    """Rate of each kind in the whole network, as a [faults.random.per_hour] table: crash = 4.0, partition = 0.5."""
    start_s: Seconds = 0.0
    """When the first may happen."""
    stop_s: PositiveSeconds | None = None
    """After this none begins; otherwise until the end of mining."""
    duration_s: PositiveSeconds = 30.0
    """Mean duration of those that last, exponential."""
    share: PositiveShare = 0.1
    """Share of the nodes that one fault concerns, at most; at least one node."""


class Faults(SettingsTable):
    """Faults that are not on a timeline."""

    random: RandomFaults | None = None
    """Rates of random faults."""
