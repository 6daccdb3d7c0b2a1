import pytest

SECOND_US = 1_000_000


@pytest.fixture
def connected(pair):
    one, other = pair
    one("addnode", str(other.port.host.address), "add")
    one.port.pass_time(5 * SECOND_US)
    return one, other


def test_added_nodes(connected) -> None:
    one, other = connected
    address = str(other.port.host.address)
    assert one("getaddednodeinfo") == [
        {
            "addednode": address,
            "connected": True,
            "addresses": [{"address": address, "connected": "outbound"}],
        }
    ]
    assert one.refusal("addnode", address, "add")[0] == -23
    assert one("addnode", address, "remove") is None
    assert one.refusal("addnode", address, "remove")[0] == -24
    assert one.refusal("getaddednodeinfo", address)[0] == -24
    assert one.refusal("addnode", address, "often")[0] == -8
    assert one.refusal("addnode", "host:port", "add")[0] == -8


def test_disconnecting(connected) -> None:
    one, other = connected
    (seen,) = one("getpeerinfo")
    one("addnode", seen["addr"], "remove")
    assert one.refusal("disconnectnode", "127.0.0.1:9")[0] == -29
    assert one.refusal("disconnectnode", "", 99)[0] == -29
    assert one.refusal("disconnectnode", seen["addr"], seen["id"])[0] == -8
    assert one("disconnectnode", "", seen["id"]) is None
    one.port.pass_time(SECOND_US)
    assert one("getpeerinfo") == other("getpeerinfo") == []


def test_bans(rpc) -> None:
    assert rpc("listbanned") == []
    rpc("setban", "203.0.113.0/24", "add", 600)
    (ban,) = rpc("listbanned")
    assert (ban["address"], ban["ban_duration"], ban["time_remaining"]) == ("203.0.113.0/24", 600, 600)
    rpc("setban", "203.0.113.0/24", "remove")
    assert rpc("listbanned") == []
    rpc("setban", "198.51.100.7", "add")
    assert rpc("listbanned")[0]["ban_duration"] == 86_400
    rpc("clearbanned")
    assert rpc("listbanned") == []
    assert rpc.refusal("setban", "not-an-address", "add")[0] == -30
    assert rpc.refusal("setban", "198.51.100.7", "remove")[0] == -30
    assert rpc.refusal("setban", "", "remove")[0] == -30
    assert rpc.refusal("setban", "198.51.100.7", "perhaps")[0] == -8


def test_a_ban_ends(rpc) -> None:
    rpc("setban", "198.51.100.7", "add", 10)
    rpc.port.pass_time(11 * SECOND_US)
    assert rpc("listbanned") == []
