"""Whitelists: their grammar, whom they cover, and what follows from what."""

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.permissions import Permission, Whitelisting, permission_names, permissions_of


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1.2.3.4", ["noban", "relay", "mempool", "download"]),
        ("noban@1.2.3.4", ["noban", "download"]),
        ("forcerelay@1.2.3.0/24", ["forcerelay", "relay"]),
        ("relay,mempool,@1.2.3.4", ["relay", "mempool"]),
        ("addr,download@1.2.3.4", ["download", "addr"]),
        ("all@1.2.3.4", ["noban", "forcerelay", "relay", "mempool", "download", "addr"]),
        ("@1.2.3.4", []),
    ],
)
def test_permissions(text: str, names: list[str]) -> None:
    assert permission_names(Whitelisting.parse(text).permissions) == names


def test_a_network_alone_is_relayed_for_as_the_operator_says() -> None:
    assert not Whitelisting.parse("1.2.3.4", relays=False).permissions & Permission.RELAY
    forced = Whitelisting.parse("1.2.3.4", relays=False, forces_relay=True).permissions
    assert forced & Permission.FORCERELAY
    assert forced & Permission.RELAY


@pytest.mark.parametrize(
    ("text", "inbound", "outbound"),
    [
        ("noban@1.2.3.4", True, False),
        ("in,noban@1.2.3.4", True, False),
        ("noban,out@1.2.3.4", False, True),
        ("noban,in,out@1.2.3.4", True, True),
    ],
)
def test_directions(text: str, inbound: bool, outbound: bool) -> None:
    entry = Whitelisting.parse(text)
    address = NodeAddress("1.2.3.4", 5)
    assert entry.covers(address, is_inbound=True) is inbound
    assert entry.covers(address, is_inbound=False) is outbound


def test_networks() -> None:
    whitelist = (Whitelisting.parse("noban@1.2.0.0/16"), Whitelisting.parse("addr@1.2.3.0/24"))
    within = permissions_of(whitelist, NodeAddress("1.2.3.4", 5), is_inbound=True)
    assert permission_names(within) == ["noban", "download", "addr"]
    assert permission_names(permissions_of(whitelist, NodeAddress("1.2.9.4", 5), is_inbound=True)) == [
        "noban",
        "download",
    ]
    for other in ("1.3.0.1", "::1", "somewhere.example"):
        assert not permissions_of(whitelist, NodeAddress(other, 5), is_inbound=True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nonsense@1.2.3.4", "Invalid P2P permission: 'nonsense'"),
        ("noban@1.2.3.4/33", "Invalid netmask"),
        ("noban@", "Invalid netmask"),
        ("somewhere", "Invalid netmask"),
        ("in,out@1.2.3.4", "Only direction was set"),
        ("bloomfilter@1.2.3.4", "no effect"),
    ],
)
def test_what_is_none(text: str, problem: str) -> None:
    with pytest.raises(MisuseError, match=problem):
        Whitelisting.parse(text)
