"""The calls of tests: the clock stands, goes back and runs on; addresses, connections and messages by hand."""

import pytest
from tests.unit.rpc.conftest import Caller
from tests.unit.worlds import Notices

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.limits import CLOCK_S_MAX, MOCK_TIME_S_MAX
from minicoin.core.notices import PeerPenalised
from minicoin.core.params.builtin import MAIN
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import seconds
from minicoin.testing.host_port import HostPort
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World

HOUR_S = 3_600


def _node_time(rpc) -> int:
    return seconds(rpc.port.host.clock.read(rpc.port.world.now))


def _mine(rpc, count=1):
    return rpc("generatetoaddress", count, rpc("decodescript", "0014" + 20 * "00")["address"])


def test_mock_time_stands_until_it_is_set_again_and_zero_ends_it(rpc) -> None:
    began = _node_time(rpc)
    assert rpc("setmocktime", began + HOUR_S) is None
    rpc.port.pass_time(10_000_000)
    assert _node_time(rpc) == began + HOUR_S
    rpc("setmocktime", began + 2 * HOUR_S)
    assert _node_time(rpc) == began + 2 * HOUR_S
    rpc("setmocktime", 0)
    rpc.port.pass_time(10_000_000)
    assert began + 10 <= _node_time(rpc) < began + HOUR_S


def test_blocks_are_dated_by_mock_time(rpc) -> None:
    date = _node_time(rpc) + 30 * HOUR_S
    rpc("setmocktime", date)
    (block,) = _mine(rpc)
    assert rpc("getblockheader", block)["time"] == date


def test_bans_end_by_mock_time_and_come_back_when_it_goes_back(rpc) -> None:
    now = _node_time(rpc)
    rpc("setmocktime", now)
    rpc("setban", "1.2.3.4", "add", 60)
    rpc("setmocktime", now + 61)
    assert rpc("listbanned") == []
    rpc("setmocktime", now + 59)
    assert [ban["time_remaining"] for ban in rpc("listbanned")] == [1]


def test_going_back_and_forth_leaves_a_node_that_mines_and_syncs(pair) -> None:
    one, other = pair
    now = _node_time(one)
    one("setmocktime", now)
    address = other.port.host.address
    one("addnode", f"{address.host}:{address.port}", "add")
    _mine(one, 3)
    for step in (5 * HOUR_S, -2 * HOUR_S, 400 * HOUR_S, -400 * HOUR_S, 10):
        for caller in pair:
            caller("setmocktime", now + step if step > 0 else now)
        _mine(one)
        one.port.pass_time(2_000_000)
    for caller in pair:
        caller("setmocktime", 0)
    one.port.pass_time(120_000_000, until=lambda: other("getblockcount") == one("getblockcount"))
    assert other("getbestblockhash") == one("getbestblockhash")
    assert one("getblockcount") == 8


def test_mock_time_ends_where_headers_and_addresses_do(rpc) -> None:
    before = _node_time(rpc)
    code, message = rpc.refusal("setmocktime", CLOCK_S_MAX + 1)
    assert (code, _node_time(rpc)) == (-8, before)
    assert "32 bits" in message
    rpc("setmocktime", CLOCK_S_MAX)
    assert len(_mine(rpc)) == 1


@pytest.mark.parametrize("time", [-1, MOCK_TIME_S_MAX + 1])
def test_mock_time_has_a_range(rpc, time: int) -> None:
    assert rpc.refusal("setmocktime", time) == (
        -8,
        f"Mocktime must be in the range [0, {MOCK_TIME_S_MAX}], not {time}.",
    )


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("setmocktime", [1_700_000_000]),
        ("mockscheduler", [1]),
        ("addpeeraddress", ["1.2.3.4", 8333]),
        ("addconnection", ["1.2.3.4:8333", "feeler"]),
        ("sendmsgtopeer", [0, "ping", ""]),
    ],
)
def test_networks_whose_work_counts_refuse_them(demanding, method: str, arguments: list[object]) -> None:
    before = _node_time(demanding)
    code, message = demanding.refusal(method, *arguments)
    assert code == -1
    assert "trivial work" in message
    assert _node_time(demanding) == before


@pytest.fixture
def demanding(tmp_path):
    """A node of a network that retargets."""
    world = World(MAIN, ScriptedVerifier(), uniform(20_000), WorldSettings(b"trial"))
    return Caller(HostPort(world, world.add_node("one"), tmp_path))


def test_addresses_are_put_into_the_book(rpc) -> None:
    assert rpc("addpeeraddress", "1.2.3.4", 8333) == {"success": True}
    assert rpc("addpeeraddress", "1.2.3.4", 8333) == {"success": False, "error": "failed-adding-to-new"}
    assert rpc("addpeeraddress", "1.2.3.5", 8333, True) == {"success": True}
    assert {known["address"] for known in rpc("getnodeaddresses", 0)} == {"1.2.3.4", "1.2.3.5"}
    book = rpc.port.host.node.view.book.snapshot()
    assert (book.new, book.tried) == (1, 1)
    assert rpc.refusal("addpeeraddress", "nowhere", 8333)[0] == -8
    assert rpc.refusal("addpeeraddress", "1.2.3.4", 65_536)[0] == -8


@pytest.mark.parametrize("kind", ["outbound-full-relay", "block-relay-only", "addr-fetch"])
def test_connections_are_made_of_each_kind(pair, kind: str) -> None:
    one, other = pair
    address = other.port.host.address
    where = f"{address.host}:{address.port}"
    assert one("addconnection", where, kind) == {"address": where, "connection_type": kind}
    one.port.pass_time(1_000_000, until=lambda: bool(one("getpeerinfo")))
    assert [peer["connection_type"] for peer in one("getpeerinfo")] == [kind]
    assert one.refusal("addconnection", where, kind)[0] == -8


def test_a_feeler_leaves_when_it_was_answered(pair) -> None:
    one, other = pair
    address = other.port.host.address
    one("addconnection", f"{address.host}:{address.port}", "feeler")
    one.port.pass_time(5_000_000)
    assert one("getpeerinfo") == other("getpeerinfo") == []
    record = one.port.host.node.view.book.find(address)
    assert record is not None
    assert record.is_tried


def test_kinds_have_their_number_of_connections(rpc) -> None:
    for index in range(2):
        rpc("addconnection", f"10.0.0.{index + 1}:1", "block-relay-only")
    assert rpc.refusal("addconnection", "10.0.0.9:1", "block-relay-only") == (
        -34,
        "Error: Already at capacity for specified connection type.",
    )
    assert rpc.refusal("addconnection", "10.0.0.9:1", "manual")[0] == -8
    assert rpc.refusal("addconnection", "10.0.0.9:1", str(SlotKind.FEELER), True)[0] == -8


def test_any_message_is_sent(pair) -> None:
    one, other = pair
    address = other.port.host.address
    one("addnode", f"{address.host}:{address.port}", "onetry")
    one.port.pass_time(2_000_000, until=lambda: bool(one("getpeerinfo")) and bool(other("getpeerinfo")))
    one.port.pass_time(1_000_000)
    (peer,) = one("getpeerinfo")
    assert one("sendmsgtopeer", peer["id"], "notcommand", "00") == {}
    assert one.refusal("sendmsgtopeer", peer["id"], "thirteenbytes", "")[0] == -8
    assert one.refusal("sendmsgtopeer", 77, "ping", "")[0] == -1
    assert one.refusal("sendmsgtopeer", peer["id"], "ping", "0g")[0] == -8
    # What is sent is what arrives: nobody may ask the other end for its mempool.
    one("sendmsgtopeer", peer["id"], "mempool", "")
    notices = Notices(one.port.world)
    one.port.pass_time(2_000_000)
    assert any(isinstance(notice, PeerPenalised) for notice in notices.of(other.port.host))


def test_the_next_announcement_of_what_nobody_asked_for_is_brought_forward(rpc) -> None:
    node = rpc.port.host.node
    rpc("createwallet")
    rpc("generatetoaddress", 101, rpc("getnewaddress"))
    rpc("sendtoaddress", rpc("getnewaddress"), 1)
    before = node.view.mempool.next_deadline()
    assert rpc("mockscheduler", 60) is None
    assert node.view.mempool.next_deadline() == before - 60_000_000
    assert node.next_deadline() <= node.earliest_deadline()
    for wrong in (0, -1, 3_601):
        assert rpc.refusal("mockscheduler", wrong)[0] == -1
