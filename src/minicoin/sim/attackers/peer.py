"""A scripted peer: a host's runner that shakes hands, answers pings, keeps timers, dials and dials again.

It has the node's contract (handle, drain_effects, next_deadline) and none of its rules; what it says beyond that is
its subclasses' part.
"""

import heapq
from collections.abc import Callable, Sequence

from minicoin.core.effects import Close, Dial, Effect, Send
from minicoin.core.events import (
    BytesReceived,
    ConnectionClosed,
    ConnectionOpened,
    DeadlineReached,
    DialFailed,
    Event,
    MessageReceived,
)
from minicoin.core.limits import DIAL_TIMEOUT_US
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros, seconds
from minicoin.core.wire.messages import (
    Message,
    NetAddress,
    Ping,
    Pong,
    SendAddrV2,
    Verack,
    Version,
    WtxidRelay,
)
from minicoin.sim.attackers.link import Link

PROTOCOL_VERSION = 70016
# Longer than a node's own back-off begins with: a dropped attacker is no busier than a clumsy honest node.
REDIAL_US = 30 * SECOND_US
_SERVICES = Services.NETWORK | Services.WITNESS
_USER_AGENT = "/minicoin:0.1.0/"

Act = Callable[[Micros], None]


class ScriptedPeer:
    """What one host of an attacker runs. `shakes_hands` false: connections are opened and nothing is ever said."""

    def __init__(self, network: Network, address: NodeAddress, rng: Rng, *, shakes_hands: bool = True) -> None:
        self.network = network
        self.address = address
        self.rng = rng
        self.links: dict[ConnId, Link] = {}
        self.now = Micros(0)
        self.opened = 0
        """Connections that came into being, whoever dialled."""
        self.lost = 0
        """Connections that ended while this peer was there."""
        self._shakes_hands = shakes_hands
        self._kept: dict[NodeAddress, None] = {}
        self._dialled: dict[ConnId, NodeAddress] = {}
        self._next_conn = 2
        self._effects: list[Effect] = []
        self.timers: list[tuple[int, int, Act]] = []
        self._sequence = 0

    # --- for subclasses ---

    @property
    def height(self) -> int:
        """What it says in its version message."""
        return 0

    def on_start(self, now: Micros) -> None:
        """It is switched on."""

    def on_ready(self, link: Link, now: Micros) -> None:
        """A handshake ended."""

    def on_opened(self, link: Link, now: Micros) -> None:
        """A connection is there; nothing was said yet."""

    def on_message(self, link: Link, message: Message, now: Micros) -> None:
        """A message on a ready link, pings excepted."""

    def on_gone(self, link: Link, now: Micros) -> None:
        """A connection ended."""

    # --- what a script does ---

    def ready_links(self) -> list[Link]:
        """Connections with a finished handshake, oldest first."""
        return [link for link in self.links.values() if link.is_ready]

    def send(self, link: Link, *messages: Message) -> None:
        """Say something."""
        self._effects.extend(Send(link.conn, message) for message in messages)

    def close(self, link: Link) -> None:
        """Leave."""
        self._effects.append(Close(link.conn, "the script says so"))

    def keep(self, addresses: Sequence[NodeAddress]) -> None:
        """Be connected to these, and dial again whenever such a connection ends."""
        for address in addresses:
            if address not in self._kept:
                self._kept[address] = None
                self.dial(address)

    def dial(self, address: NodeAddress) -> None:
        """Open one connection."""
        conn = ConnId(self._next_conn)
        self._next_conn += 2
        self._dialled[conn] = address
        self._effects.append(Dial(conn, address, DIAL_TIMEOUT_US))

    def at(self, time_us: int, act: Act) -> None:
        """Call `act` with the time when that has come."""
        self._sequence += 1
        heapq.heappush(self.timers, (time_us, self._sequence, act))

    def every(self, mean_us: int, act: Act) -> None:
        """Call `act` at Poisson times from now on."""

        def ring(now: Micros) -> None:
            self.at(now + self.rng.exponential_us(mean_us), ring)
            act(now)

        self.at(self.now + self.rng.exponential_us(mean_us), ring)

    # --- the node's contract ---

    def start(self, now: Micros) -> None:
        """Switched on: wake the host afterwards, so that the first effects are performed."""
        self.now = now
        self.on_start(now)

    def handle(self, event: Event, now: Micros) -> None:
        """Take one event."""
        self.now = now
        match event:
            case MessageReceived(conn, message):
                self._on_messages(conn, [message], now)
            case BytesReceived(conn, chunk):
                link = self.links.get(conn)
                self._on_messages(conn, [] if link is None else link.feed(chunk), now)
            case DeadlineReached():
                while self.timers and self.timers[0][0] <= now:
                    heapq.heappop(self.timers)[2](now)
            case ConnectionOpened(conn, remote, inbound):
                self._on_opened(Link(conn, remote, self.network.magic, inbound=inbound), now)
            case ConnectionClosed(conn):
                self._dialled.pop(conn, None)
                link = self.links.pop(conn, None)
                if link is not None:
                    self.lost += 1
                    self._redial(link.remote)
                    self.on_gone(link, now)
            case DialFailed(conn, address):
                self._dialled.pop(conn, None)
                self._redial(address)
            case _:
                pass

    def drain_effects(self) -> list[Effect]:
        """What it wants from the world."""
        effects, self._effects = self._effects, []
        return effects

    def next_deadline(self) -> Micros | None:
        """When it wants to be woken."""
        return Micros(self.timers[0][0]) if self.timers else None

    # --- inside ---

    def _on_opened(self, link: Link, now: Micros) -> None:
        self.links[link.conn] = link
        self.opened += 1
        if self._shakes_hands and not link.inbound:
            self.send(link, self._version(link))
        self.on_opened(link, now)

    def _on_messages(self, conn: ConnId, messages: list[Message], now: Micros) -> None:
        for message in messages:
            link = self.links.get(conn)
            if link is None:
                return
            self._take(link, message, now)

    def _take(self, link: Link, message: Message, now: Micros) -> None:
        if not self._shakes_hands:
            return
        has_become_ready = link.take(message)
        match message:
            case Version():
                if link.inbound:
                    self.send(link, self._version(link))
                self.send(link, WtxidRelay(), SendAddrV2(), Verack())
            case Ping(nonce):
                self.send(link, Pong(nonce))
            case _ if has_become_ready:
                self.on_ready(link, now)
            case _ if link.is_ready:
                self.on_message(link, message, now)
            case _:
                pass

    def _redial(self, address: NodeAddress) -> None:
        if address in self._kept:
            self.at(self.now + REDIAL_US, lambda _: self.dial(address))

    def _version(self, link: Link) -> Version:
        return Version(
            version=PROTOCOL_VERSION,
            services=_SERVICES,
            timestamp=seconds(self.now),
            addr_recv=NetAddress(int(_SERVICES), link.remote.host, link.remote.port),
            addr_from=NetAddress(int(_SERVICES)),
            # A fresh one each time: nodes drop second connections of one nonce, so no attacker would repeat it.
            nonce=int.from_bytes(self.rng.bytes(8), "little"),
            user_agent=_USER_AGENT,
            start_height=self.height,
        )
