"""Which addresses may be gossiped, and their network groups."""

import pytest

from minicoin.core.addrmgr.groups import is_routable, network_group
from minicoin.core.primitives.address import NodeAddress

PRIVATE = [
    "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "100.64.0.1", "169.254.1.1", "198.18.0.1", "192.0.2.1",
    "198.51.100.1", "203.0.113.1", "127.0.0.1", "127.9.9.9", "::1", "fc00::1", "fd87:d87e:eb43::1", "fe80::1",
    "2001:10::1", "2001:20::1", "2001:db8::1", "::ffff:10.0.0.1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2600::1", "2001:470::1", "2002:808:808::1", "::ffff:8.8.8.8"]
NOWHERE = ["0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "ff02::1"]


def routable(host: str, allow_private: bool, port: int = 8333, peer_id: bytes = b"") -> bool:
    address = NodeAddress(host, port, peer_id)
    return is_routable(address, allow_private=allow_private)


def group(host: str, port: int = 8333, allow_private: bool = False) -> bytes:
    address = NodeAddress(host, port)
    return network_group(address, allow_private=allow_private)


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_are_routable_everywhere(host: str) -> None:
    assert routable(host, False) and routable(host, True)


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_only_where_the_network_allows_them(host: str) -> None:
    assert not routable(host, False)
    assert routable(host, True)


@pytest.mark.parametrize("host", NOWHERE)
def test_addresses_of_nobody_are_refused_even_in_a_lab(host: str) -> None:
    assert not routable(host, False) and not routable(host, True)


def test_names_bad_ports_and_absurd_peer_ids_are_refused() -> None:
    assert not routable("node.example", True)
    assert not routable("8.8.8.8", True, port=0)
    assert not routable("8.8.8.8", True, port=65536)
    assert not routable("8.8.8.8", True, peer_id=bytes(128))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("8.8.1.1", "8.8.200.200"),
        ("2600:1:2::1", "2600:1:ffff::9"),
        ("2001:470:1234::1", "2001:470:1fff::1"),
        ("2002:808:101::1", "8.8.9.9"),
        ("64:ff9b::8.8.1.1", "8.8.9.9"),
        ("2001::f7f7:f7f7", "8.8.9.9"),
        ("::ffff:8.8.1.1", "8.8.9.9"),
    ],
)
def test_same_group(one: str, other: str) -> None:
    assert group(one) == group(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("8.8.1.1", "8.9.1.1"), ("2600:1::1", "2600:2::1"), ("2001:470:1234::1", "2001:470:2234::1"), ("8.8.8.8", "::1")],
)
def test_different_groups(one: str, other: str) -> None:
    assert group(one) != group(other)


def test_a_lab_groups_loopback_by_port_and_private_hosts_by_address() -> None:
    assert group("127.0.0.1", 1, True) != group("127.0.0.1", 2, True)
    assert group("127.0.0.1", 1, False) == group("127.0.0.1", 2, False)
    assert group("172.17.0.2", 1, True) != group("172.17.0.3", 1, True)
    assert group("172.17.0.2", 1, True) == group("172.17.0.2", 2, True)
    assert group("8.8.1.1", 1, True) == group("8.8.2.2", 2, True)
