"""What gossip keeps about one connection: what it may send, what it knows, what it is to be told. All bounded.

1. Each address that a peer sends costs a token. It earns ADDRESSES_PER_SECOND_PER_PEER of them, up to
   ADDRESS_BURST_PER_PEER_MAX; it begins with one, which is for its own address, and has a burst more once we have asked
   it.
2. What it told us or was told is known to it, KNOWN_ADDRESSES_PER_PEER_MAX of them, and is told to it no more.
3. What it is to be told waits for the next message, as many as one holds; what comes when that is full is not told to
   it.

The pace is Bitcoin Core's.
"""

from minicoin.core.limits import (
    ADDRESS_BURST_PER_PEER_MAX,
    ADDRESSES_PER_MESSAGE_MAX,
    ADDRESSES_PER_SECOND_PER_PEER,
    KNOWN_ADDRESSES_PER_PEER_MAX,
)
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.units import SECOND_US, ConnId, Micros


class GossipPeer:
    """One peer, from the end of its handshake."""

    __slots__ = (
        "_known",
        "_outgoing",
        "_tokens",
        "_tokens_at",
        "awaits_answer",
        "conn",
        "flush_at",
        "has_asked",
        "is_inbound",
        "is_interested",
        "own_at",
        "processed_count",
        "rate_limited_count",
        "wants_v2",
    )

    def __init__(self, conn: ConnId, *, is_inbound: bool, wants_v2: bool, now: Micros) -> None:
        self.conn = conn
        self.is_inbound = is_inbound
        # Who never speaks of addresses may be none to pass them on: it dialled us for blocks only.
        self.is_interested = not is_inbound
        self.wants_v2 = wants_v2
        self.has_asked = False
        self.awaits_answer = False
        # Made when something is in them: many connections never carry an address.
        self._outgoing: dict[NodeAddress, TimedAddress] | None = None
        self.flush_at: Micros | None = None
        self.own_at = now
        self._known: dict[NodeAddress, None] | None = None
        self.processed_count = 0
        self.rate_limited_count = 0
        self._tokens = 1.0
        self._tokens_at = now

    def expect_answer(self) -> None:
        """We sent a getaddr: a full message is welcome once."""
        self.awaits_answer = True
        self._tokens += ADDRESS_BURST_PER_PEER_MAX

    def take_tokens(self, wanted: int, now: Micros, *, is_unlimited: bool = False) -> int:
        """How many of `wanted` addresses may be looked at now; those are paid for."""
        if is_unlimited:
            self.processed_count += wanted
            return wanted
        if self._tokens < ADDRESS_BURST_PER_PEER_MAX:
            earned = (now - self._tokens_at) / SECOND_US * ADDRESSES_PER_SECOND_PER_PEER
            self._tokens = min(self._tokens + earned, float(ADDRESS_BURST_PER_PEER_MAX))
        self._tokens_at = now
        granted = min(wanted, int(self._tokens))
        self._tokens -= granted
        self.processed_count += granted
        self.rate_limited_count += wanted - granted
        return granted

    def learn(self, address: NodeAddress) -> None:
        """The peer knows this address: it told us, or we told it."""
        if self._known is None:
            self._known = {}
        self._known[address] = None
        if len(self._known) > KNOWN_ADDRESSES_PER_PEER_MAX:
            del self._known[next(iter(self._known))]

    def tell(self, timed: TimedAddress) -> bool:
        """Queue an address for the next message. False where the peer knows it or its queue is full."""
        if self._known is not None and timed.address in self._known:
            return False
        if self._outgoing is None:
            self._outgoing = {}
        if len(self._outgoing) >= ADDRESSES_PER_MESSAGE_MAX:
            return False
        self._outgoing[timed.address] = timed
        return True

    def take_outgoing(self) -> tuple[TimedAddress, ...]:
        """What to send now."""
        self.flush_at = None
        taken = () if self._outgoing is None else tuple(self._outgoing.values())
        self._outgoing = None
        for timed in taken:
            self.learn(timed.address)
        return taken
