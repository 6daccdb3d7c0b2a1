"""Network addresses of nodes: what a dial needs and what addr/addrv2 carry. Text forms and the ids of BIP155."""

import ipaddress
import re
from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum
from functools import lru_cache

from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.faults import DecodeError
from minicoin.core.limits import PARSED_HOSTS_MAX

# RFC 1035, and the underscore that real names have.
_NAME_LENGTH_MAX = 253
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


class Services(IntFlag):
    """Service bits of version and addr messages."""

    NONE = 0
    NETWORK = 1
    BLOOM = 1 << 2
    WITNESS = 1 << 3
    COMPACT_FILTERS = 1 << 6
    NETWORK_LIMITED = 1 << 10


class NetworkId(IntEnum):
    """BIP155 network ids. MULTIADDR is minicoin's own and is never sent on Bitcoin networks."""

    IPV4 = 1
    IPV6 = 2
    TORV2 = 3
    TORV3 = 4
    I2P = 5
    CJDNS = 6
    MULTIADDR = 0x4D


class AddressSource(StrEnum):
    """Who found an address."""

    DNS = "dns"
    MDNS = "mdns"
    GOSSIP = "gossip"
    OPERATOR = "operator"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True, order=True)
class NodeAddress:
    """Where a node listens: `host` an IP literal or a DNS name, `port`, and the libp2p peer id where one is known.

    `peer_id` is the binary multihash, empty when unknown or on plain TCP. A host that begins with a slash is one that
    the resolver treats in a way of its own, such as /dnsaddr/NAME, which has no port.
    """

    host: str
    port: int
    peer_id: bytes = b""

    def __str__(self) -> str:
        if self.host.startswith("/"):
            port = f"/tcp/{self.port}" if self.port else ""
            peer = f"/p2p/{encode_base58(self.peer_id)}" if self.peer_id else ""
            return self.host + port + peer
        endpoint = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return f"{endpoint}/p2p/{encode_base58(self.peer_id)}" if self.peer_id else endpoint

    @property
    def ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The IP address, IPv4-mapped ones as IPv4, or None for a name."""
        return parse_ip(self.host)

    def of_peer(self, peer_id: bytes) -> "NodeAddress":
        """This place as that of a peer; itself where it names that peer already."""
        return self if self.peer_id == peer_id else NodeAddress(self.host, self.port, peer_id)

    @classmethod
    def parse(cls, text: str, default_port: int) -> "NodeAddress":
        """HOST, HOST:PORT, [IPV6]:PORT or a bare IPv6 literal. Raises DecodeError that says what is wrong."""
        text = text.strip()
        host, port_text = text, ""
        if text.startswith("["):
            host, bracket, rest = text[1:].partition("]")
            if not bracket or (rest and not rest.startswith(":")):
                raise DecodeError(f"not an address: {text!r} (expected [IPv6]:PORT)")
            port_text = rest[1:]
        elif text.count(":") == 1:
            host, _, port_text = text.partition(":")
        if not host:
            raise DecodeError(f"not an address: {text!r} (expected HOST:PORT)")
        port = default_port
        if port_text or text.endswith(":"):
            if not (port_text.isascii() and port_text.isdigit() and 0 < int(port_text) < 65536):
                raise DecodeError(f"not a port: {port_text!r} in {text!r} (expected 1 to 65535)")
            port = int(port_text)
        host = normalise_host(host)
        if not is_host(host):
            raise DecodeError(f"not a host name or IP address: {host[:100]!r}")
        return cls(host, port)


@lru_cache(PARSED_HOSTS_MAX)
def parse_ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address of a host, IPv4-mapped ones as IPv4, or None for a name."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def is_host(host: str) -> bool:
    """Whether it is an IP address or a name that DNS can be asked for; names beyond ASCII in their xn-- form."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return len(host) <= _NAME_LENGTH_MAX and all(map(_LABEL.fullmatch, host.removesuffix(".").split(".")))
    return True


def normalise_host(host: str) -> str:
    """One text per IP address, so that comparisons and bans cannot be evaded by spelling."""
    found = parse_ip(host.split("%", 1)[0])
    return host.lower() if found is None else str(found)


@dataclass(frozen=True, slots=True)
class TimedAddress:
    """An address as gossip carries it: when it was last heard of (Unix seconds) and what it offers."""

    address: NodeAddress
    services: int
    time: int
