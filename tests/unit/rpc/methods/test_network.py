import pytest

from minicoin.core.commands import PingPeers
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.rpc.methods.network import service_names

SECOND_US = 1_000_000


@pytest.fixture
def connected(pair):
    one, other = pair
    one("addnode", str(other.port.host.address), "add")
    one.port.pass_time(5 * SECOND_US)
    return one, other


def test_a_connection_from_both_ends(connected) -> None:
    one, other = connected
    (seen,) = one("getpeerinfo")
    (back,) = other("getpeerinfo")
    assert seen["addr"] == str(other.port.host.address)
    assert (seen["inbound"], back["inbound"]) == (False, True)
    assert (seen["connection_type"], back["connection_type"]) == ("manual", "inbound")
    assert seen["subver"].startswith("/minicoin")
    assert seen["state"] == "ready"
    assert seen["pingtime"] > 0
    assert seen["servicesnames"] == ["NETWORK", "WITNESS"]
    assert one("getconnectioncount") == 1
    info = other("getnetworkinfo")
    assert (info["connections"], info["connections_in"], info["connections_out"]) == (1, 1, 0)
    assert one("ping") is None


def test_known_addresses_and_totals(rpc) -> None:
    assert rpc("getnodeaddresses", 0) == []
    assert rpc.refusal("getnodeaddresses", -1)[0] == -8
    totals = rpc("getnettotals")
    assert set(totals) == {"totalbytesrecv", "totalbytessent", "timemillis"}


def test_what_a_connection_carried_is_told_by_command(connected) -> None:
    one, other = connected
    (seen,), (back,) = one("getpeerinfo"), other("getpeerinfo")
    assert seen["bytesrecv_per_msg"]["version"] == back["bytesrecv_per_msg"]["version"] > 100
    assert seen["bytesrecv_per_msg"]["verack"] == 24
    assert seen["lastrecv"] > 0
    assert (seen["last_block"], seen["last_transaction"]) == (0, 0)
    assert seen["addr_relay_enabled"] is True
    assert (seen["addr_processed"], seen["addr_rate_limited"]) == (0, 0)
    assert (seen["permissions"], seen["session_id"], seen["presynced_headers"]) == ([], "", -1)
    assert (seen["bip152_hb_to"], seen["bip152_hb_from"]) == (False, False)
    assert seen["last_inv_sequence"] == 1
    assert (seen["transport_protocol_type"], seen["relaytxes"], seen["inv_to_send"]) == ("v1", True, 0)
    # We told the peer its address by the one we dialled.
    assert back["addrlocal"] == str(other.port.host.address)
    other("generatetoaddress", 1, other("decodescript", "51")["segwit"]["address"])
    one.port.pass_time(5 * SECOND_US)
    assert one("getpeerinfo")[0]["last_block"] >= seen["lastrecv"]


def test_a_ping_without_an_answer_is_told(connected) -> None:
    one, _ = connected
    assert "pingwait" not in one("getpeerinfo")[0]
    one.port.world.command(one.port.host, PingPeers())
    one.port.pass_time(2_000)
    assert one("getpeerinfo")[0]["pingwait"] > 0
    one.port.pass_time(SECOND_US)
    assert "pingwait" not in one("getpeerinfo")[0]


def test_addresses_of_one_network(rpc) -> None:
    now = rpc.port.world.now // SECOND_US
    book = rpc.port.host.node.view.book
    hosts = ["2001:db8::1", "10.0.0.1", "10.1.0.1", "10.2.0.1"]
    book.add([TimedAddress(NodeAddress(host, 7000), 9, now - at) for at, host in enumerate(hosts)], None, now)
    assert [row["address"] for row in rpc("getnodeaddresses", 0)] == hosts
    assert [row["address"] for row in rpc("getnodeaddresses", 2, "ipv4")] == hosts[1:3]
    assert [row["network"] for row in rpc("getnodeaddresses", 0, "ipv6")] == ["ipv6"]
    assert rpc("getnodeaddresses", 0, "onion") == []
    assert rpc.refusal("getnodeaddresses", -1) == (-8, "Address count out of range")
    assert rpc.refusal("getnodeaddresses", 1, "Foo") == (-8, "Network not recognized: Foo")


def test_services_without_a_name_are_told_by_bit() -> None:
    assert service_names(1 | 1 << 4 | 1 << 63) == ["NETWORK", "UNKNOWN[2^4]", "UNKNOWN[2^63]"]


def test_networks_are_bitcoin_cores_five(rpc) -> None:
    networks = rpc("getnetworkinfo")["networks"]
    assert [row["name"] for row in networks if row["reachable"]] == ["ipv4", "ipv6"]
    assert [row["name"] for row in networks if row["limited"]] == ["onion", "i2p", "cjdns"]
    for method in ("getpeerinfo", "getnetworkinfo"):
        assert "(ipv4, ipv6, onion, i2p, cjdns" in rpc("help", method)
