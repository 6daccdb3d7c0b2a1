"""Which channel a connection gets: plain TCP for Bitcoin's networks, libp2p for minicoin's. A node may offer both."""

import os
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.channel import Libp2pChannel, LocalPeer
from minicoin.core.libp2p.events import ConnectionSide
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import Micros
from minicoin.drivers.channel import Channel, PlainChannel


class TransportKind(StrEnum):
    """As the command line names them."""

    PLAIN = "tcp"
    LIBP2P = "libp2p"


class Transport(Protocol):
    """Makes the channel of a fresh socket."""

    @property
    def kind(self) -> TransportKind: ...

    def open(self, remote: NodeAddress, *, inbound: bool) -> Channel:
        """The channel to `remote`, whose peer id, if it has one, is the one expected."""


class PlainTransport:
    """Bytes as they are."""

    kind = TransportKind.PLAIN

    def open(self, remote: NodeAddress, *, inbound: bool) -> Channel:
        return PlainChannel()


class Gate:
    """Whose connections go beyond the proof of a peer id. Whether one is let in for good is the core's to say; this is
    its word at the door, so that strangers hear nothing but that."""

    def __init__(self, admitted: frozenset[bytes] | None) -> None:
        self.admitted = admitted
        """None: anybody."""

    def admits(self, peer_id: bytes) -> bool:
        return self.admitted is None or peer_id in self.admitted


class Libp2pTransport:
    """Noise, Yamux and one wire stream; every peer proves who it is."""

    kind = TransportKind.LIBP2P

    def __init__(self, local: LocalPeer, rng: Rng, clock: Callable[[], Micros]) -> None:
        self._local = local
        self._rng = rng
        self._clock = clock
        self._opened = 0

    def open(self, remote: NodeAddress, *, inbound: bool) -> Channel:
        self._opened += 1
        expected = PeerId(remote.peer_id) if remote.peer_id and not inbound else None
        return Libp2pChannel(
            ConnectionSide.ACCEPTOR if inbound else ConnectionSide.DIALLER,
            self._local,
            expected,
            _observed(remote),
            entropy=os.urandom,
            rng=self._rng.stream(f"channel {self._opened}"),
            now=self._clock(),
        )


def _observed(remote: NodeAddress) -> Multiaddr | None:
    try:
        return Multiaddr.of_endpoint(remote.host, remote.port)
    except DecodeError:
        # A name too odd for a multiaddr: identify leaves the field out.
        return None
