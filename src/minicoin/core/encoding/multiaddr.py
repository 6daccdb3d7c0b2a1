"""The binary multiaddrs that minicoin gossips: /ip4 or /ip6, /tcp, and optionally /p2p with the peer id.

Owns this minimal binary form only; names and other transports belong to the transport that dials them. Codes from
the multiformats table; varints as in unsigned-varint.
"""

from typing import Final

from minicoin.core.faults import DecodeError

_IP4: Final = b"\x04"
_IP6: Final = b"\x29"
_TCP: Final = b"\x06"
_P2P: Final = b"\xa5\x03"
_IP_LENGTHS: Final = {_IP4[0]: 4, _IP6[0]: 16}
# One byte of varint; every peer id in use (34 to 42 bytes) is far below.
PEER_ID_BYTES_MAX: Final = 127


def encode_multiaddr(ip: bytes, port: int, peer_id: bytes = b"") -> bytes:
    """`ip` has 4 or 16 bytes; an empty peer id leaves /p2p out."""
    head = (_IP4 if len(ip) == 4 else _IP6) + ip + _TCP + port.to_bytes(2, "big")
    return head + _P2P + bytes((len(peer_id),)) + peer_id if peer_id else head


def decode_multiaddr(raw: bytes) -> tuple[bytes, int, bytes]:
    """(IP, port, peer id or empty). Raises DecodeError for every other form, well-formed or not."""
    length = _IP_LENGTHS.get(raw[0]) if raw else None
    if length is None:
        raise DecodeError("multiaddr does not begin with /ip4 or /ip6")
    tcp = 1 + length
    if len(raw) < tcp + 3 or raw[tcp : tcp + 1] != _TCP:
        raise DecodeError("multiaddr without /tcp behind its IP address")
    ip, port = raw[1:tcp], int.from_bytes(raw[tcp + 1 : tcp + 3], "big")
    rest = raw[tcp + 3 :]
    if not rest:
        return ip, port, b""
    if len(rest) < 4 or not rest.startswith(_P2P):
        raise DecodeError("multiaddr with an unknown protocol behind /tcp")
    peer_id = rest[3:]
    if rest[2] != len(peer_id) or len(peer_id) > PEER_ID_BYTES_MAX:
        raise DecodeError("multiaddr with a peer id of the wrong length")
    return ip, port, peer_id
