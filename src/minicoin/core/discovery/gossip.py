"""Gossip of addresses: what is believed of addr messages, to whom they are relayed, how getaddr is answered.

1. *A peer may send so many addresses*, by a token bucket of its own. Of more than that chance picks which count, or
   whoever sends them would.
2. *A time that cannot be* (before 1973, or more than ten minutes ahead) is taken for five days ago.
3. *Relayed is news*: fresh addresses of small messages that answer nothing we asked. Each goes to two peers, chosen by
   a keyed hash of address and day, so that nobody can predict them and saying it again reaches nobody else.
4. *getaddr is answered once, to peers that dialled us*: one that we dialled could read off our book whom we know. All
   get the same sample for a day, or whoever asks often would have the whole book.
5. *A peer that dialled us takes part from its first message about addresses on*: others dial for blocks only, and what
   they were told would go no further.
6. *Where we can be reached* stands alone in the first message to a peer, and is said again now and then, at random
   times.

Paces and limits are Bitcoin Core's. The address book itself is node's.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from hashlib import sha256

from minicoin.core.addrmgr.entry import believed_time
from minicoin.core.alarm import Alarm
from minicoin.core.discovery.gossip_peer import GossipPeer
from minicoin.core.discovery.policy import DiscoveryPolicy
from minicoin.core.effects import Effect, Send
from minicoin.core.limits import ADDRESS_RELAY_MESSAGE_MAX, ADDRESS_RELAY_PEERS, ADDRESSES_PER_MESSAGE_MAX
from minicoin.core.part import Part
from minicoin.core.primitives.address import NodeAddress, Services, TimedAddress
from minicoin.core.rng import Rng
from minicoin.core.units import DAY_US, ConnId, Micros, seconds
from minicoin.core.wire.messages import Addr, AddrV2, GetAddr

SampleAddresses = Callable[[int], tuple[TimedAddress, ...]]
"""The address book's random sample of at most so many addresses, for a stranger."""

# Heard of within this time: worth passing on.
_FRESH_SECONDS = 600


@dataclass(frozen=True, slots=True)
class GossipPeerView:
    """What became of the addresses one peer sent: looked at, or too many at a time."""

    processed_count: int
    rate_limited_count: int


class Gossip(Part):
    """Addresses between this node and its peers."""

    def __init__(self, policy: DiscoveryPolicy, rng: Rng) -> None:
        self._policy = policy
        self.alarm = Alarm()
        self._rng = rng.stream("gossip")
        self._key = self._rng.bytes(16)
        self._peers: dict[ConnId, GossipPeer] = {}
        self._own: dict[NodeAddress, Services] = {}
        self._answer: tuple[TimedAddress, ...] = ()
        self._answer_until = Micros(0)

    @property
    def own_address(self) -> NodeAddress | None:
        """Where others reach us, as far as we know."""
        return next(iter(self._own), None)

    def set_own(self, addresses: dict[NodeAddress, Services]) -> None:
        """Where this node can be reached, and what it offers."""
        self._own = dict(addresses) if self._policy.does_listen else {}
        self.alarm.by(self.next_deadline())

    def introduce(self, conn: ConnId, *, is_inbound: bool, wants_v2: bool, now: Micros) -> list[Effect]:
        """A handshake is done on a connection that carries addresses."""
        peer = GossipPeer(conn, is_inbound=is_inbound, wants_v2=wants_v2, now=now)
        self._peers[conn] = peer
        if is_inbound:
            return []
        if self._own:
            self.alarm.by(now)
        peer.expect_answer()
        return [Send(conn, GetAddr())]

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        self._peers.pop(conn, None)
        return ()

    def view(self, conn: ConnId) -> GossipPeerView | None:
        """The peer as getpeerinfo shows it; None where its connection carries no addresses."""
        peer = self._peers.get(conn)
        if peer is None or not peer.is_interested:
            return None
        return GossipPeerView(peer.processed_count, peer.rate_limited_count)

    def on_addr(
        self, conn: ConnId, addresses: tuple[TimedAddress, ...], now: Micros, *, is_unlimited: bool = False
    ) -> tuple[TimedAddress, ...]:
        """Take an addr or addrv2 message: what of it the address book should take, for the rest came faster than a
        peer may send. What is to be relayed goes out with on_deadline()."""
        peer = self._peers.get(conn)
        if peer is None:
            return ()
        self._interest(peer, now)
        if not self._policy.carries_peer_ids:
            addresses = tuple(timed for timed in addresses if not timed.address.peer_id)
        granted = peer.take_tokens(len(addresses), now, is_unlimited=is_unlimited)
        # Which ones count is not the sender's choice. Where none does, a flood costs no dice either.
        whole = granted in (0, len(addresses))
        chosen = list(addresses[:granted]) if whole else self._rng.sample(addresses, granted)
        believed: list[TimedAddress] = []
        # An answer to our getaddr is what we asked for, not news: small networks would never stop passing it round.
        is_news = not peer.awaits_answer and len(addresses) <= ADDRESS_RELAY_MESSAGE_MAX
        peer.awaits_answer = peer.awaits_answer and len(addresses) == ADDRESSES_PER_MESSAGE_MAX
        for timed in chosen:
            time = believed_time(timed.time, seconds(now))
            if time != timed.time:
                timed = replace(timed, time=time)
            peer.learn(timed.address)
            believed.append(timed)
            is_fresh = timed.time > seconds(now) - _FRESH_SECONDS
            if is_fresh and is_news:
                self._relay(timed, peer, now)
        return tuple(believed)

    def on_getaddr(self, conn: ConnId, sample: SampleAddresses, now: Micros) -> list[Effect]:
        """Answer an inbound peer, once. An outbound one could read off our book whom we know, so it gets nothing."""
        peer = self._peers.get(conn)
        if peer is None or not peer.is_inbound or peer.has_asked:
            return []
        peer.has_asked = True
        self._interest(peer, now)
        effects = self._advertise(peer, now)
        if self._answer_until <= now or not self._answer:
            self._answer = sample(ADDRESSES_PER_MESSAGE_MAX)[:ADDRESSES_PER_MESSAGE_MAX]
            self._answer_until = Micros(now + self._policy.answer_cache_us)
        return effects + self._send(peer, self._answer)

    def on_deadline(self, now: Micros) -> list[Effect]:
        """What the clock asks for: our own addresses, and queued ones of others."""
        effects: list[Effect] = []
        for peer in self._peers.values():
            effects += self._advertise(peer, now)
            if peer.flush_at is not None and peer.flush_at <= now:
                effects += self._send(peer, peer.take_outgoing())
        return effects

    def next_deadline(self) -> Micros | None:
        """When on_deadline has something to do."""
        times = [peer.flush_at for peer in self._peers.values() if peer.flush_at is not None]
        if self._own:
            times += [peer.own_at for peer in self._peers.values() if peer.is_interested]
        return min(times, default=None)

    def _interest(self, peer: GossipPeer, now: Micros) -> None:
        if not peer.is_interested:
            peer.is_interested = True
            if self._own:
                self.alarm.by(max(peer.own_at, now))

    def _advertise(self, peer: GossipPeer, now: Micros) -> list[Effect]:
        """Where we can be reached, if it is time to say so again."""
        if not self._own or not peer.is_interested or peer.own_at > now:
            return []
        peer.own_at = Micros(now + self._rng.exponential_us(self._policy.self_advertise_mean_us))
        own = [TimedAddress(address, int(offered), seconds(now)) for address, offered in self._own.items()]
        return self._send(peer, tuple(own))

    def _relay(self, timed: TimedAddress, source: GossipPeer, now: Micros) -> None:
        found = timed.address.ip
        if found is None or not (found.is_global or self._policy.is_private_network):
            return
        others = [peer for peer in self._peers.values() if peer is not source and peer.is_interested]
        name = str(timed.address).encode()
        # The day turns at another time for each address, so that not all of them change peers at once.
        offset_us = int.from_bytes(sha256(self._key + name).digest()[:6], "big") % DAY_US
        day = ((now + offset_us) // DAY_US).to_bytes(8, "big")
        seeded = sha256(self._key + day + name)

        def rank(peer: GossipPeer) -> bytes:
            draw = seeded.copy()
            draw.update(peer.conn.to_bytes(8, "big"))
            return draw.digest()

        for peer in heapq.nsmallest(ADDRESS_RELAY_PEERS, others, key=rank):
            if peer.tell(timed) and peer.flush_at is None:
                peer.flush_at = Micros(now + self._rng.exponential_us(self._policy.relay_mean_us))
                self.alarm.by(peer.flush_at)

    def _send(self, peer: GossipPeer, addresses: tuple[TimedAddress, ...]) -> list[Effect]:
        # Names do not travel.
        carried = tuple(timed for timed in addresses if timed.address.ip is not None)
        if not self._policy.carries_peer_ids:
            carried = tuple(timed for timed in carried if not timed.address.peer_id)
        for timed in carried:
            peer.learn(timed.address)
        if not carried:
            return []
        return [Send(peer.conn, AddrV2(carried) if peer.wants_v2 else Addr(carried))]
