"""Messages that carry addresses of nodes: getaddr, addr, addrv2 (BIP155)."""

from dataclasses import dataclass

from minicoin.core.primitives.address import TimedAddress


@dataclass(frozen=True, slots=True)
class GetAddr:
    """Asks for addresses."""


@dataclass(frozen=True, slots=True)
class Addr:
    """IP addresses. A peer id cannot travel here and is left out."""

    addresses: tuple[TimedAddress, ...]


@dataclass(frozen=True, slots=True)
class AddrV2:
    """Addresses of several networks; those with a peer id travel as multiaddrs, which Bitcoin nodes skip."""

    addresses: tuple[TimedAddress, ...]
