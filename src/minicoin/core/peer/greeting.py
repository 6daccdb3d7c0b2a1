"""What one side of a connection says of itself: its version message, and all that it says in a handshake.

A session says these one by one, as it hears the other side. Who already knows that the other side is of the same
version may have them all at once: a simulated network that begins with finished handshakes.
"""

from dataclasses import dataclass
from functools import lru_cache

from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.units import Micros, seconds
from minicoin.core.wire.messages import (
    Message,
    NetAddress,
    SendAddrV2,
    SendHeaders,
    Verack,
    Version,
    WtxidRelay,
)
from minicoin.core.wire.messages_extension import Extensions, offer_of

PROTOCOL_VERSION = 70016

_SERVICES_CACHED = 16
_CLAIMS_CACHED = 64


@dataclass(frozen=True, slots=True)
class Claims:
    """What a version message says of its sender alone: not to whom it was said, and when."""

    version: int
    services: int
    user_agent: str
    start_height: int
    relay: bool


def version_of(
    services: Services,
    user_agent: str,
    remote: NodeAddress,
    now: Micros,
    *,
    remote_services: Services = Services.NONE,
    nonce: int = 0,
    height: int,
    relays: bool,
) -> Version:
    """The version message of a node, for a remote; nonce 0 belongs to no session."""
    # The address is shown to the peer only where it is an IP: names have no place in a version message.
    seen = remote if remote.ip is not None else NodeAddress("0.0.0.0", remote.port)
    return Version(
        version=PROTOCOL_VERSION,
        services=services,
        timestamp=seconds(now),
        addr_recv=NetAddress(int(remote_services), seen.host, seen.port),
        addr_from=_unnamed(int(services)),
        nonce=nonce,
        user_agent=user_agent,
        start_height=height,
        relay=relays,
    )


def greeting(version: Version, extensions: Extensions) -> tuple[Message, ...]:
    """All that the sender of `version` says in a handshake with a peer of PROTOCOL_VERSION, in order."""
    said: tuple[Message, ...] = (version, WtxidRelay(), SendAddrV2(), Verack(), SendHeaders())
    return (*said, offer_of(extensions)) if extensions else said


def claims_of(version: Version) -> Claims:
    """What it says of its sender."""
    return _claims(version.version, version.services, version.user_agent, version.start_height, version.relay)


# One object for all that say the same: every session keeps its peer's claims.
_claims = lru_cache(_CLAIMS_CACHED)(Claims)


@lru_cache(_SERVICES_CACHED)
def _unnamed(services: int) -> NetAddress:
    """What we put in place of our own address."""
    return NetAddress(services)
