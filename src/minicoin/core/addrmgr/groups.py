"""Which addresses may be gossiped, and the network group of each: what one operator is assumed to control at most.

Groups follow Bitcoin Core: /16 of IPv4, /32 of IPv6 (/36 within Hurricane Electric's tunnels), and the IPv4 address
inside 6to4, Teredo and NAT64 ones. The ranges are written down here, since those of the standard library move
between Python versions.
"""

import ipaddress
from functools import lru_cache
from typing import Final

from minicoin.core.encoding.multiaddr import PEER_ID_BYTES_MAX
from minicoin.core.limits import PARSED_HOSTS_MAX
from minicoin.core.primitives.address import NodeAddress, parse_ip

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
_Net = tuple[int, int]


def _nets(*texts: str) -> tuple[_Net, ...]:
    found = (ipaddress.ip_network(text) for text in texts)
    return tuple((int(net.network_address), int(net.netmask)) for net in found)


# This host, multicast, reserved and broadcast: no network, private or not, has a node there.
_NEVER_4: Final = _nets("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4")
_NEVER_6: Final = _nets("::/128", "ff00::/8")
_LOOPBACK_4: Final = _nets("127.0.0.0/8")
_LOOPBACK_6: Final = _nets("::1/128")
# RFC 1918, 6598, 3927, 2544, 5737.
_PRIVATE_4: Final = (
    *_nets("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "198.18.0.0/15"),
    *_nets("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
)
# RFC 4193 (with what OnionCat and Bitcoin Core's internal names lie in), 4862, 4843, 7343, 3849.
_PRIVATE_6: Final = _nets("fc00::/7", "fe80::/64", "2001:10::/28", "2001:20::/28", "2001:db8::/32")
_TUNNEL_36: Final = _nets("2001:470::/32")
_SIX_TO_FOUR: Final = _nets("2002::/16")
_TEREDO: Final = _nets("2001::/32")
_NAT64: Final = _nets("64:ff9b::/96", "::ffff:0:0:0/96")

_IPV4: Final = b"\x04"
_IPV6: Final = b"\x06"
_PRIVATE: Final = b"\x70"
_LOOPBACK: Final = b"\x7f"
_NAME: Final = b"\x00"


def is_routable(address: NodeAddress, *, allow_private: bool) -> bool:
    """Whether the address may enter the book: an IP address that other nodes could reach, with a port."""
    if not 0 < address.port < 65536 or len(address.peer_id) > PEER_ID_BYTES_MAX:
        return False
    return _is_reachable(address.host, allow_private)


# A thousand addresses come in one message, most of them of known hosts.
@lru_cache(PARSED_HOSTS_MAX)
def _is_reachable(host: str, allow_private: bool) -> bool:
    ip = parse_ip(host)
    if ip is None or _lies_in(ip, _NEVER_4, _NEVER_6):
        return False
    return allow_private or not (_is_private(ip) or _is_loopback(ip))


def network_group(address: NodeAddress, *, allow_private: bool) -> bytes:
    """The group of an address. Where private ones are allowed, each private host is a group of its own, and each port
    of the loopback, or the nodes of a laboratory would all be one operator."""
    group = _group_of_host(address.host, allow_private)
    return group + address.port.to_bytes(2, "big") if group[:1] == _LOOPBACK else group


# By host: whoever connects from ever new ports is remembered once.
@lru_cache(PARSED_HOSTS_MAX)
def _group_of_host(host: str, allow_private: bool) -> bytes:
    ip = parse_ip(host)
    if ip is None:
        return _NAME + host.encode(errors="replace")
    if allow_private and _is_loopback(ip):
        return _LOOPBACK + ip.packed
    if allow_private and _is_private(ip):
        return _PRIVATE + ip.packed
    packed = ip.packed
    return _IPV4 + packed[:2] if len(packed) == 4 else _group_of_ipv6(ip, packed)


def _group_of_ipv6(ip: IP, packed: bytes) -> bytes:
    if _lies_in(ip, (), _SIX_TO_FOUR):
        return _IPV4 + packed[2:4]
    if _lies_in(ip, (), _TEREDO):
        # Teredo carries the IPv4 address inverted in its last four bytes.
        return _IPV4 + bytes(byte ^ 0xFF for byte in packed[12:14])
    if _lies_in(ip, (), _NAT64):
        return _IPV4 + packed[12:14]
    if _lies_in(ip, (), _TUNNEL_36):
        return _IPV6 + packed[:4] + bytes((packed[4] & 0xF0,))
    return _IPV6 + packed[:4]


def _is_private(ip: IP) -> bool:
    return _lies_in(ip, _PRIVATE_4, _PRIVATE_6)


def _is_loopback(ip: IP) -> bool:
    return _lies_in(ip, _LOOPBACK_4, _LOOPBACK_6)


def _lies_in(ip: IP, nets_4: tuple[_Net, ...], nets_6: tuple[_Net, ...]) -> bool:
    number = int(ip)
    return any(number & mask == net for net, mask in (nets_4 if ip.version == 4 else nets_6))
