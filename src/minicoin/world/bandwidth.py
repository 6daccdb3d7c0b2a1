"""The rule of the links, shared by the full-node world and the propagation model: what a message meets on its way.

Pure functions over integer microseconds and bytes per second; the caller keeps each node's two `free` times.

Uplink: first in, first out; the sender is busy for size/up. Its first byte is at the other side one latency after it
left, its last byte size/up later (`departure`). Downlink: first in, first out by last byte; the receiver is busy for
size/down, may begin with the first byte (cut-through), and has the message when both sides are done (`reception`):

    done = max(last byte there, max(first byte there, downlink free) + size/down)

Ask `reception` when the clock stands at `last` (ties by sequence), not when sending: a block that is still on its way
does not hold up small messages that overtake it. A rate of 0 means unlimited.
"""

SECOND_US = 1_000_000


def transfer_us(size: int, rate: int) -> int:
    """The time `size` bytes take at `rate` bytes per second, rounded up; none at an unlimited rate."""
    return 0 if rate == 0 else (size * SECOND_US + rate - 1) // rate


def departure(now: int, up_free: int, up_time: int, latency: int) -> tuple[int, int, int]:
    """(uplink free again, first byte there, last byte there) of a message handed over now; up_time = size/up."""
    start = now if now > up_free else up_free
    return start + up_time, start + latency, start + up_time + latency


def reception(first: int, last: int, down_free: int, down_time: int) -> tuple[int, int]:
    """(message complete, downlink free again) of a message whose last byte is there now; down_time = size/down."""
    free = (first if first > down_free else down_free) + down_time
    return (last if last > free else free), free
