"""Yamux frames: the 12-byte header, its types and flags, and the events that a session reads out of them.

Specification: libp2p/specs yamux.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct
from typing import Final

HEADER: Final = Struct(">BBHII")
HEADER_BYTES: Final = HEADER.size
VERSION: Final = 0

DATA: Final = 0
WINDOW_UPDATE: Final = 1
PING: Final = 2
GO_AWAY: Final = 3

SYN: Final = 1
ACK: Final = 2
FIN: Final = 4
RST: Final = 8

STREAM_ID_MAX: Final = 0xFFFF_FFFF
WINDOW_MAX: Final = 0xFFFF_FFFF


class GoAwayCode(IntEnum):
    """Why a session ends."""

    NORMAL = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    GATED = 0x1007
    """The one at the other end is not admitted here (libp2p/specs error-codes)."""


def encode_header(frame_type: int, flags: int, stream: int, length: int) -> bytes:
    """A frame without body, or the head of one."""
    return HEADER.pack(VERSION, frame_type, flags, stream, length)


@dataclass(frozen=True, slots=True)
class InboundStream:
    """The peer opened a stream."""

    stream: int


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of a stream, in order. They count against the window until `consumed` says they were read."""

    stream: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RemoteClosed:
    """The peer will send no more on this stream; our side may still send."""

    stream: int


@dataclass(frozen=True, slots=True)
class RemoteReset:
    """The peer threw the stream away, in both directions."""

    stream: int


@dataclass(frozen=True, slots=True)
class PingAnswered:
    """The peer answered our keep-alive."""

    rtt_us: int


@dataclass(frozen=True, slots=True)
class WentAway:
    """The peer ends the session."""

    code: int


YamuxEvent = InboundStream | Data | RemoteClosed | RemoteReset | PingAnswered | WentAway
