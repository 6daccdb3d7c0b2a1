"""Multiaddrs, libp2p's addresses: /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo... in text and in binary.

Knows how to read what other implementations announce; which of it we can dial is `tcp_endpoint`. An address with a
protocol that is not in the table cannot be read at all, since its length is unknown. Specification: libp2p/specs
addressing, multiformats/multiaddr.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.libp2p.varint import encode_varint, read_varint
from minicoin.core.limits import MULTIADDR_BYTES_MAX, MULTIADDR_COMPONENTS_MAX

IP4: Final = 4
TCP: Final = 6
IP6: Final = 41
IP6ZONE: Final = 42
DNS: Final = 53
DNS4: Final = 54
DNS6: Final = 55
DNSADDR: Final = 56
P2P: Final = 421
P2P_CIRCUIT: Final = 290

_HOSTS: Final = frozenset({IP4, IP6, DNS, DNS4, DNS6})
_VARIABLE: Final = -1
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_NAME_LENGTH_MAX: Final = 253
_ZONE: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")


@dataclass(frozen=True, slots=True)
class _Protocol:
    """How one protocol's value is read and written. `size` is in bytes, 0 for none."""

    code: int
    name: str
    size: int = 0
    to_bytes: Callable[[str], bytes] = str.encode
    to_text: Callable[[bytes], str] = bytes.decode


def _ip4(text: str) -> bytes:
    return ipaddress.IPv4Address(text).packed


def _ip6(text: str) -> bytes:
    address = ipaddress.IPv6Address(text)
    if address.scope_id is not None:
        raise ValueError("a zone is written as /ip6zone/ZONE before /ip6")
    return address.packed


def _port(text: str) -> bytes:
    if not (text.isascii() and text.isdigit() and int(text) < 65_536):
        raise ValueError("not a port")
    return int(text).to_bytes(2, "big")


def _cidr(text: str) -> bytes:
    if not (text.isascii() and text.isdigit() and int(text) <= 128):
        raise ValueError("not a prefix length")
    return bytes((int(text),))


def _name(text: str) -> bytes:
    if len(text) > _NAME_LENGTH_MAX or not _NAME.fullmatch(text):
        raise ValueError("not a DNS name")
    return text.encode()


def _name_text(value: bytes) -> str:
    text = value.decode()
    _name(text)
    return text


def _zone(text: str) -> bytes:
    if not _ZONE.fullmatch(text):
        raise ValueError("not a zone")
    return text.encode()


def _zone_text(value: bytes) -> str:
    text = value.decode()
    _zone(text)
    return text


def _hash(text: str) -> bytes:
    # Multibase "u": base64 with the URL alphabet, unpadded.
    if not text.startswith("u"):
        raise ValueError("not a multibase base64url text")
    return base64.b64decode(text[1:] + "=" * (-(len(text) - 1) % 4), altchars=b"-_", validate=True)


def _hash_text(value: bytes) -> str:
    return "u" + base64.urlsafe_b64encode(value).decode().rstrip("=")


def _port_text(value: bytes) -> str:
    return str(int.from_bytes(value, "big"))


_PROTOCOLS: Final = (
    _Protocol(IP4, "ip4", 4, _ip4, lambda value: str(ipaddress.IPv4Address(value))),
    _Protocol(IP6, "ip6", 16, _ip6, lambda value: str(ipaddress.IPv6Address(value))),
    _Protocol(IP6ZONE, "ip6zone", _VARIABLE, _zone, _zone_text),
    _Protocol(43, "ipcidr", 1, _cidr, _port_text),
    _Protocol(DNS, "dns", _VARIABLE, _name, _name_text),
    _Protocol(DNS4, "dns4", _VARIABLE, _name, _name_text),
    _Protocol(DNS6, "dns6", _VARIABLE, _name, _name_text),
    _Protocol(DNSADDR, "dnsaddr", _VARIABLE, _name, _name_text),
    _Protocol(TCP, "tcp", 2, _port, _port_text),
    _Protocol(273, "udp", 2, _port, _port_text),
    _Protocol(33, "dccp", 2, _port, _port_text),
    _Protocol(132, "sctp", 2, _port, _port_text),
    _Protocol(P2P, "p2p", _VARIABLE, lambda text: PeerId.parse(text).multihash, lambda value: str(PeerId(value))),
    _Protocol(P2P_CIRCUIT, "p2p-circuit"),
    _Protocol(301, "udt"),
    _Protocol(302, "utp"),
    _Protocol(460, "quic"),
    _Protocol(461, "quic-v1"),
    _Protocol(465, "webtransport"),
    _Protocol(466, "certhash", _VARIABLE, _hash, _hash_text),
    _Protocol(276, "p2p-webrtc-direct"),
    _Protocol(280, "webrtc-direct"),
    _Protocol(281, "webrtc"),
    _Protocol(448, "tls"),
    _Protocol(449, "sni", _VARIABLE, _name, _name_text),
    _Protocol(454, "noise"),
    _Protocol(477, "ws"),
    _Protocol(478, "wss"),
    _Protocol(480, "http"),
    _Protocol(443, "https"),
)
_BY_CODE: Final = {protocol.code: protocol for protocol in _PROTOCOLS}
# "ipfs" is the name that p2p had before.
_BY_NAME: Final = {protocol.name: protocol for protocol in _PROTOCOLS} | {"ipfs": _BY_CODE[P2P]}


@dataclass(frozen=True, slots=True, order=True)
class Multiaddr:
    """An address as a sequence of (protocol code, value)."""

    components: tuple[tuple[int, bytes], ...]

    @classmethod
    def parse(cls, text: str) -> "Multiaddr":
        """Read the text form. Raises DecodeError that says what is wrong."""
        if not text.startswith("/") or len(text) > 2 * MULTIADDR_BYTES_MAX:
            raise DecodeError(f"not a multiaddr: {text[:80]!r} (expected /PROTOCOL/VALUE/...)")
        words = text.rstrip("/").split("/")[1:]
        components: list[tuple[int, bytes]] = []
        at = 0
        while at < len(words):
            protocol = _BY_NAME.get(words[at])
            if protocol is None:
                raise DecodeError(f"unknown protocol {words[at]!r} in {text!r}")
            at += 1
            value = b""
            if protocol.size:
                if at == len(words):
                    raise DecodeError(f"/{protocol.name} without a value in {text!r}")
                try:
                    value = protocol.to_bytes(words[at])
                except (ValueError, binascii.Error) as error:
                    raise DecodeError(f"not a value of /{protocol.name}: {words[at]!r} ({error})") from error
                at += 1
            components.append((protocol.code, value))
        return cls._checked(components)

    @classmethod
    def decode(cls, binary: bytes) -> "Multiaddr":
        """Read the binary form. Raises DecodeError, also on a protocol that is not known."""
        if len(binary) > MULTIADDR_BYTES_MAX:
            raise DecodeError(f"multiaddr of {len(binary)} bytes (at most {MULTIADDR_BYTES_MAX})")
        components: list[tuple[int, bytes]] = []
        at = 0
        while at < len(binary):
            code, at = read_varint(binary, at)
            protocol = _BY_CODE.get(code)
            if protocol is None:
                raise DecodeError(f"unknown protocol {code} in a multiaddr")
            size = protocol.size
            if size == _VARIABLE:
                size, at = read_varint(binary, at)
                if size == 0:
                    raise DecodeError(f"/{protocol.name} without a value")
            value = binary[at : at + size]
            if len(value) < size:
                raise DecodeError("truncated multiaddr")
            at += size
            if size:
                try:
                    protocol.to_text(value)
                except ValueError as error:
                    raise DecodeError(f"not a value of /{protocol.name}: {error}") from error
            components.append((code, value))
        return cls._checked(components)

    @classmethod
    def of_endpoint(cls, host: str, port: int, peer: PeerId | None = None) -> "Multiaddr":
        """The address of a TCP endpoint; `host` is an IP literal or a DNS name. Raises DecodeError."""
        try:
            ip = ipaddress.ip_address(host)
        except ValueError:
            name = "dns"
        else:
            name = "ip4" if ip.version == 4 else "ip6"
        suffix = f"/p2p/{peer}" if peer is not None else ""
        return cls.parse(f"/{name}/{host}/tcp/{port}{suffix}")

    @classmethod
    def _checked(cls, components: list[tuple[int, bytes]]) -> "Multiaddr":
        if not 0 < len(components) <= MULTIADDR_COMPONENTS_MAX:
            raise DecodeError(f"multiaddr of {len(components)} components (1 to {MULTIADDR_COMPONENTS_MAX})")
        address = cls(tuple(components))
        if len(address.encode()) > MULTIADDR_BYTES_MAX:
            raise DecodeError(f"multiaddr longer than {MULTIADDR_BYTES_MAX} bytes")
        return address

    def encode(self) -> bytes:
        """The binary form."""
        parts: list[bytes] = []
        for code, value in self.components:
            parts.append(encode_varint(code))
            if _BY_CODE[code].size == _VARIABLE:
                parts.append(encode_varint(len(value)))
            parts.append(value)
        return b"".join(parts)

    def __str__(self) -> str:
        words: list[str] = []
        for code, value in self.components:
            protocol = _BY_CODE[code]
            words.append(f"/{protocol.name}/{protocol.to_text(value)}" if protocol.size else f"/{protocol.name}")
        return "".join(words)

    @property
    def peer_id(self) -> PeerId | None:
        """Who is expected at this address, where it says so."""
        code, value = self.components[-1]
        return PeerId(value) if code == P2P else None

    @property
    def dnsaddr(self) -> str | None:
        """The name whose TXT records hold the addresses meant, for /dnsaddr/NAME[/p2p/ID]."""
        code, value = self.components[0]
        is_plain = all(other == P2P for other, _ in self.components[1:]) and len(self.components) <= 2
        return value.decode() if code == DNSADDR and is_plain else None

    @property
    def tcp_endpoint(self) -> tuple[str, int] | None:
        """(host, port) where this is plain TCP to an IP address or a DNS name; None for everything we cannot dial."""
        components = self.components[:-1] if self.components[-1][0] == P2P else self.components
        if len(components) != 2 or components[0][0] not in _HOSTS or components[1][0] != TCP:
            return None
        code, value = components[0]
        port = int.from_bytes(components[1][1], "big")
        return (_BY_CODE[code].to_text(value), port) if port else None


def decode_known(binaries: Iterable[bytes]) -> tuple[Multiaddr, ...]:
    """Those of a peer's addresses that can be read; the others use protocols of another time or are garbage."""
    addresses: list[Multiaddr] = []
    for binary in binaries:
        try:
            addresses.append(Multiaddr.decode(binary))
        except DecodeError:
            continue
    return tuple(addresses)
