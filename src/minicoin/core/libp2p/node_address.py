"""Node addresses as people write them: HOST:PORT, or a multiaddr that may carry the peer id."""

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.primitives.address import NodeAddress


def parse_node_address(text: str, default_port: int) -> NodeAddress:
    """HOST, HOST:PORT, [IPV6]:PORT, or a multiaddr such as /ip4/127.0.0.1/tcp/4001/p2p/ID. Raises DecodeError."""
    if not text.strip().startswith("/"):
        return NodeAddress.parse(text, default_port)
    address = Multiaddr.parse(text.strip())
    endpoint = address.tcp_endpoint
    if endpoint is None:
        raise DecodeError(
            f"cannot dial {text}: expected /ip4, /ip6, /dns, /dns4 or /dns6, then /tcp/PORT, then /p2p/ID"
        )
    peer = address.peer_id
    return NodeAddress(endpoint[0], endpoint[1], peer.multihash if peer is not None else b"")


def join_address(address: NodeAddress) -> str:
    """What to give to -d: a multiaddr where the peer id is known, else HOST:PORT."""
    if not address.peer_id:
        return str(address)
    return str(Multiaddr.of_endpoint(address.host, address.port, PeerId(address.peer_id)))
