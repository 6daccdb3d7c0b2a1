"""Node addresses as people write them: HOST:PORT, or a multiaddr that may carry the peer id.

A host that only a resolver can turn into IP addresses keeps its multiaddr form: `/dns4/NAME` and `/dns6/NAME` for one
family only, `/dnsaddr/NAME` for a name whose TXT records hold whole addresses (its port is 0).
"""

from typing import Final

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.multiaddr import DNS4, DNS6, Multiaddr
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.primitives.address import NodeAddress

DNSADDR_HOST: Final = "/dnsaddr/"
DNS4_HOST: Final = "/dns4/"
DNS6_HOST: Final = "/dns6/"
_FAMILY_HOSTS: Final = {DNS4: DNS4_HOST, DNS6: DNS6_HOST}


def parse_node_address(text: str, default_port: int) -> NodeAddress:
    """HOST, HOST:PORT, [IPV6]:PORT, or a multiaddr such as /ip4/127.0.0.1/tcp/4001/p2p/ID. Raises DecodeError."""
    if not text.strip().startswith("/"):
        return NodeAddress.parse(text, default_port)
    address = node_address_of(Multiaddr.parse(text.strip()))
    if address is None:
        raise DecodeError(
            f"cannot dial {text}: expected /ip4, /ip6, /dns, /dns4 or /dns6, then /tcp/PORT, then /p2p/ID; "
            "or /dnsaddr/NAME, then /p2p/ID"
        )
    return address


def node_address_of(address: Multiaddr) -> NodeAddress | None:
    """What a dial needs of a multiaddr; None for everything we cannot dial."""
    peer = address.peer_id
    peer_id = peer.multihash if peer is not None else b""
    name = address.dnsaddr
    if name is not None:
        return NodeAddress(DNSADDR_HOST + name.lower(), 0, peer_id)
    endpoint = address.tcp_endpoint
    if endpoint is None:
        return None
    host, port = endpoint
    return NodeAddress(_FAMILY_HOSTS.get(address.components[0][0], "") + host.lower(), port, peer_id)


def join_address(address: NodeAddress) -> str:
    """What to give to -d: a multiaddr where the peer id is known, else HOST:PORT."""
    if not address.peer_id or address.host.startswith("/"):
        return str(address)
    return str(Multiaddr.of_endpoint(address.host, address.port, PeerId(address.peer_id)))
