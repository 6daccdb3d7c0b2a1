import pytest

SECOND_US = 1_000_000


@pytest.fixture
def connected(pair):
    one, other = pair
    one("addnode", str(other.port.virtual.address), "add")
    one.port.world.run(5 * SECOND_US)
    return one, other


def test_a_connection_from_both_ends(connected) -> None:
    one, other = connected
    (seen,) = one("getpeerinfo")
    (back,) = other("getpeerinfo")
    assert seen["addr"] == str(other.port.virtual.address)
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
