"""Messages of one connection itself: handshake, feature negotiation, keep-alive, and the retired reject and alert.

Field names as in the protocol documentation and BIP14, 31, 37, 61, 130, 133, 152, 155, 339.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NetAddress:
    """An endpoint inside a version message: no time, any IP, port 0 where unknown."""

    services: int = 0
    host: str = "::"
    port: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """Opens the handshake. `timestamp` in Unix seconds; `nonce` recognises a connection to oneself."""

    version: int
    services: int
    timestamp: int
    addr_recv: NetAddress
    addr_from: NetAddress = NetAddress()
    nonce: int = 0
    user_agent: str = ""
    start_height: int = 0
    relay: bool = True


@dataclass(frozen=True, slots=True)
class Verack:
    """Accepts the other side's version."""


@dataclass(frozen=True, slots=True)
class WtxidRelay:
    """Between version and verack: announce transactions by wtxid (BIP339)."""


@dataclass(frozen=True, slots=True)
class SendAddrV2:
    """Between version and verack: send addrv2 instead of addr (BIP155)."""


@dataclass(frozen=True, slots=True)
class SendHeaders:
    """Announce blocks by headers instead of inv (BIP130)."""


@dataclass(frozen=True, slots=True)
class SendCmpct:
    """Compact blocks are understood; `announce` asks for them unasked (BIP152)."""

    announce: bool
    version: int


@dataclass(frozen=True, slots=True)
class FeeFilter:
    """Announce no transaction below `feerate` satoshi per 1,000 virtual bytes (BIP133)."""

    feerate: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a Pong with the same nonce (BIP31)."""

    nonce: int


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers a Ping."""

    nonce: int


@dataclass(frozen=True, slots=True)
class Reject:
    """Why the other side refused something of ours (BIP61). Read for the log, never sent."""

    message: str
    ccode: int
    reason: str
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Alert:
    """A signed notice, still serialised: whoever holds the network's alert keys checks and opens it."""

    payload: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message of a command that is not in the table; counted and ignored."""

    command: str
    payload: bytes
