"""Addresses as people paste them: what becomes of each form, and back to text."""

import pytest

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.node_address import join_address, parse_node_address
from minicoin.core.primitives.address import NodeAddress

PEER = Identity.from_number(1).peer_id
ID = PEER.multihash


@pytest.mark.parametrize(
    ("text", "address", "joined"),
    [
        ("host.test", NodeAddress("host.test", 7), "host.test:7"),
        ("[::1]:5", NodeAddress("::1", 5), "[::1]:5"),
        ("/ip4/192.0.2.1/tcp/5", NodeAddress("192.0.2.1", 5), "192.0.2.1:5"),
        (f"/ip4/192.0.2.1/tcp/5/p2p/{PEER}", NodeAddress("192.0.2.1", 5, ID), f"/ip4/192.0.2.1/tcp/5/p2p/{PEER}"),
        (f"/ip4/192.0.2.1/tcp/5/ipfs/{PEER}", NodeAddress("192.0.2.1", 5, ID), f"/ip4/192.0.2.1/tcp/5/p2p/{PEER}"),
        (f"/ip4/192.0.2.1/tcp/5/p2p/{PEER.to_cid()}", NodeAddress("192.0.2.1", 5, ID), None),
        (f"/ip6/2001:db8::1/tcp/5/p2p/{PEER}", NodeAddress("2001:db8::1", 5, ID), f"/ip6/2001:db8::1/tcp/5/p2p/{PEER}"),
        (f"/dns/Host.Test/tcp/5/p2p/{PEER}", NodeAddress("host.test", 5, ID), f"/dns/host.test/tcp/5/p2p/{PEER}"),
        ("/dns4/host.test/tcp/5", NodeAddress("/dns4/host.test", 5), "/dns4/host.test/tcp/5"),
        (f"/dns6/host.test/tcp/5/p2p/{PEER}", NodeAddress("/dns6/host.test", 5, ID), None),
        ("/dnsaddr/Host.Test", NodeAddress("/dnsaddr/host.test", 0), "/dnsaddr/host.test"),
        (f"/dnsaddr/h.test/ipfs/{PEER}", NodeAddress("/dnsaddr/h.test", 0, ID), f"/dnsaddr/h.test/p2p/{PEER}"),
    ],
)
def test_forms(text: str, address: NodeAddress, joined: str | None) -> None:
    assert parse_node_address(text, 7) == address
    assert joined is None or join_address(address) == joined
    # What we print is what we read.
    assert parse_node_address(join_address(address), 7) == address


@pytest.mark.parametrize(
    "text",
    [
        "/ip4/192.0.2.1/udp/5/quic-v1",
        "/ip4/192.0.2.1",
        "/ip4/192.0.2.1/tcp/0",
        "/dnsaddr/host.test/tcp/5",
        f"/p2p/{PEER}",
        f"/ip4/192.0.2.1/tcp/5/p2p/{PEER}/p2p-circuit",
    ],
)
def test_what_cannot_be_dialled_is_said(text: str) -> None:
    with pytest.raises(DecodeError, match="cannot dial"):
        parse_node_address(text, 7)
