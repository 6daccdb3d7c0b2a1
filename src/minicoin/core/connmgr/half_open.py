"""Who gives way when too many connections have proved nothing yet: one rule for both stages of an inbound connection.

A connection is half open from the accepted socket to the end of the transport's handshake, where the driver of sockets
counts it, and from there to verack, where the connection manager does. Whoever is silent in either costs a place and
pays nothing for it, so places are bounded by address, on public networks by network group, and in all; and beyond that
a newcomer is not refused, but somebody who was slower than he gives way: the honest need a few milliseconds. It is the
longest silent of those who hold most, so that a crowd from one address ends nobody's handshake but its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from minicoin.core.limits import HALF_OPEN_PER_ADDRESS_MAX, HALF_OPEN_PER_GROUP_MAX
from minicoin.core.units import ConnId


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """A connection that has not proved itself. `source` counts as one party, `group` as one operator; an empty group
    is bounded by nothing, as where a whole network lives in one."""

    conn: ConnId
    source: bytes
    group: bytes


def who_gives_way(source: bytes, group: bytes, half_open: Sequence[HalfOpen], *, is_full: bool) -> HalfOpen | None:
    """Whose place a newcomer takes; None where there is room, or where `is_full` and all have proved themselves.

    `half_open` is in order of age, the oldest first.
    """
    neighbours = [other for other in half_open if other.source == source]
    if len(neighbours) >= HALF_OPEN_PER_ADDRESS_MAX:
        return neighbours[0]
    if group:
        neighbours = [other for other in half_open if other.group == group]
        if len(neighbours) >= HALF_OPEN_PER_GROUP_MAX:
            return longest_of_most(neighbours)
    return longest_of_most(half_open) if is_full else None


def longest_of_most(half_open: Sequence[HalfOpen]) -> HalfOpen | None:
    """The oldest of the source that holds most places; of sources with equally many, the one with the oldest."""
    held: dict[bytes, int] = {}
    for other in half_open:
        held[other.source] = held.get(other.source, 0) + 1
    most = max(held.values(), default=0)
    return next((other for other in half_open if held[other.source] == most), None)
