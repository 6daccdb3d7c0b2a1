"""Codecs of addr and addrv2 (BIP155), and of the IP addresses in version messages.

Networks that a node cannot dial yet (Tor, I2P, CJDNS) are checked for their length and left out of the result, as are
unknown networks; bytes of a TCP/IP address inside an onion or internal prefix are never an IP address.
"""

import ipaddress
from struct import Struct
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.encoding.multiaddr import decode_multiaddr, encode_multiaddr
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import ADDRESS_BYTES_MAX, ADDRESSES_PER_MESSAGE_MAX
from minicoin.core.primitives.address import NetworkId, NodeAddress, TimedAddress, parse_ip
from minicoin.core.wire.messages_addresses import Addr, AddrV2
from minicoin.core.wire.reader import Reader

_MAPPED: Final = bytes(10) + b"\xff\xff"
# OnionCat (Tor v2) and Bitcoin Core's internal names live inside unroutable IPv6; BIP155 says to ignore them.
_NOT_IP: Final = (bytes.fromhex("fd87d87eeb43"), bytes.fromhex("fd6b88c08724"))
_ENTRY: Final = Struct("<IQ16s2s")
_TIME: Final = Struct("<I")
_PORT: Final = Struct(">H")
_ENTRY_V2_SIZE_MIN: Final = 9
_LENGTHS: Final[dict[int, int]] = {
    NetworkId.IPV4: 4,
    NetworkId.IPV6: 16,
    NetworkId.TORV3: 32,
    NetworkId.I2P: 32,
    NetworkId.CJDNS: 16,
}


def pack_ip(host: str) -> bytes:
    """4 or 16 bytes, IPv4-mapped addresses as 4. Raises MisuseError for a name, which cannot travel."""
    found = parse_ip(host)
    if found is None:
        raise MisuseError(f"not an IP address: {host!r}")
    return found.packed


def pack_ip16(host: str) -> bytes:
    """16 bytes, IPv4 as IPv4-mapped."""
    packed = pack_ip(host)
    return packed if len(packed) == 16 else _MAPPED + packed


def unpack_ip(raw: bytes) -> str:
    """The text of 4 or 16 bytes; IPv4-mapped addresses give IPv4."""
    if raw.startswith(_MAPPED) and len(raw) == 16:
        raw = raw[12:]
    if len(raw) == 4:
        return ".".join(map(str, raw))
    return str(ipaddress.IPv6Address(raw))


def encode_addr(message: Addr) -> bytes:
    """Raises MisuseError for an address without an IP."""
    _check_count(len(message.addresses))
    parts = [encode_compact(len(message.addresses))]
    for timed in message.addresses:
        port = _PORT.pack(timed.address.port)
        parts.append(_ENTRY.pack(timed.time, timed.services, pack_ip16(timed.address.host), port))
    return b"".join(parts)


def decode_addr(payload: bytes) -> Addr:
    """Raises DecodeError."""
    reader = Reader(payload, "addr")
    count = reader.count(_ENTRY.size, ADDRESSES_PER_MESSAGE_MAX)
    entries = reader.take(count * _ENTRY.size)
    reader.end()
    return Addr(
        tuple(
            TimedAddress(NodeAddress(unpack_ip(ip), port[0] << 8 | port[1]), services, time)
            for time, services, ip, port in _ENTRY.iter_unpack(entries)
            if not ip.startswith(_NOT_IP)
        )
    )


def encode_addrv2(message: AddrV2) -> bytes:
    """Raises MisuseError for an address without an IP."""
    _check_count(len(message.addresses))
    parts = [encode_compact(len(message.addresses))]
    for timed in message.addresses:
        network, raw = _encode_network(timed.address)
        parts += (
            _TIME.pack(timed.time),
            encode_compact(timed.services),
            bytes((network,)),
            encode_compact(len(raw)),
            raw,
            _PORT.pack(timed.address.port),
        )
    return b"".join(parts)


def decode_addrv2(payload: bytes) -> AddrV2:
    """Raises DecodeError."""
    reader = Reader(payload, "addrv2")
    addresses: list[TimedAddress] = []
    for _ in range(reader.count(_ENTRY_V2_SIZE_MIN, ADDRESSES_PER_MESSAGE_MAX)):
        (time,) = reader.unpack(_TIME)
        services = reader.compact()
        network = reader.take(1)[0]
        raw = reader.var_bytes(ADDRESS_BYTES_MAX)
        (port,) = reader.unpack(_PORT)
        address = _decode_network(network, raw, port)
        if address is not None:
            addresses.append(TimedAddress(address, services, time))
    reader.end()
    return AddrV2(tuple(addresses))


def _check_count(count: int) -> None:
    if count > ADDRESSES_PER_MESSAGE_MAX:
        raise MisuseError(f"{count} addresses in one message, at most {ADDRESSES_PER_MESSAGE_MAX} allowed")


def _encode_network(address: NodeAddress) -> tuple[NetworkId, bytes]:
    ip = pack_ip(address.host)
    if address.peer_id:
        return NetworkId.MULTIADDR, encode_multiaddr(ip, address.port, address.peer_id)
    return (NetworkId.IPV4 if len(ip) == 4 else NetworkId.IPV6), ip


def _decode_network(network: int, raw: bytes, port: int) -> NodeAddress | None:
    expected = _LENGTHS.get(network)
    if expected is not None and len(raw) != expected:
        raise DecodeError(f"addrv2 address of {len(raw)} bytes for network {NetworkId(network).name}")
    if network in (NetworkId.IPV4, NetworkId.IPV6) and not raw.startswith(_NOT_IP):
        return NodeAddress(unpack_ip(raw), port)
    if network == NetworkId.MULTIADDR:
        return _decode_multiaddr(raw)
    return None


def _decode_multiaddr(raw: bytes) -> NodeAddress | None:
    try:
        ip, port, peer_id = decode_multiaddr(raw)
    except DecodeError:
        # On a Bitcoin network the id means nothing yet, and later versions may know more protocols: skip, like any
        # network we do not know.
        return None
    return NodeAddress(unpack_ip(ip), port, peer_id)
