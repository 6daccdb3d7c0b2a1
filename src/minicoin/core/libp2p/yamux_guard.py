"""What keeps a Yamux session honest beside its windows: the keep-alive that notices frozen peers and measures the round
trip, and the budget of frames that carry no data. Specification: libp2p/specs yamux."""

from minicoin.core.faults import PeerFault
from minicoin.core.libp2p.yamux_frames import PING, SYN, encode_header
from minicoin.core.limits import (
    YAMUX_CONTROL_FRAME_INTERVAL_US,
    YAMUX_CONTROL_FRAMES_BURST,
    YAMUX_PING_INTERVAL_US,
    YAMUX_PINGS_MISSED_MAX,
)
from minicoin.core.units import Micros


class KeepAlive:
    """Pings at once, since the windows grow by the round trip, and then regularly; counts the missing answers."""

    __slots__ = ("_missed", "_sent_at", "_value", "next_at", "rtt_us")

    def __init__(self, now: Micros) -> None:
        self._value = 0
        self._sent_at: Micros | None = None
        self._missed = 0
        self.next_at = now
        self.rtt_us: int | None = None

    def ping(self, now: Micros) -> bytes:
        """The frame to send at `next_at`. Raises PeerFault when too many answers are missing."""
        if self._sent_at is not None:
            self._missed += 1
            if self._missed >= YAMUX_PINGS_MISSED_MAX:
                raise PeerFault(f"yamux: {self._missed} pings without an answer", score=0)
        self._value = (self._value + 1) & 0xFFFF_FFFF
        self._sent_at = now
        self.next_at = Micros(now + YAMUX_PING_INTERVAL_US)
        return encode_header(PING, SYN, 0, self._value)

    def on_answer(self, value: int, now: Micros) -> int | None:
        """The round trip, or None for an answer to nothing."""
        if value != self._value or self._sent_at is None:
            return None
        rtt_us = now - self._sent_at
        # The mean of old and new, as go-yamux has it: one late answer does not decide.
        self.rtt_us = rtt_us if self.rtt_us is None else (self.rtt_us + rtt_us) // 2
        self._sent_at = None
        self._missed = 0
        return rtt_us


class FrameBudget:
    """Frames without data cost the peer nothing and us work: each takes a token."""

    __slots__ = ("_refilled_at", "_tokens")

    def __init__(self, now: Micros) -> None:
        self._tokens = YAMUX_CONTROL_FRAMES_BURST
        self._refilled_at = now

    def charge(self, now: Micros) -> None:
        """One frame came. Raises PeerFault when the budget is spent; time refills it."""
        if self._tokens == 0:
            gained = (now - self._refilled_at) // YAMUX_CONTROL_FRAME_INTERVAL_US
            if gained <= 0:
                raise PeerFault("yamux: flood of frames without data")
            self._tokens = min(gained, YAMUX_CONTROL_FRAMES_BURST)
            self._refilled_at = now
        self._tokens -= 1

    def credit(self) -> None:
        """We sent data, which entitles the peer to a window update."""
        if self._tokens < YAMUX_CONTROL_FRAMES_BURST:
            self._tokens += 1
