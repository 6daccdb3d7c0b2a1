"""What an upgraded connection reports, as values: who the peer is, what became of streams, their bytes, the end.

Streams are named by ids that are unique within their connection and never used again.
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from minicoin.core.libp2p.peer_id import PeerId


class ConnectionSide(Enum):
    """Which end of the connection we are."""

    DIALLER = auto()
    ACCEPTOR = auto()


@dataclass(frozen=True, slots=True)
class PeerAuthenticated:
    """The remote proved its identity and streams may be opened."""

    peer_id: PeerId
    public_key: bytes


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """Both sides agreed on a stream's protocol; `inbound` when the peer opened it."""

    stream: int
    protocol: str
    inbound: bool


@dataclass(frozen=True, slots=True)
class StreamRefused:
    """The peer does not speak the protocol that we opened a stream for; the stream is gone."""

    stream: int
    protocol: str


@dataclass(frozen=True, slots=True)
class StreamData:
    """Bytes of a stream. They count against the peer's window until `consumed`."""

    stream: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The peer sends no more on this stream."""

    stream: int


@dataclass(frozen=True, slots=True)
class StreamReset:
    """The stream is gone in both directions."""

    stream: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The connection is over: the peer's fault with its score, or score 0 for circumstances."""

    reason: str
    score: int


UpgradeEvent = PeerAuthenticated | StreamOpened | StreamRefused | StreamData | StreamClosed | StreamReset | Failed
