"""Multiaddrs: the examples of go-multiaddr and libp2p/specs addressing in both forms, refusals, what can be dialled."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.multiaddr import Multiaddr, decode_known
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import MULTIADDR_BYTES_MAX

ID = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"


@pytest.mark.parametrize(
    ("text", "binary"),
    [
        ("/ip4/127.0.0.1/udp/1234", "047f000001910204d2"),
        ("/ip4/127.0.0.1/tcp/4321", "047f0000010610e1"),
        ("/ip4/127.0.0.1/udp/1234/ip4/127.0.0.1/tcp/4321", "047f000001910204d2047f0000010610e1"),
    ],
)
def test_examples_of_go_multiaddr(text: str, binary: str) -> None:
    assert Multiaddr.parse(text).encode().hex() == binary
    assert str(Multiaddr.decode(bytes.fromhex(binary))) == text


@pytest.mark.parametrize(
    "text",
    [
        "/ip4/198.51.100.0/tcp/4242",
        f"/ip4/198.51.100.0/tcp/4242/p2p/{ID}",
        "/ip6/2001:db8::1/tcp/4001",
        "/ip6zone/eth0/ip6/fe80::1/tcp/4001",
        "/dns/node.example.com/tcp/443/wss",
        "/dns4/node.example.com/tcp/18444",
        "/dns6/node.example.com/tcp/18444",
        f"/dnsaddr/bootstrap.example.org/p2p/{ID}",
        f"/ip4/198.51.100.0/tcp/55555/p2p/{ID}/p2p-circuit",
        "/ip4/198.51.100.0/udp/4001/quic-v1/webtransport/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ",
        "/dns4/example.com/tcp/443/tls/sni/example.com/ws",
        "/ip4/10.0.0.0/ipcidr/8",
    ],
)
def test_both_forms_agree(text: str) -> None:
    address = Multiaddr.parse(text)
    assert str(address) == text
    assert Multiaddr.decode(address.encode()) == address


def test_ipfs_is_the_older_name_of_p2p() -> None:
    assert Multiaddr.parse(f"/ip4/1.2.3.4/tcp/5/ipfs/{ID}") == Multiaddr.parse(f"/ip4/1.2.3.4/tcp/5/p2p/{ID}")
    cid = PeerId.parse(ID).to_cid()
    assert str(Multiaddr.parse(f"/p2p/{cid}")) == f"/p2p/{ID}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "ip4/1.2.3.4",
        "/ip4",
        "/ip4/::1",
        "/ip4/fdpsofodsajfdoisa",
        "/ip4/::/ipcidr/256",
        "/ip6/::/ipcidr/1026",
        "/ip6",
        "/ip6/fe80::1%eth0",
        "/ip6zone",
        "/ip6zone//ip6/fe80::1",
        "/udp",
        "/tcp",
        "/tcp/65536",
        "/tcp/-1",
        "/tcp/٣",
        "/quic/65536",
        "/ip4/127.0.0.1/udp/jfodsajfidosajfoidsa",
        "/ip4/127.0.0.1/udp",
        "/ip4/127.0.0.1/tcp/jfodsajfidosajfoidsa",
        "/p2p/junk",
        "/p2p/",
        "/dns4/a b",
        "/dns4/" + "a" * 300,
        "/certhash/xyz",
        "/unknown/1",
        "/udt" * 17,
    ],
)
def test_refuses_other_texts(text: str) -> None:
    with pytest.raises(DecodeError):
        Multiaddr.parse(text)


@pytest.mark.parametrize(
    "binary",
    [
        "",
        "04",
        "047f0000",
        "06",
        "0610",
        "a503",
        "a50300",
        "a5030112",
        "3600",
        "3601ff",
        "36022f2f",
        "ff7f",
        "808001",
        "80",
    ],
)
def test_refuses_other_bytes(binary: str) -> None:
    with pytest.raises(DecodeError):
        Multiaddr.decode(bytes.fromhex(binary))


def test_size_is_bounded() -> None:
    with pytest.raises(DecodeError, match="bytes"):
        Multiaddr.decode(bytes(MULTIADDR_BYTES_MAX + 1))
    with pytest.raises(DecodeError, match="components"):
        Multiaddr.decode(bytes.fromhex("ad02") * 17)


def test_addresses_that_cannot_be_read_are_left_out() -> None:
    good = Multiaddr.parse("/ip4/1.2.3.4/tcp/5")
    assert decode_known([b"\xff\x7f", good.encode(), b"", good.encode()[:-1]]) == (good,)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("/ip4/1.2.3.4/tcp/5", ("1.2.3.4", 5)),
        (f"/ip6/::1/tcp/5/p2p/{ID}", ("::1", 5)),
        ("/dns4/example.com/tcp/5", ("example.com", 5)),
        ("/ip4/1.2.3.4/tcp/0", None),
        ("/ip4/1.2.3.4/udp/5", None),
        ("/ip4/1.2.3.4/tcp/5/ws", None),
        (f"/ip4/1.2.3.4/tcp/5/p2p/{ID}/p2p-circuit", None),
        ("/dnsaddr/example.com", None),
        (f"/p2p/{ID}", None),
    ],
)
def test_what_can_be_dialled(text: str, endpoint: tuple[str, int] | None) -> None:
    assert Multiaddr.parse(text).tcp_endpoint == endpoint


def test_parts() -> None:
    peer = PeerId.parse(ID)
    assert Multiaddr.of_endpoint("::1", 5).peer_id is None
    address = Multiaddr.of_endpoint("::1", 5, peer)
    assert address.peer_id == peer and str(address) == f"/ip6/::1/tcp/5/p2p/{ID}"
    assert Multiaddr.of_endpoint("1.2.3.4", 5, peer) == Multiaddr.parse(f"/ip4/1.2.3.4/tcp/5/p2p/{ID}")
    assert str(Multiaddr.of_endpoint("example.com", 5)) == "/dns/example.com/tcp/5"
    assert Multiaddr.parse(f"/dnsaddr/example.com/p2p/{ID}").dnsaddr == "example.com"
    assert address.dnsaddr is None
    with pytest.raises(DecodeError):
        Multiaddr.of_endpoint("not a host", 5)


@given(st.binary(max_size=60))
def test_any_bytes_are_an_address_or_refused(binary: bytes) -> None:
    with contextlib.suppress(DecodeError):
        address = Multiaddr.decode(binary)
        assert address.encode() == binary
        assert Multiaddr.parse(str(address)) == address
