"""Two machines of the stack joined in memory, with virtual time and secrets that are the same in each run."""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from minicoin.core.libp2p.channel import ChannelEvent, Libp2pChannel, LocalPeer
from minicoin.core.libp2p.events import ConnectionSide, UpgradeEvent
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.libp2p.upgrade import Upgrade
from minicoin.core.rng import Rng
from minicoin.core.units import Micros

ALICE = Identity.from_number(1)
BOB = Identity.from_number(2)
NOW = Micros(1_700_000_000_000_000)
WIRE = "/minicoin/0001020304050607/wire/1"
ECHO = "/test/echo/1"

T = TypeVar("T")


def entropy(seed: str) -> Callable[[int], bytes]:
    """Secrets that a test can repeat."""
    count = 0

    def take(size: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"{seed} {count}".encode()).digest(size)

    return take


def make_upgrade(
    side: ConnectionSide, identity: Identity, expected: PeerId | None = None, supported: Sequence[str] = (ECHO,)
) -> Upgrade:
    return Upgrade(side, identity, expected, supported=tuple(supported), entropy=entropy(side.name), now=NOW)


def make_channel(
    side: ConnectionSide,
    identity: Identity,
    expected: PeerId | None = None,
    protocol: str | None = WIRE,
    now: Micros = NOW,
    admits: Callable[[bytes], bool] | None = None,
) -> Libp2pChannel:
    listening = (Multiaddr.parse("/ip4/192.0.2.1/tcp/4001"),)
    ours = LocalPeer(identity, protocol, f"test/{side.name.lower()}", listening, admits=admits)
    observed = Multiaddr.parse("/ip4/198.51.100.7/tcp/50000")
    return Libp2pChannel(side, ours, expected, observed, entropy=entropy(side.name), rng=Rng(b"test"), now=now)


class Link:
    """Carries bytes between two machines until both are silent; `wire` keeps what passed, per direction."""

    def __init__(self, one: Upgrade | Libp2pChannel, other: Upgrade | Libp2pChannel) -> None:
        self.one = one
        self.other = other
        self.wire = (bytearray(), bytearray())

    def step(self, now: Micros, piece: int = 1 << 20) -> bool:
        """One exchange in both directions, in pieces of at most `piece` bytes. False when nothing passed."""
        moved = False
        for source, target, record in ((self.one, self.other, self.wire[0]), (self.other, self.one, self.wire[1])):
            output = source.take_output()
            record += output
            moved = moved or bool(output)
            for at in range(0, len(output), piece):
                target.receive(output[at : at + piece], now)
        return moved

    def run(self, now: Micros = NOW, piece: int = 1 << 20) -> None:
        while self.step(now, piece):
            pass


def connected_upgrades(supported: Sequence[str] = (ECHO,)) -> tuple[Upgrade, Upgrade, Link]:
    """Two upgrades that have authenticated each other; their events so far are dropped."""
    dialler = make_upgrade(ConnectionSide.DIALLER, ALICE, BOB.peer_id, supported)
    acceptor = make_upgrade(ConnectionSide.ACCEPTOR, BOB, None, supported)
    link = Link(dialler, acceptor)
    link.run()
    dialler.take_events()
    acceptor.take_events()
    return dialler, acceptor, link


def connected_channels() -> tuple[Libp2pChannel, Libp2pChannel, Link]:
    """Two channels whose wire stream is open; their events so far are dropped."""
    dialler = make_channel(ConnectionSide.DIALLER, ALICE, BOB.peer_id)
    acceptor = make_channel(ConnectionSide.ACCEPTOR, BOB)
    link = Link(dialler, acceptor)
    link.run()
    dialler.take_events()
    acceptor.take_events()
    return dialler, acceptor, link


def of_type(events: Sequence[UpgradeEvent | ChannelEvent], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]
