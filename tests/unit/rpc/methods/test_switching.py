import pytest

SECOND_US = 1_000_000


def test_without_network_activity_there_are_no_connections(pair) -> None:
    one, other = pair
    one("addnode", str(other.port.host.address), "add")
    one.port.pass_time(5 * SECOND_US)
    assert one("getconnectioncount") == other("getconnectioncount") == 1
    assert one("setnetworkactive", False) is False
    one.port.pass_time(5 * SECOND_US)
    assert one("getnetworkinfo")["networkactive"] is False
    assert one("getconnectioncount") == other("getconnectioncount") == 0
    # Neither dialled nor taken in.
    other("addnode", str(one.port.host.address), "add")
    one.port.pass_time(600 * SECOND_US)
    assert one("getconnectioncount") == other("getconnectioncount") == 0
    assert one("setnetworkactive", True) is True
    one.port.pass_time(600 * SECOND_US)
    assert one("getconnectioncount") >= 1


@pytest.fixture
def rivals(rpc):
    """A node with two blocks of equal work on one: (the first seen, the other)."""
    rpc("generatetodescriptor", 1, "raw(51)")
    one = rpc("generateblock", "raw(52)", [], False)
    other = rpc("generateblock", "raw(53)", [], False)
    for block in (one, other):
        rpc("submitblock", block["hex"])
    assert rpc("getblockcount") == 2
    return one["hash"], other["hash"]


def test_the_precious_of_two_equals_is_the_tip(rpc, rivals) -> None:
    one, other = rivals
    assert rpc("getbestblockhash") == one
    for wanted in (other, one, one, other):
        assert rpc("preciousblock", wanted) is None
        assert rpc("getbestblockhash") == wanted


def test_work_counts_more_than_what_is_precious(rpc, rivals) -> None:
    one, other = rivals
    rpc("preciousblock", other)
    (top,) = rpc("generatetodescriptor", 1, "raw(54)")
    rpc("preciousblock", one)
    assert rpc("getbestblockhash") == top
    rpc("invalidateblock", top)
    assert rpc("getbestblockhash") == other


def test_a_block_nobody_knows_is_not_precious(rpc) -> None:
    assert rpc.refusal("preciousblock", "11" * 32) == (-5, "Block not found")


def test_what_is_invalid_is_not_precious(rpc, rivals) -> None:
    one, other = rivals
    rpc("invalidateblock", other)
    rpc("preciousblock", other)
    assert rpc("getbestblockhash") == one
