"""The state of one Yamux stream: windows in both directions, bytes waiting to be sent, how far it is closed.

The session decides when frames go out; this holds the arithmetic. The receive window grows when half of it is read
within a few round trips, since then it is the window that limits the rate. Specification: libp2p/specs yamux.
"""

from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.libp2p.yamux_frames import WINDOW_MAX
from minicoin.core.limits import YAMUX_WINDOW_BYTES_MAX, YAMUX_WINDOW_INITIAL_BYTES
from minicoin.core.units import Micros

# Half a window read within this many round trips: the sender waited for us most of the time.
_GROWTH_ROUND_TRIPS = 4


class Stream:
    """One stream. Invariant: allowance + unread + uncredited == window, until the peer closes its side."""

    __slots__ = (
        "allowance",
        "credited_at",
        "fin_queued",
        "fin_received",
        "fin_sent",
        "flags",
        "id",
        "inbound",
        "out",
        "send_window",
        "uncredited",
        "unread",
        "window",
    )

    def __init__(self, stream_id: int, inbound: bool, flags: int, now: Micros) -> None:
        self.id = stream_id
        self.inbound = inbound
        self.flags = flags
        """SYN or ACK, waiting for the first frame."""
        self.window = YAMUX_WINDOW_INITIAL_BYTES
        self.allowance = YAMUX_WINDOW_INITIAL_BYTES
        """What the peer may still send."""
        self.unread = 0
        """Handed out and not yet consumed."""
        self.uncredited = 0
        """Consumed and not yet given back to the peer."""
        self.credited_at = now
        self.send_window = YAMUX_WINDOW_INITIAL_BYTES
        self.out = bytearray()
        self.fin_queued = False
        self.fin_sent = False
        self.fin_received = False

    @property
    def is_finished(self) -> bool:
        """Both sides closed in order."""
        return self.fin_sent and self.fin_received

    @property
    def has_to_send(self) -> bool:
        """A frame could go out now."""
        return (bool(self.out) and self.send_window > 0) or (self.fin_queued and not self.fin_sent and not self.out)

    def accept(self, length: int) -> None:
        """A data frame of `length` bytes begins. Raises PeerFault when it breaks the window or a FIN."""
        if self.fin_received:
            raise PeerFault("yamux: data after the end of a stream")
        if length > self.allowance:
            raise PeerFault(f"yamux: {length} bytes sent into a window of {self.allowance}")
        self.allowance -= length
        self.unread += length

    def widen(self, delta: int) -> None:
        """The peer grants us `delta` more bytes."""
        self.send_window += delta
        if self.send_window > WINDOW_MAX:
            raise PeerFault("yamux: send window above 32 bits")

    def consume(self, count: int) -> bool:
        """The application read `count` bytes. True when credit is due: at half a window, not at each read."""
        if count > self.unread:
            raise MisuseError(f"consumed {count} bytes of {self.unread}")
        self.unread -= count
        self.uncredited += count
        return not self.fin_received and self.uncredited * 2 >= self.window

    def take_credit(self, now: Micros, rtt_us: int | None, growth_max: int) -> tuple[int, int]:
        """(what to grant the peer, how much of it is growth of the window)."""
        growth = 0
        if rtt_us is not None and now - self.credited_at <= rtt_us * _GROWTH_ROUND_TRIPS:
            growth = min(self.window, YAMUX_WINDOW_BYTES_MAX - self.window, growth_max)
        credit = self.uncredited + growth
        self.window += growth
        self.allowance += credit
        self.uncredited = 0
        self.credited_at = now
        return credit, growth
